// How long an entry may live, how large it may be, who leaves before it, and where it may lie.

import { conditions, ServerError } from '../../errors/index.ts'

export const admissions = ['always', 'auto', 'never'] as const

/** auto: blobs over l1_admit_bytes_max live in L2 alone. never: not in L1 at all. */
export type Admission = (typeof admissions)[number]

/** What a put or the options of a namespace ask for. What is undefined is left to the namespace, then to the settings. */
export interface PolicyWish {
  readonly ttlMs?: number | undefined
  readonly expiresAtMs?: number | undefined
  readonly bytesMax?: number | undefined
  readonly admission?: Admission | undefined
  readonly priority?: number | undefined
  readonly idleTtlMs?: number | undefined
  readonly staleWindowMs?: number | undefined
  readonly staleIfErrorMs?: number | undefined
  readonly jitterPercent?: number | undefined
}

/** What an entry carries. Limits that are 0 are off; those that are undefined do not exist. */
export interface Policy {
  readonly ttlMs: number | undefined
  readonly expiresAtMs: number | undefined
  readonly bytesMax: number | undefined
  readonly admission: Admission
  readonly priority: number
  readonly idleTtlMs: number
  readonly staleWindowMs: number
  readonly staleIfErrorMs: number
  readonly jitterPercent: number
}

/** Largest instant and duration: what 48 bits of milliseconds hold. */
const msMax = 2 ** 47

/** The wish, filled up from the namespace and then from the settings. */
export function resolvePolicy(wish: PolicyWish, namespace: PolicyWish, settings: Policy): Policy {
  return {
    ttlMs: wish.ttlMs ?? namespace.ttlMs ?? settings.ttlMs,
    expiresAtMs: wish.expiresAtMs ?? namespace.expiresAtMs ?? settings.expiresAtMs,
    bytesMax: wish.bytesMax ?? namespace.bytesMax ?? settings.bytesMax,
    admission: wish.admission ?? namespace.admission ?? settings.admission,
    priority: wish.priority ?? namespace.priority ?? settings.priority,
    idleTtlMs: wish.idleTtlMs ?? namespace.idleTtlMs ?? settings.idleTtlMs,
    staleWindowMs: wish.staleWindowMs ?? namespace.staleWindowMs ?? settings.staleWindowMs,
    staleIfErrorMs: wish.staleIfErrorMs ?? namespace.staleIfErrorMs ?? settings.staleIfErrorMs,
    jitterPercent: wish.jitterPercent ?? namespace.jitterPercent ?? settings.jitterPercent,
  }
}

/** Refuses what no entry can have; a limit of zero, too, which would store what nobody may read (L1-25). */
export function checkPolicy(wish: PolicyWish): void {
  checkNumber('ttl', wish.ttlMs, 1, msMax)
  checkNumber('expires_at', wish.expiresAtMs, 1, msMax)
  checkNumber('bytes_max', wish.bytesMax, 1, 0xffff_ffff)
  checkNumber('priority', wish.priority, 0, 255)
  checkNumber('idle_ttl', wish.idleTtlMs, 0, msMax)
  checkNumber('stale_window', wish.staleWindowMs, 0, msMax)
  checkNumber('stale_if_error', wish.staleIfErrorMs, 0, msMax)
  checkNumber('jitter_percent', wish.jitterPercent, 0, 100)
  if (wish.admission !== undefined && !admissions.includes(wish.admission)) {
    throw new ServerError(conditions.invalidParameterValue, ['admission', wish.admission], {
      hint: `Available values: ${admissions.join(', ')}.`,
    })
  }
}

function checkNumber(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return
  throw new ServerError(conditions.parameterOutOfRange, [value, name, least, most])
}
