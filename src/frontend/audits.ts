// What audits have found: `cache.audit`, and the statements of which an answer was wrong, whose answers are not kept any more. And which
// hits are to be audited: a share of all, by setting and hint, and the share that an AUDIT CACHE … SAMPLE asks for while it runs.

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

/** What becomes of an answer that is wrong: nothing, it leaves, or no answer of its statement is kept any more. */
export type OnWrong = 'report' | 'drop' | 'quarantine'

/** Hits that a statement wants to be audited. */
interface Sample {
  readonly database: string
  /** Undefined: of all statements. */
  readonly fingerprints: ReadonlySet<string> | undefined
  readonly percent: number
  readonly onWrong: OnWrong
  found(record: AuditRecord): void
}

/** So many of a hundred hits. */
class AuditShare {
  readonly onWrong: OnWrong
  readonly found: Sample['found']
  /** Hundredths of an audit that hits have earned. */
  #earned = 0

  constructor({ onWrong, found }: Pick<Sample, 'onWrong' | 'found'>) {
    this.onWrong = onWrong
    this.found = found
  }

  get isDue(): boolean {
    return this.#earned >= 100
  }

  /** What could not be made is not made up for. */
  earn(percent: number): void {
    this.#earned = Math.min(200, this.#earned + percent)
  }

  /** One is made. */
  taken(): void {
    this.#earned = Math.max(0, this.#earned - 100)
  }
}

const recordsMax = 1000

export class Audits {
  readonly #records: AuditRecord[] = []
  readonly #quarantined = new Set<string>()
  readonly #always = new AuditShare({ onWrong: 'quarantine', found: () => undefined })
  readonly #samples = new Map<Sample, AuditShare>()
  /** True while a statement wants hits to be audited. */
  isSampling = false

  /** Until it is ended. */
  sample(sample: Sample): () => void {
    this.#samples.set(sample, new AuditShare(sample))
    this.isSampling = true
    return () => {
      this.#samples.delete(sample)
      this.isSampling = this.#samples.size > 0
    }
  }

  /** A hit was served: for whom it is to be audited. `percent` is what setting and hint say. */
  due(percent: number, fingerprint: string, database: string): readonly AuditShare[] {
    this.#always.earn(percent)
    const shares = percent > 0 && this.#always.isDue ? [this.#always] : []
    for (const [sample, share] of this.#samples) {
      if (sample.database !== database || sample.fingerprints?.has(fingerprint) === false) continue
      share.earn(sample.percent)
      if (share.isDue) shares.push(share)
    }
    return shares
  }

  /** Beyond a number the oldest leaves, those that matched before all others. */
  note(record: AuditRecord): void {
    this.#records.push(record)
    if (this.#records.length <= recordsMax) return
    this.#records.splice(
      Math.max(
        0,
        this.#records.findIndex(({ verdict }) => verdict === 'match'),
      ),
      1,
    )
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
