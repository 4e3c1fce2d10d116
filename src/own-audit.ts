// Composition: AUDIT CACHE. Each answer in memory is run again on a session that has the role and the settings it was made with, and is free:
// the one that asks, or another. Where there is none, nobody can say what the origin would answer, and that is inconclusive.

import { setTimeout as sleep } from 'node:timers/promises'
import { type Entry, staleness } from './cache/results/index.ts'
import type { AuditCount, AuditWish } from './commands/index.ts'
import { type AuditRecord, auditEntry, isFree, type Session, unasked } from './frontend/index.ts'
import type { OwnParts } from './own-parts.ts'

/** So long a session that is busy is waited for, and how often it is looked at. */
const patienceMs = 2000
const lookMs = 20

/** Every answer once. */
export async function auditStored(session: Session, parts: OwnParts, wish: AuditWish): Promise<readonly AuditCount[]> {
  const counts = new Counts(wish)
  const entries = [...parts.results.entries()].filter((entry) => isWanted(entry, wish) && isServed(entry))
  let done = 0
  for (const entry of entries) {
    wish.signal.throwIfAborted()
    if (isServed(entry)) counts.add(await auditOne(session, parts, entry, wish))
    wish.signal.throwIfAborted()
    wish.progress(++done / entries.length, counts.detail)
  }
  return counts.rows()
}

/** Hits as they come. */
export async function auditSample(parts: OwnParts, wish: AuditWish): Promise<readonly AuditCount[]> {
  const { database, caches, onWrong, signal, sample = { percent: 100, forMs: undefined } } = wish
  const counts = new Counts(wish)
  const end = parts.audits.sample({
    ...{ database, onWrong, percent: sample.percent },
    fingerprints: caches === 'all' ? undefined : new Set(caches),
    found(record) {
      counts.add(record)
      wish.progress(0, counts.detail)
    },
  })
  const started = performance.now()
  try {
    // A timer has an end at 24 days.
    for (let leftMs = sample.forMs ?? Number.POSITIVE_INFINITY; leftMs > 0; ) {
      await sleep(Math.min(leftMs, 0x7fff_ffff), undefined, { signal, ref: false })
      leftMs = (sample.forMs ?? Number.POSITIVE_INFINITY) - (performance.now() - started)
    }
  } finally {
    end()
  }
  return counts.rows()
}

function isWanted({ owner, database }: Entry, wish: AuditWish): boolean {
  return database.name === wish.database && (wish.caches === 'all' || wish.caches.includes(owner.fingerprint))
}

function isServed(entry: Entry): boolean {
  return entry.slot !== -1 && staleness(entry, Date.now(), Number.POSITIVE_INFINITY) === undefined
}

async function auditOne(asking: Session, parts: OwnParts, entry: Entry, wish: AuditWish): Promise<AuditRecord> {
  const own = wish.isAwaited ? await auditEntry(asking, entry, wish) : undefined
  if (own !== undefined) return own
  const triesMax = patienceMs / lookMs
  for (let tries = 0; tries < triesMax && !wish.signal.aborted; tries++) {
    const others = [...parts.sessions()].filter(
      (other) => isAlike(other, entry) && !(wish.isAwaited && other === asking),
    )
    if (others.length === 0) break
    const free = others.find(isFree)
    const record = free === undefined ? undefined : await auditOn(free, entry, wish)
    if (record !== undefined) return record
    await sleep(lookMs)
  }
  return unasked(asking, entry, 'no session that is free has its role and its settings')
}

function isAlike(session: Session, entry: Entry): boolean {
  return session.databaseName === entry.database.name && session.context?.id === entry.contextId
}

/** Its next statement waits for that. */
function auditOn(session: Session, entry: Entry, wish: AuditWish): Promise<AuditRecord | undefined> {
  return new Promise((resolve, reject) => {
    session.slowly(() => auditEntry(session, entry, wish).then(resolve, reject))
  })
}

class Counts {
  readonly #rows = new Map<string, { -readonly [K in keyof AuditCount]: AuditCount[K] }>()

  constructor({ caches }: AuditWish) {
    for (const cache of caches === 'all' ? [] : caches) this.#rowOf(cache)
  }

  add({ fingerprint, verdict }: AuditRecord): void {
    const row = this.#rowOf(fingerprint)
    row.compared++
    row[verdict]++
  }

  get detail(): Readonly<Record<string, number>> {
    const detail = { compared: 0, wrong: 0, inconclusive: 0 }
    for (const { compared, wrong, inconclusive } of this.#rows.values()) {
      detail.compared += compared
      detail.wrong += wrong
      detail.inconclusive += inconclusive
    }
    return detail
  }

  rows(): readonly AuditCount[] {
    return [...this.#rows.values()]
  }

  #rowOf(cache: string) {
    let row = this.#rows.get(cache)
    if (row === undefined) {
      row = { cache, compared: 0, match: 0, late: 0, wrong: 0, inconclusive: 0 }
      this.#rows.set(cache, row)
    }
    return row
  }
}
