// WITH ( … ) of the statements about backups: `detached`, `verify_only`, `check_files`, `encryption_passphrase`.
//
// A passphrase is better given as `$n`: then it is in no text that is logged or shown (SQL-22).

import { nearest } from '../../config/index.ts'
import { conditions, ServerError } from '../../errors/index.ts'
import type { Parameters } from '../parameters.ts'
import type { StatementReader, Value } from '../statement-reader.ts'
import { textValue } from '../values.ts'

type ArchiveOption = 'detached' | 'verify_only' | 'check_files' | 'encryption_passphrase'

interface ArchiveOptions {
  readonly flags: ReadonlySet<ArchiveOption>
  passphrase(parameters: Parameters): string | undefined
}

export function readArchiveOptions(reader: StatementReader, known: readonly ArchiveOption[]): ArchiveOptions {
  const flags = new Set<ArchiveOption>()
  let passphrase: Value | undefined
  if (reader.accept('WITH')) {
    reader.expect('(')
    do {
      const name = known.find((candidate) => candidate === reader.peekName())
      if (name === undefined) throw unknownOption(reader.identifier(), known)
      reader.skip()
      if (name === 'encryption_passphrase') {
        reader.expect('=')
        passphrase = reader.value()
      } else if (readFlag(reader, name)) flags.add(name)
    } while (reader.accept(','))
    reader.expect(')')
  }
  return {
    flags,
    passphrase: (parameters) => (passphrase === undefined ? undefined : (textValue(passphrase, parameters) ?? '')),
  }
}

/** The same from the function's argument `options`, a JSON object. */
export function optionsOfJson(json: string | null, known: readonly ArchiveOption[]): ArchiveOptions {
  const given = JSON.parse(json ?? '{}') as Readonly<Record<string, unknown>>
  const flags = new Set<ArchiveOption>()
  let passphrase: string | undefined
  for (const [key, value] of Object.entries(given)) {
    const name = known.find((candidate) => candidate === key)
    if (name === undefined) throw unknownOption(key, known)
    if (name === 'encryption_passphrase') {
      if (typeof value !== 'string') throw badValue(name)
      passphrase = value
    } else if (value === true) flags.add(name)
    else if (value !== false) throw badValue(name)
  }
  return { flags, passphrase: () => passphrase }
}

function readFlag(reader: StatementReader, name: ArchiveOption): boolean {
  if (!reader.accept('=')) return true
  if (reader.accept('TRUE') || reader.accept('ON')) return true
  if (reader.accept('FALSE') || reader.accept('OFF')) return false
  throw badValue(name)
}

/** What was given is not repeated: it may be a passphrase in the wrong place. */
function badValue(name: string): ServerError {
  return new ServerError(conditions.invalidParameterValue, [name, '…'], {
    hint: name === 'encryption_passphrase' ? 'Expected a text.' : 'Expected true or false.',
  })
}

function unknownOption(name: string, known: readonly ArchiveOption[]): ServerError {
  const close = nearest(name, known)
  return new ServerError(conditions.invalidParameterValue, ['option', name], {
    hint: close === undefined ? `Options are ${known.join(', ')}.` : `Perhaps you meant ${close}.`,
  })
}
