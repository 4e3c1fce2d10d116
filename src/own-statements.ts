// Composition: where our own statements run. Commands are executed here; SQL over the virtual schema goes to the system database, or
// to the origin with the rows in it.

import type { StatementText } from './cache/plans/index.ts'
import { encodeError } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import {
  type Group,
  keepRequest,
  type NamesBehind,
  type OwnRoom,
  type Request,
  type Session,
  syncOpen,
  untilOpenAnswered,
} from './frontend/index.ts'
import { leaveArchive } from './own-context.ts'
import { OwnGroup } from './own-group.ts'
import { LooseNames } from './own-loose.ts'
import { type OwnParts, ToldError } from './own-parts.ts'
import { answerPoint } from './own-point.ts'
import { OwnRuns } from './own-runs.ts'
import { OwnSeveral } from './own-several.ts'
import { runSimple } from './own-simple.ts'
import { type OwnText, OwnTexts } from './own-text.ts'
import { tokensOf } from './own-token.ts'
import { namesOfExpression, namesOfQuery, noNames, type Statement } from './sql/index.ts'
import { frontend } from './wire/index.ts'

export class OwnStatements implements OwnRoom {
  readonly noNames = noNames
  readonly #parts: OwnParts
  readonly #texts: OwnTexts
  readonly #loose: LooseNames
  readonly #runs: OwnRuns

  constructor(parts: OwnParts) {
    this.#parts = parts
    this.#texts = new OwnTexts(parts.parser, parts.store.snapshot.virtualSchema)
    this.#loose = new LooseNames(parts.parser, this.#texts)
    this.#runs = new OwnRuns(parts, this.#texts, this.#loose)
  }

  close(): Promise<void> {
    return this.#runs.close()
  }

  namesOfQuery(text: string): NamesBehind | undefined {
    return namesOfQuery(this.#parts.parser, text)
  }

  namesOfExpression(text: string): NamesBehind | undefined {
    return namesOfExpression(this.#parts.parser, text)
  }

  recognise(text: string, statement: Statement | undefined, database: string): OwnText | undefined {
    return this.#texts.recognise(text, statement, this.#parts.schemas.isTaken(database))
  }

  loose(text: string, statement: Statement): unknown {
    return this.#loose.of(text, statement)
  }

  isSettled(session: Session, text: StatementText): boolean {
    return this.#runs.isSettled(session, text)
  }

  settle(session: Session, text: StatementText): Promise<void> {
    return this.#runs.settle(session, text)
  }

  claims(session: Session, text: StatementText): boolean {
    if (session.identity.admin) return true
    const own = this.#runs.ownOf(session, text)
    return own !== undefined && (own.kind !== 'catalogue' || this.#runs.asksAboutUs(session, text, own))
  }

  meets(session: Session): void {
    if (session.identity.parameters.has('crdb_version')) this.#texts.hasDialect = true
  }

  async isAdmin(session: Session): Promise<boolean> {
    return (await this.#runs.viewer(session)).isAdmin
  }

  isReached(session: Session, minLsn: string): Promise<boolean> {
    const check = tokensOf(session, this.#parts).check(minLsn)
    return check.then(
      () => true,
      () => false,
    )
  }

  forgetPrepared(session: Session): void {
    this.#runs.forgetPrepared(session)
  }

  leave(session: Session): void {
    leaveArchive(session)
    this.#runs.leave(session)
  }

  run(session: Session, text: StatementText, request: Request): boolean {
    const fail = (error: unknown) => this.#fail(session, error)
    if (answerPoint(session, text, request, this.#parts.cache.blobs, fail)) return true
    const copy = keepRequest(request)
    session.slowly(() => this.#run(session, text, copy))
    return true
  }

  prepare(session: Session, group: Group): boolean {
    const request = { simple: false, bytes: group.bytes, start: group.start, end: group.end, group }
    const copy = keepRequest(request)
    session.slowly(() => this.#group(session, copy))
    return true
  }

  refuse(session: Session, error: ServerError, synced: boolean): boolean {
    session.slowly(async () => {
      await untilOpenAnswered(session)
      // What follows a failure is for nobody, up to the Sync.
      if (!session.open?.unit.failed) await this.#fail(session, error, synced)
    })
    return true
  }

  async #run(session: Session, text: StatementText, request: Request): Promise<void> {
    if (request.group !== undefined) return this.#group(session, request)
    session.cancelWait = undefined
    session.cancelRequested = false
    try {
      if (this.#isSeveral(session, text)) await new OwnSeveral(this.#runs, session, text).run()
      else {
        const answer = (frames: Buffer) => session.output.add(frames)
        await runSimple(this.#runs, session, text, { answer, shift: 0, aside: request.aside })
      }
      if (!session.ended) session.finish(session.status)
    } catch (error) {
      await this.#fail(session, error)
    }
  }

  #isSeveral(session: Session, text: StatementText): boolean {
    if (session.identity.admin && text.own === undefined) return text.shape.statement.kind === 'several'
    return this.#runs.ownOf(session, text)?.kind === 'several'
  }

  /** An extended group; its statements of ours are answered in order, what it prepares is remembered. */
  async #group(session: Session, request: Request): Promise<void> {
    const { group } = request
    if (group === undefined) return
    const { ownCopies } = session.inbox
    const copyCount = ownCopies.count
    // A Sync that came before the data of a COPY is lost in them, as with PostgreSQL.
    const isSynced = () => group.last === frontend.sync && ownCopies.count === copyCount
    session.cancelWait = undefined
    session.cancelRequested = false
    try {
      await new OwnGroup(this.#runs, session, request).run()
      session.asked = undefined
      if (isSynced()) await this.#sync(session)
    } catch (error) {
      await this.#fail(session, error, isSynced())
    }
  }

  async #fail(session: Session, error: unknown, synced = true): Promise<void> {
    if (error instanceof ToldError) {
      await this.#ends(session, synced)
      return
    }
    const shown =
      error instanceof ServerError
        ? error
        : new ServerError(conditions.internalError, [messageOf(error)], { cause: error })
    if (!(error instanceof ServerError)) this.#parts.log.error('a statement of ours failed', { error: stackOf(error) })
    session.output.add(encodeError(shown))
    await this.#runs.failed(session)
    await this.#ends(session, synced)
  }

  /** After an error. */
  async #ends(session: Session, synced: boolean): Promise<void> {
    if (synced) await this.#sync(session)
    else if (session.open === undefined) session.skipping = true
  }

  async #sync(session: Session): Promise<void> {
    if (session.ended) return
    if (session.open === undefined) session.finish(session.status)
    else await syncOpen(session)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
