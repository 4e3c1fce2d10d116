// The options of a namespace, as CREATE CACHE NAMESPACE … WITH takes them: its quota, the policy of entries that say nothing
// themselves, and who may use it.

import { bytes, duration, enumeration, integer, type SettingType } from '../../config/index.ts'
import { conditions, ServerError } from '../../errors/index.ts'
import { admissions, type PolicyWish } from './policy.ts'

export interface NamespaceOptions {
  readonly bytesMax: number | undefined
  readonly entriesMax: number | undefined
  readonly compression: boolean
  /** Backups hold it (ARC-14). */
  readonly archive: boolean
  readonly policy: PolicyWish
}

export type GivenOptions = Readonly<Record<string, unknown>>

const flag = enumeration(['on', 'off'])
const share = integer({ min: 0, max: 100 })
const limit = duration({ min: '1ms' })

/** How each option is read; those of value undefined are lists that others read. */
const types: Readonly<Record<string, SettingType<unknown> | undefined>> = {
  bytes_max: bytes({ min: '1kB' }),
  entries_max: integer({ min: 1, max: 2 ** 53 - 1 }),
  compression: flag,
  archive: flag,
  ttl: limit,
  blob_bytes_max: bytes({ min: '1B', max: '4GB' }),
  admission: enumeration(admissions),
  priority: integer({ min: 0, max: 255 }),
  idle_ttl: duration(),
  stale_window: duration(),
  stale_if_error: duration(),
  jitter_percent: share,
  readers: undefined,
  writers: undefined,
  owner: undefined,
}

/** Throws 22023 for an option that is not there, or a value that it cannot have. */
export function readOptions(given: GivenOptions): NamespaceOptions {
  const read = (name: string): unknown => {
    const value = given[name]
    if (value === undefined || value === null) return undefined
    return types[name]?.parse(textOf(value), name)
  }
  for (const name of Object.keys(given)) if (!(name in types)) throw unknownOption(name)
  return {
    bytesMax: read('bytes_max') as number | undefined,
    entriesMax: read('entries_max') as number | undefined,
    compression: read('compression') !== 'off',
    archive: read('archive') !== 'off',
    policy: {
      ttlMs: read('ttl') as number | undefined,
      bytesMax: read('blob_bytes_max') as number | undefined,
      admission: read('admission') as PolicyWish['admission'],
      priority: read('priority') as number | undefined,
      idleTtlMs: read('idle_ttl') as number | undefined,
      staleWindowMs: read('stale_window') as number | undefined,
      staleIfErrorMs: read('stale_if_error') as number | undefined,
      jitterPercent: read('jitter_percent') as number | undefined,
    },
  }
}

/** Names in a list option: an array, or a text with commas. */
export function namesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map(String)
  if (typeof value !== 'string') return []
  return value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/** A bare word means true. */
function textOf(value: unknown): string {
  return value === true ? 'on' : value === false ? 'off' : String(value)
}

function unknownOption(name: string): ServerError {
  return new ServerError(conditions.invalidParameterValue, ['option', name], {
    hint: `A namespace has the options ${Object.keys(types).join(', ')}.`,
  })
}
