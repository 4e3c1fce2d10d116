// WITH ( refresh = …, readers = …, bytes_max = … ) of CREATE MATERIALIZED VIEW, with or without the name of the schema before an option.

import { bytes, duration } from '../../config/index.ts'
import { conditions, ServerError } from '../../errors/index.ts'
import { type Fields, fieldsIf, listOf, unwrap, wordsOf } from '../../sql/index.ts'
import type { ViewChange, ViewPolicy } from './view-access.ts'

const everyType = duration({ min: '1ms', max: '366d' })
const bytesType = bytes({ min: '1kB', max: '16GB' })

const names: ReadonlySet<string> = new Set(['refresh', 'readers', 'bytes_max'])

/** What `WITH (…)` and `SET (…)` say. */
export function readViewOptions(options: unknown, schemaName: string): ViewChange {
  let change: ViewChange = {}
  for (const [name, option] of optionsIn(options, schemaName)) {
    const value = optionText(option)
    if (name === 'refresh') change = { ...change, policy: readPolicy(value) }
    else if (name === 'readers') change = { ...change, readers: readNames(value) }
    else change = { ...change, bytesMax: readBytesMax(value) }
  }
  return change
}

/** What `RESET (…)` goes back to. */
export function readViewResets(options: unknown, schemaName: string): ViewChange {
  const named = new Set([...optionsIn(options, schemaName)].map(([name]) => name))
  return {
    ...(named.has('refresh') ? { policy: defaultPolicy } : {}),
    ...(named.has('readers') ? { readers: [] } : {}),
    ...(named.has('bytes_max') ? { bytesMax: null } : {}),
  }
}

export function readBytesMax(value: string): number {
  return bytesType.parse(value, 'bytes_max')
}

export const defaultPolicy: ViewPolicy = { kind: 'on change' }

function* optionsIn(options: unknown, schemaName: string): Generator<readonly [string, Fields]> {
  const seen = new Set<string>()
  for (const item of listOf(options)) {
    const option = fieldsIf('DefElem', item) ?? {}
    const name = String(option.defname)
    const space = option.defnamespace
    if (space !== undefined && space !== schemaName) throw notSupported(`option "${String(space)}.${name}" of a view`)
    if (!names.has(name)) throw notSupported(`option "${name}" of a view`)
    if (seen.has(name)) throw new ServerError(conditions.syntaxError, [`option "${name}" is given more than once`])
    seen.add(name)
    yield [name, option]
  }
}

/** A word that is no string is read as a type. */
function optionText({ defname, arg }: Fields): string {
  const node = unwrap(arg)
  if (node === undefined) throw invalid(String(defname), '')
  if (node.type === 'TypeName') return wordsOf(node.fields.names).at(-1) ?? ''
  if (node.type === 'Integer') return String(node.fields.ival ?? 0)
  if (node.type === 'Float') return String(node.fields.fval)
  return String(node.fields.sval ?? node.fields.boolval ?? '')
}

export function readPolicy(value: string): ViewPolicy {
  const text = value.trim().toLowerCase().replace(/\s+/g, ' ')
  if (text === 'manual' || text === 'on demand') return { kind: 'manual' }
  if (text === 'on change' || text === 'on_change') return { kind: 'on change' }
  if (text === 'incremental') return { kind: 'incremental' }
  const every = /^every (.+)$/.exec(text)?.[1]
  if (every !== undefined) return { kind: 'every', ms: everyMs(every) }
  const writes = Number(/^after (\d{1,15}) writes?$/.exec(text)?.[1])
  if (writes >= 1) return { kind: 'after', writes }
  throw invalid('refresh', value)
}

const longUnits: Readonly<Record<string, string>> = {
  second: 's',
  sec: 's',
  minute: 'min',
  mins: 'min',
  hour: 'h',
  day: 'd',
  millisecond: 'ms',
}

function everyMs(text: string): number {
  const match = /^([\d.]+) ?([a-z]+)$/.exec(text)
  const unit = match?.[2] ?? ''
  const short = longUnits[unit.replace(/s$/, '')] ?? longUnits[unit] ?? unit
  return everyType.parse(`${match?.[1] ?? text}${short}`, 'refresh')
}

/** `a, b` or `{a,b}`; a name in quotes keeps its case. */
export function readNames(value: string): readonly string[] {
  const list = value.trim().replace(/^\{(.*)\}$/s, '$1')
  const found = list.match(/\s*("(?:[^"]|"")+"|[^\s",]+)\s*(?:,|$)/gs) ?? []
  if (found.join('').length !== list.length) throw invalid('readers', value)
  return found.map((name) => {
    const bare = name.trim().replace(/,$/, '').trim()
    return bare.startsWith('"') ? bare.slice(1, -1).replaceAll('""', '"') : bare.toLowerCase()
  })
}

function invalid(name: string, value: string): ServerError {
  const hint =
    name === 'refresh' ? "One of 'manual', 'on change', 'every 30s', 'after 100 writes', 'incremental'." : undefined
  return new ServerError(conditions.invalidParameterValue, [name, value], { hint })
}

function notSupported(what: string): ServerError {
  return new ServerError(conditions.featureNotSupported, [what])
}
