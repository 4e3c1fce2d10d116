// COMMIT of a block that may have written: its locks are read first.

import { captureFrames, readCapture, type StatementText } from '../cache/plans/index.ts'
import { ServerError } from '../errors/index.ts'
import type { WriteScope } from '../invalidation/index.ts'
import { bindFrame, closeFrame, executeFrame, parseFrame } from '../wire/index.ts'
import { prepareFrames } from './capture-helper.ts'
import { runOpaque, sendSuspended } from './opaque.ts'
import { gidOf } from './prepared-transactions.ts'
import type { Request } from './request.ts'
import { keepRequest } from './request.ts'
import type { Session } from './session.ts'
import { Suspension, scopeOf } from './suspension.ts'

/** COMMIT of a block that may have written. */
export function commitBlock(session: Session, text: StatementText, request: Request, prepares: boolean): boolean {
  const { transaction } = session
  if (session.captureRefused || transaction.opaque || !session.captureTried)
    return runOpaque(session, text, request, 'write')
  const copy = keepRequest(request)
  session.busy = true
  const current = session.captureReady && session.captureVersion === session.services.contexts.watchVersion
  const prepare = current ? [] : prepareFrames(session)
  void session.ask(Buffer.concat([...prepare, captureFrames])).then((answer) => {
    if (session.ended) return
    session.services.counters.lock_captures++
    const row = answer.rows[0]
    if (answer.error !== undefined || row === undefined) {
      void abandonBlock(session, answer.error)
      return
    }
    const locked = readCapture(row)
    if (locked.catalogueChanged) session.catalogueCounted = true
    // All that it did was TRUNCATE: relations have other files now, of which nothing known depends; triggers might have done more.
    const unseen = transaction.truncated && !transaction.wrote && !locked.triggers
    const capture = unseen ? { ...locked, catalogueChanged: false } : locked
    const suspension = new Suspension(session)
    const scope = scopeOf(session, capture, text, transaction.ddl)
    const schema = capture.catalogueChanged || transaction.ddl
    // A prepared transaction changes nothing yet.
    if (!prepares) suspension.hold(scope, schema, capture.xid)
    session.captureReady = true
    if (capture.triggers || capture.temporary || capture.mark !== session.context?.mark) transaction.settings = true
    sendSuspended(session, text, copy, suspension, (unit) => {
      if (unit.tag === 'PREPARE TRANSACTION') keepPrepared(session, text, capture.xid, scope, schema)
      return unit.tag === 'COMMIT'
    })
  })
  return true
}

/** For COMMIT PREPARED to find. */
function keepPrepared(
  { services, databaseName: database }: Session,
  text: StatementText,
  xid: number | undefined,
  scope: WriteScope | undefined,
  schema: boolean,
): void {
  const gid = gidOf(text)
  if (gid !== undefined) services.prepared.keep(gid, xid === undefined ? undefined : { database, xid, scope, schema })
}

/** The question before COMMIT failed (canceled, timed out): the block is aborted, so the COMMIT fails with that error. */
async function abandonBlock(session: Session, error: ReadonlyMap<string, string> | undefined): Promise<void> {
  await session.ask(queryFrameWithoutSync('ROLLBACK'))
  session.transaction.reset()
  session.settings.rollback()
  const condition = { sqlstate: error?.get('C') ?? '40000', severity: 'ERROR', message: '%s' } as const
  session.refuse(new ServerError(condition, [error?.get('M') ?? 'transaction aborted']))
  session.resume()
}

/** As extended messages, so that the Sync of a question ends it. */
function queryFrameWithoutSync(text: string): Buffer {
  return Buffer.concat([
    parseFrame('_larder_question', text),
    bindFrame('', '_larder_question'),
    executeFrame(''),
    closeFrame('S', '_larder_question'),
  ])
}
