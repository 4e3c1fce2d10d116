// Transactions of PREPARE TRANSACTION, from then until somebody decides on them: what COMMIT PREPARED will change (R3).
//
// Whoever prepares one is asked for its locks, as at COMMIT, and what they say is kept under its gid. COMMIT PREPARED suspends and bumps exactly
// that, from any session of this server. A gid may have been decided elsewhere and be another transaction's by now: so the origin is asked
// which transaction it names, and where that is not the one that was prepared here, or nobody knows, everything is suspended and bumped.
//
// Invariant: there are at most `countMax`. To forget one costs hits, never a row.

import type { StatementText } from '../cache/plans/index.ts'
import type { DatabaseEpochs, WriteScope } from '../invalidation/index.ts'
import { bindFrame, closeFrame, executeFrame, parseFrame } from '../wire/index.ts'
import { passTransaction } from './dispatch.ts'
import { runOpaque, sendSuspended } from './opaque.ts'
import type { QuestionAnswer } from './question.ts'
import { keepRequest, type Request } from './request.ts'
import type { Session } from './session.ts'
import { Suspension } from './suspension.ts'

const countMax = 1000

/** More relations than these are everything. */
const relationsMax = 1000

interface PreparedTransaction {
  readonly database: string
  /** Modulo 2^32, as the origin shows it. */
  readonly xid: number
  /** Undefined: it changed nothing. */
  readonly scope: WriteScope | undefined
  readonly schema: boolean
}

export class PreparedTransactions {
  readonly #byGid = new Map<string, PreparedTransaction>()

  /** The origin has prepared it. `undefined`: what it changed is not known. */
  keep(gid: string, transaction: PreparedTransaction | undefined): void {
    this.#byGid.delete(gid)
    if (transaction === undefined || (transaction.scope?.relations.length ?? 0) > relationsMax) return
    this.#byGid.set(gid, transaction)
    if (this.#byGid.size > countMax) this.#byGid.delete(this.#byGid.keys().next().value as string)
  }

  find(gid: string, database: DatabaseEpochs): PreparedTransaction | undefined {
    const found = this.#byGid.get(gid)
    return found?.database === database.name ? found : undefined
  }

  forget(gid: string): void {
    this.#byGid.delete(gid)
  }

  /** The origin is another, or may have lost what it had prepared. */
  clear(): void {
    this.#byGid.clear()
  }
}

/** The gid, where it is written in the one way that means the same under all settings. */
export function gidOf(text: StatementText): string | undefined {
  const found = /^\s*(?:prepare\s+transaction|(?:commit|rollback)\s+prepared)\s+'([^'\\\x80-\uffff]*)'\s*;?\s*$/i.exec(
    text.text,
  )
  return found?.[1]
}

/** COMMIT PREPARED, outside a block. */
export function commitPrepared(session: Session, text: StatementText, request: Request): boolean {
  const { prepared } = session.services
  const gid = gidOf(text)
  const known = gid === undefined ? undefined : prepared.find(gid, session.epochs)
  if (gid === undefined || known === undefined) return runOpaque(session, text, request, 'transaction')
  const copy = keepRequest(request)
  session.busy = true
  const decide = (answer: QuestionAnswer) => {
    if (session.ended) return
    const isIt = answer.error === undefined && answer.rows[0]?.[0] === String(known.xid)
    // Somebody else may have decided on it meanwhile, and prepared another.
    if (!isIt || prepared.find(gid, session.epochs) !== known) {
      prepared.forget(gid)
      runOpaque(session, text, copy, 'transaction')
      return
    }
    const suspension = new Suspension(session)
    suspension.hold(known.scope, known.schema, known.xid)
    sendSuspended(session, text, copy, suspension, (unit, outcome) => {
      session.catalogueCounted = true
      if (known.schema) session.forgetContext()
      if (!outcome.failed) prepared.forget(gid)
      // What was not there was not committed; of other failures nobody knows.
      return !outcome.failed || unit.sqlstate !== '42704'
    })
  }
  session.ask(whichFrames(gid)).then(decide, (error: unknown) => session.fail(error))
  return true
}

/** ROLLBACK PREPARED, outside a block: nobody has seen what it undoes. */
export function rollbackPrepared(session: Session, text: StatementText, request: Request): boolean {
  const gid = gidOf(text)
  return passTransaction(session, text, request, ({ failed }) => {
    // Changes of the catalogue that it undoes are counted as this session's all the same.
    session.catalogueCounted = true
    if (!failed && gid !== undefined) session.services.prepared.forget(gid)
  })
}

function whichFrames(gid: string): Buffer {
  const name = '_larder_question'
  const text =
    'SELECT x.transaction FROM pg_catalog.pg_prepared_xacts x WHERE x.gid OPERATOR(pg_catalog.=) $1::pg_catalog.text'
  return Buffer.concat([
    ...[closeFrame('S', name), parseFrame(name, text), bindFrame('', name, [gid])],
    ...[executeFrame(''), closeFrame('S', name)],
  ])
}
