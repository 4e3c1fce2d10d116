// An audit of a stored answer (RRC-8): its statement is run again at the origin, and the two answers are compared.
//
//   origin ── the same ──► match
//      └── another ──► all that others committed is heard of ──► is the answer still one that would be served?
//                              no  ──► late: it changed, and the change was on its way
//                              yes ──► origin again ──► not as before: it is changing ──► inconclusive
//                                            └── as before ──► wrong: nothing has changed since, and it is not what the origin says
//
// It runs on the session's own connection, behind the answer: there alone are its role and all of its settings. The session's next
// statement waits for it. AUDIT CACHE looks for a session that has those of the answer, and is free. Where nobody tells of foreign commits a
// difference may be one of those, and is inconclusive; so is one of a statement whose answer is not decided by its tables alone (order-of-rows.ts).

import { createHash } from 'node:crypto'
import type { StatementText } from '../cache/plans/index.ts'
import { declaredTypes } from '../cache/plans/index.ts'
import { bindTail, bufferOf, type Entry, staleness } from '../cache/results/index.ts'
import type { LinkLoss, Unit } from '../origin/index.ts'
import {
  backend,
  bindTailFrame,
  closeFrame,
  executeFrame,
  framesIn,
  int16,
  int32,
  parseFrame,
  status,
  syncFrame,
} from '../wire/index.ts'
import {
  type AuditRecord,
  type AuditVerdict,
  type Difference,
  type OnWrong,
  quarantinedReason,
  removeAnswers,
} from './audits.ts'
import { factsInForce, probeContext } from './facts.ts'
import type { Session } from './session.ts'

/** A hit was served that may be the one to be looked at. */
export function sampleHit(session: Session, text: StatementText, entry: Entry, percent: number): void {
  const { audits } = session.services
  const shares = audits.due(percent, text.fingerprint, session.databaseName)
  if (shares.length === 0 || session.part !== undefined || !isAuditable(session, text, entry)) return
  setImmediate(() => {
    const due = shares.filter(({ isDue }) => isDue)
    if (!isFree(session) || due.length === 0) return
    for (const share of due) share.taken()
    const onWrong = harsh.find((one) => due.some((share) => share.onWrong === one)) ?? 'quarantine'
    session.slowly(async () => {
      const record = await audit(session, text, entry, { onWrong })
      for (const share of due) share.found(record)
    })
  })
}

const harsh: readonly OnWrong[] = ['quarantine', 'drop', 'report']

/** True if nothing of it is under way: its connection may be used for a moment. */
export function isFree(session: Session): boolean {
  return !session.busy && mayAsk(session)
}

function mayAsk({ ended, quiet, open, status: statusByte, link }: Session): boolean {
  return !ended && quiet && open === undefined && statusByte === status.idle && !link.closed
}

/** Whole in memory; and running it again does nothing but read. */
function isAuditable(session: Session, text: StatementText, entry: Entry): boolean {
  const facts = factsInForce(session, text, Number.POSITIVE_INFINITY)
  return facts?.mayWrite === false && rowsOf(entry).length === entry.rows
}

/** So long a context is believed that nobody has used since. */
const contextAgeMsMax = 1000

/**
 * Audits a stored answer on this session, which is in the hands of the caller; undefined if it has not, or has no longer, the role and the settings
 * that the answer was made with.
 */
export async function auditEntry(session: Session, entry: Entry, how: AuditManner): Promise<AuditRecord | undefined> {
  if (!mayAsk(session)) return undefined
  const { contexts, clock } = session.services
  const { context, contextVersion } = session
  const isOld = context === undefined || contextVersion !== contexts.version
  if (isOld || clock.nowMs() - context.atMs > contextAgeMsMax) await probeContext(session)
  if (session.context?.id !== entry.contextId || !mayAsk(session)) return undefined
  const text = entry.owner as StatementText
  if (!isAuditable(session, text, entry)) return unasked(session, entry, 'it is not known to do nothing but read')
  return await audit(session, text, entry, how)
}

/** Nobody could ask the origin for it. */
export function unasked(session: Session, entry: Entry, reason: string): AuditRecord {
  const { audits, clock } = session.services
  const record: AuditRecord = {
    ...{ atMs: clock.nowMs(), fingerprint: entry.owner.fingerprint, key: entry.key, role: entry.role },
    ...{ entryId: entry.id, cacheDigest: digestOf(rowsOf(entry)), verdict: 'inconclusive', reason, action: 'none' },
    ...{ originDigest: undefined, difference: undefined, lsnBefore: undefined, lsnAfter: undefined },
  }
  audits.note(record)
  return record
}

interface AuditManner {
  readonly onWrong: OnWrong
  /** Ends its questions at the origin. */
  readonly signal?: AbortSignal
}

async function audit(
  session: Session,
  text: StatementText,
  entry: Entry,
  { onWrong, signal }: AuditManner,
): Promise<AuditRecord> {
  const { services, databaseName } = session
  services.counters.result_audits++
  const lsnBefore = services.feeds.positionOf(databaseName)
  const cached = rowsOf(entry)
  const question = () => ask(session, text, entry, signal)
  const first = await question()
  const found = await judge(session, text, entry, cached, first, question)
  // What was ended proves nothing, and nothing follows from it.
  const isEnded = signal?.aborted === true && found.verdict !== 'match'
  const record: AuditRecord = {
    ...{ atMs: services.clock.nowMs(), fingerprint: text.fingerprint, key: entry.key, role: entry.role },
    ...{ entryId: entry.id, cacheDigest: digestOf(cached), originDigest: first && digestOf(first), ...found },
    difference: found.verdict === 'match' || first === undefined ? undefined : differenceOf(cached, first),
    ...{
      lsnBefore,
      lsnAfter: services.feeds.positionOf(databaseName),
      action: isEnded ? 'none' : act(session, text, entry, found.verdict, onWrong),
    },
  }
  services.audits.note(record)
  return record
}

interface Found {
  readonly verdict: AuditVerdict
  readonly reason: string | undefined
}

async function judge(
  session: Session,
  text: StatementText,
  entry: Entry,
  cached: readonly string[],
  first: readonly string[] | undefined,
  question: () => Promise<readonly string[] | undefined>,
): Promise<Found> {
  const found = (verdict: AuditVerdict, reason?: string): Found => ({ verdict, reason })
  if (first === undefined) return found('inconclusive', 'the origin gave no answer')
  if (isSame(cached, first)) return found('match')
  // One of which a row has changed has left.
  const isServed = () =>
    entry.slot !== -1 && staleness(entry, session.services.clock.nowMs(), Number.POSITIVE_INFINITY) === undefined
  const isTold = await session.services.feeds.settle(session.databaseName)
  if (!isServed()) return found('late', 'it has changed')
  if (!isTold || entry.relations.some(({ isUnfed }) => isUnfed))
    return found('inconclusive', 'nobody tells of what others write')
  const again = await question()
  if (again === undefined || !isSame(first, again))
    return found('inconclusive', 'the origin answers now one way, now another')
  if (!isServed()) return found('late', 'it has changed')
  return mayDiffer(session, text, entry)
    ? found('inconclusive', 'its tables alone do not decide its answer')
    : found('wrong')
}

/** What is known to differ is not served any more. */
function act(
  session: Session,
  text: StatementText,
  entry: Entry,
  verdict: AuditVerdict,
  onWrong: OnWrong,
): AuditRecord['action'] {
  const { services, databaseName } = session
  const { results, counters, audits } = services
  if (verdict === 'match') return 'none'
  if (verdict === 'inconclusive') counters.result_audits_inconclusive++
  if (verdict === 'wrong') {
    counters.result_audit_divergences++
    const kept = onWrong === 'quarantine' ? 'it is not kept any more; ' : ''
    const detail = `of statement ${text.fingerprint}: ${kept}see the relation audit, and report it`
    services.events.record({ severity: 'error', event: 'audit_divergence', subject: databaseName, detail })
  }
  if (onWrong === 'report') return 'none'
  if (verdict !== 'wrong' || onWrong === 'drop') {
    results.remove(entry, 'invalidated')
    if (verdict === 'wrong') void services.secondTier.forgetAll().catch(() => undefined)
    return 'dropped'
  }
  audits.quarantine(text.fingerprint, databaseName)
  for (const other of services.plans.texts()) if (other.shape === text.shape) other.refusal = quarantinedReason
  const entries = removeAnswers(results.entries(), text, (one) => results.remove(one, 'invalidated'))
  void services.secondTier.forgetAll().catch(() => undefined)
  services.invalidations.noteSubject('cache', text.fingerprint, { cause: 'audit', session: session.id, entries })
  return 'quarantined'
}

const floats = new Set([700, 701, 1021, 1022])

/** True if equal tables may give unequal answers: by the order in which rows are come upon. */
function mayDiffer(session: Session, text: StatementText, { bytes, descriptionBytes }: Entry): boolean {
  if (factsInForce(session, text, Number.POSITIVE_INFINITY)?.isDecided !== true || descriptionBytes === 0) return true
  const description = bufferOf(bytes).subarray(0, descriptionBytes)
  return columnTypes(description).some((oid) => floats.has(oid))
}

/** Of a RowDescription. */
function columnTypes(frame: Buffer): number[] {
  const types: number[] = []
  let at = 7
  for (let left = frame.readInt16BE(5); left > 0; left--) {
    at = frame.indexOf(0, at) + 1
    types.push(frame.readUInt32BE(at + 6))
    at += 18
  }
  return types
}

/** DataRow frames as they are, one string each. */
function rowsOf(entry: Entry): string[] {
  const rows: string[] = []
  for (const frame of framesIn(bufferOf(entry.bytes))) if (frame[0] === backend.dataRow) rows.push(frame.latin1Slice())
  return rows
}

/** The order of rows is nobody's promise. */
function isSame(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false
  if (one.every((row, index) => row === other[index])) return true
  const sorted = [...other].sort()
  return [...one].sort().every((row, index) => row === sorted[index])
}

function differenceOf(cached: readonly string[], origin: readonly string[]): Difference {
  const count = Math.max(cached.length, origin.length)
  let row = 0
  while (row < count && cached[row] === origin[row]) row++
  return { row: row + 1, cache: cached[row], origin: origin[row] }
}

function digestOf(rows: readonly string[]): string {
  const hash = createHash('sha256')
  for (const row of [...rows].sort()) hash.update(row, 'latin1')
  return hash.digest('hex').slice(0, 16)
}

const name = '_larder_audit'

/** Rows of the statement as it was bound; undefined if the origin would not run it so, or was told to end it. */
async function ask(
  session: Session,
  text: StatementText,
  entry: Entry,
  signal: AbortSignal | undefined,
): Promise<readonly string[] | undefined> {
  if (session.link.closed || session.ended || signal?.aborted) return undefined
  const types = declaredTypes(text) ?? []
  const frames = [
    // What failed before its end has left it there.
    closeFrame('S', name),
    parseFrame(name, text.text, Buffer.concat([int16(types.length), ...types.map((oid) => int32(oid))]), 'latin1'),
    bindTailFrame('', name, bindTail(entry.key)),
    executeFrame(''),
    closeFrame('S', name),
    syncFrame,
  ]
  const { pid, key } = session.identity
  // What comes too late must not end what the client sends next: the session is not let go before it has come.
  let ending: Promise<unknown> | undefined
  const end = (): void => {
    ending = session.services.origin.cancel(pid, key).catch(() => undefined)
  }
  signal?.addEventListener('abort', end)
  const rows = await new Promise<readonly string[] | undefined>((resolve) => {
    session.link.queue(
      new AuditUnit(resolve, (statusByte) => {
        session.status = statusByte
        session.unitsMoved()
      }),
    )
    session.link.send(Buffer.concat(frames), true)
  })
  signal?.removeEventListener('abort', end)
  await ending
  return rows
}

/** Its rows as they came; nothing of it reaches the client. */
class AuditUnit implements Unit {
  readonly #rows: string[] = []
  readonly #resolve: (rows: readonly string[] | undefined) => void
  readonly #onStatus: (statusByte: number) => void
  #isFailed = false

  constructor(resolve: (rows: readonly string[] | undefined) => void, onStatus: (statusByte: number) => void) {
    this.#resolve = resolve
    this.#onStatus = onStatus
  }

  take(type: number, bytes: Buffer, start: number, end: number): boolean {
    if (type === backend.dataRow) this.#rows.push(bytes.latin1Slice(start, end))
    else if (type === backend.error) this.#isFailed = true
    return type === backend.notification || type === backend.parameterStatus
  }

  /** Longer than any answer that is kept whole: another one. */
  takePiece(): boolean {
    this.#isFailed = true
    return false
  }

  ready(statusByte: number): void {
    this.#onStatus(statusByte)
    this.#resolve(this.#isFailed ? undefined : this.#rows)
  }

  lost(_: LinkLoss): void {
    this.#resolve(undefined)
  }
}
