// Who may fill what is missing: on a miss one caller gets a token, the others wait or take the stale value (L1-36).
//
// A put under a token is refused once the key was overwritten or invalidated, by itself, by prefix, by a label the put carries,
// by a flush, or once the lease ran out: what its holder computed may be older than that.

import { randomBytes } from 'node:crypto'
import type { Attributes } from './l2-record.ts'
import type { LabelClock } from './label-clock.ts'

interface Lease {
  readonly token: string
  readonly endsAtMs: number
  /** Tick of the label clock at which it was given. */
  readonly begunAt: number
}

const leasesMax = 10_000

/** Of one namespace in one generation. */
export class Leases {
  readonly #leases = new Map<string, Lease>()
  readonly #labels: LabelClock

  constructor(labels: LabelClock) {
    this.#labels = labels
  }

  get count(): number {
    return this.#leases.size
  }

  /** A token; undefined if somebody else holds one. */
  take(key: string, nowMs: number, ttlMs: number): string | undefined {
    const held = this.#leases.get(key)
    if (held !== undefined && nowMs < held.endsAtMs) return undefined
    if (held !== undefined) this.end(key)
    this.#dropEnded(nowMs)
    if (this.#leases.size >= leasesMax) return undefined
    const token = randomBytes(12).toString('base64url')
    this.#leases.set(key, { token, endsAtMs: nowMs + ttlMs, begunAt: this.#labels.begin() })
    return token
  }

  isHeld(key: string, nowMs: number): boolean {
    const lease = this.#leases.get(key)
    return lease !== undefined && nowMs < lease.endsAtMs
  }

  /** Whether a put of this key may go ahead under the token. */
  allows(key: string, token: string, nowMs: number, labels: Pick<Attributes, 'tags' | 'dependencies'>): boolean {
    const lease = this.#leases.get(key)
    if (lease === undefined || lease.token !== token || nowMs >= lease.endsAtMs) return false
    return !this.#labels.isLate(lease.begunAt, labels)
  }

  /** The key was put or invalidated. */
  end(key: string): void {
    if (this.#leases.delete(key)) this.#labels.end()
  }

  endPrefix(prefix: string): void {
    for (const key of this.#leases.keys()) if (key.startsWith(prefix)) this.end(key)
  }

  endAll(): void {
    for (const key of [...this.#leases.keys()]) this.end(key)
  }

  /** Leases end in the order in which they were given. */
  #dropEnded(nowMs: number): void {
    for (const [key, lease] of this.#leases) {
      if (nowMs < lease.endsAtMs) return
      this.end(key)
    }
  }
}
