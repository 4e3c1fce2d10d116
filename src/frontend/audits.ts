// What audits of hits have found: `cache.audit`, and the statements of which an answer was wrong, whose answers are not kept any more.

import type { StatementText } from '../cache/plans/index.ts'
import type { Entry } from '../cache/results/index.ts'

export type AuditVerdict = 'match' | 'late' | 'wrong' | 'inconclusive'

export interface AuditRecord {
  readonly atMs: number
  readonly fingerprint: string
  /** Key of its parameters. */
  readonly key: string
  readonly role: string
  readonly entryId: number
  readonly verdict: AuditVerdict
  /** Why it is inconclusive, or late. */
  readonly reason: string | undefined
  readonly cacheDigest: string
  readonly originDigest: string | undefined
  readonly difference: Difference | undefined
  /** Where the feed was before the origin was asked, and when it had been. */
  readonly lsnBefore: string | undefined
  readonly lsnAfter: string | undefined
  readonly action: 'none' | 'dropped' | 'quarantined'
}

/** The first row that is in one and not in the other. */
export interface Difference {
  readonly row: number
  readonly cache: string | undefined
  readonly origin: string | undefined
}

const recordsMax = 1000

export class Audits {
  readonly #records: AuditRecord[] = []
  readonly #quarantined = new Set<string>()
  /** Hundredths of an audit that hits have earned. */
  #earned = 0

  /** True for so many of a hundred hits. */
  isDue(percent: number): boolean {
    // What could not be made is not made up for.
    this.#earned = Math.min(200, this.#earned + percent)
    return this.#earned >= 100
  }

  /** One is made. */
  taken(): void {
    this.#earned = Math.max(0, this.#earned - 100)
  }

  note(record: AuditRecord): void {
    this.#records.push(record)
    if (this.#records.length > recordsMax) this.#records.shift()
  }

  /** Oldest first. */
  rows(): readonly AuditRecord[] {
    return this.#records
  }

  quarantine(fingerprint: string, database: string): void {
    this.#quarantined.add(`${database}\0${fingerprint}`)
  }

  isQuarantined(fingerprint: string, database: string): boolean {
    return this.#quarantined.size > 0 && this.#quarantined.has(`${database}\0${fingerprint}`)
  }

  /** All may be kept again. */
  release(): void {
    this.#quarantined.clear()
  }
}

export const quarantinedReason = { code: 'quarantined', argument: undefined } as const

/** No answer of the statement is served or kept any more; how many were. */
export function removeAnswers(entries: Iterable<Entry>, text: StatementText, remove: (entry: Entry) => void): number {
  const own = [...entries].filter(({ owner, database }) => {
    return owner.fingerprint === text.fingerprint && database.name === text.shape.database
  })
  for (const entry of own) remove(entry)
  return own.length
}
