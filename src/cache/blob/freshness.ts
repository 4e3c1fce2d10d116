// Is an entry fresh, stale, kept for a lost origin, expired or idle? Pure functions over times; L1, L2, exists and the
// sweeper all ask here (TTL-11), so that no two of them can disagree.
//
//   created          expires_at      + stale_window     + stale_if_error (from expires_at too, as in RFC 5861)
//      |---- fresh -----|------ stale ------|---- retained ----|---- expired
//
//   and at any moment: idle, once it was not used for idle_ttl.
//
// A limit that is reached is passed, and a clock that steps back counts as no time passed (G-1).

import { hashText, mix } from './key-hash.ts'

export type Freshness = 'fresh' | 'stale' | 'retained' | 'expired' | 'idle'

export interface Lifetime {
  /** When it stops being fresh; Infinity for never. */
  readonly expiresAtMs: number
  /** False when none of the limits below is set: then they are not looked at (L1-28). */
  readonly extended: boolean
  readonly lastAccessAtMs: number
  /** 0 for none, as the two below. */
  readonly idleTtlMs: number
  readonly staleWindowMs: number
  readonly staleIfErrorMs: number
}

export function freshness(life: Lifetime, nowMs: number): Freshness {
  if (!life.extended) return nowMs < life.expiresAtMs ? 'fresh' : 'expired'
  if (life.idleTtlMs > 0 && nowMs - life.lastAccessAtMs >= life.idleTtlMs) return 'idle'
  const overdueMs = nowMs - life.expiresAtMs
  if (overdueMs < 0) return 'fresh'
  if (overdueMs < life.staleWindowMs) return 'stale'
  return overdueMs < life.staleIfErrorMs ? 'retained' : 'expired'
}

/** Milliseconds a stale entry may still be served; 0 if it may not. */
export function staleLeftMs(life: Lifetime, nowMs: number): number {
  return Math.max(0, life.expiresAtMs + life.staleWindowMs - nowMs)
}

/** The first instant at which nobody may be served this entry any more, if it is not used again; Infinity for never. */
export function usableUntilMs(life: Lifetime): number {
  if (!life.extended) return life.expiresAtMs
  const hard = life.expiresAtMs + Math.max(life.staleWindowMs, life.staleIfErrorMs)
  return life.idleTtlMs > 0 ? Math.min(hard, life.lastAccessAtMs + life.idleTtlMs) : hard
}

/** What an entry asks for; durations of 0 and undefined ask for nothing. */
interface Terms {
  /** From when the time to live runs. */
  readonly fromMs: number
  readonly ttlMs: number | undefined
  readonly expiresAtMs: number | undefined
  readonly jitterPercent: number
}

/** When an entry stops being fresh: the earlier of both limits. Jitter lengthens the relative one only (TTL-12). */
export function expiryOf(terms: Terms, seed: number): number {
  const absolute = terms.expiresAtMs ?? Number.POSITIVE_INFINITY
  if (terms.ttlMs === undefined) return absolute
  return Math.min(absolute, terms.fromMs + jitteredMs(terms.ttlMs, terms.jitterPercent, seed))
}

export function isExtended(policy: Pick<Lifetime, 'idleTtlMs' | 'staleWindowMs' | 'staleIfErrorMs'>): boolean {
  return policy.idleTtlMs > 0 || policy.staleWindowMs > 0 || policy.staleIfErrorMs > 0
}

/** `ttlMs` lengthened by up to `percent` (at most 100) of itself, the same for the same seed. */
export function jitteredMs(ttlMs: number, percent: number, seed: number): number {
  if (percent <= 0 || ttlMs <= 0) return ttlMs
  const share = (Math.min(percent, 100) / 100) * (mix(seed) / 0xffff_ffff)
  return Math.min(Number.MAX_SAFE_INTEGER, ttlMs + Math.floor(ttlMs * share))
}

/** Same entry, same seed, also after a restart: the creation time is stored. */
export function jitterSeed(namespace: string, key: string, createdAtMs: number): number {
  return hashText(key, hashText(namespace, createdAtMs % 0x8000_0000))
}
