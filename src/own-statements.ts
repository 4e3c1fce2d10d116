// Composition: where our own statements run. Commands are executed here; SQL over the virtual schema goes to the system database, or
// to the origin with the rows in it.

import type { StatementText } from './cache/plans/index.ts'
import { authorise, encodeError, encodeResult, Parameters } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import {
  type Group,
  keepRequest,
  type NamesBehind,
  type OwnRoom,
  passStraight,
  type Request,
  type Session,
} from './frontend/index.ts'
import { OwnGroup } from './own-group.ts'
import type { OwnParts } from './own-parts.ts'
import { OwnRuns, utf8 } from './own-runs.ts'
import { completeSessionStatement } from './own-session-statement.ts'
import { type OwnText, OwnTexts } from './own-text.ts'
import { namesOfExpression, namesOfQuery, noNames, type Statement } from './sql/index.ts'
import { queryFrame, status } from './wire/index.ts'

export class OwnStatements implements OwnRoom {
  readonly noNames = noNames
  readonly #parts: OwnParts
  readonly #texts: OwnTexts
  readonly #runs: OwnRuns

  constructor(parts: OwnParts) {
    this.#parts = parts
    this.#texts = new OwnTexts(parts.parser, parts.store.snapshot.virtualSchema)
    this.#runs = new OwnRuns(parts, this.#texts)
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

  recognise(text: string, statement: Statement | undefined): OwnText | undefined {
    return this.#texts.recognise(text, statement)
  }

  claims(session: Session, text: StatementText): boolean {
    if (session.identity.admin) return true
    const own = text.own as OwnText
    return own.kind !== 'catalogue' || this.#runs.asksAboutUs(session, text, own)
  }

  forgetPrepared(session: Session): void {
    this.#runs.forgetPrepared(session)
  }

  leave(session: Session): void {
    this.#runs.leave(session)
  }

  run(session: Session, text: StatementText, request: Request): boolean {
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

  async #run(session: Session, text: StatementText, request: Request): Promise<void> {
    if (request.group !== undefined) return this.#group(session, request)
    session.cancelWait = undefined
    try {
      if (await this.#runSimple(session, text, utf8(text.text), request)) session.finish(session.status)
    } catch (error) {
      await this.#fail(session, error)
    }
  }

  /** False if the origin answers and the session finishes by itself. */
  async #runSimple(session: Session, text: StatementText, sql: string, request: Request): Promise<boolean> {
    this.#runs.checkBlock(session)
    const own = this.#runs.ownOf(session, text)
    if (own.kind !== 'several') return this.#runOne(session, text, own, sql, request)
    const parts = own.texts.map((part) => ({ sql: part, own: this.#texts.recognisePart(part) }))
    for (const part of parts) {
      const bytes = queryFrame(part.sql)
      await this.#runOne(session, text, part.own, part.sql, { ...request, bytes, start: 0, end: bytes.length })
    }
    return true
  }

  async #runOne(session: Session, text: StatementText, own: OwnText, sql: string, request: Request): Promise<boolean> {
    const frames = request.bytes.subarray(request.start, request.end)
    switch (own.kind) {
      case 'refused':
        throw own.error
      case 'own': {
        const { statement } = own
        if (statement.kind === 'select') {
          authorise(await this.#runs.viewer(session), statement.needs, statement.tag, session.settings.current)
          const { relations, tag } = statement
          await this.#runs.system(session, { simple: true, frames: queryFrame(statement.text), relations, tag })
        } else session.output.add(encodeResult(await this.#runs.execute(session, statement, Parameters.none)))
        return true
      }
      case 'catalogue':
        await this.#runs.system(session, { simple: true, frames, relations: [], catalogue: true })
        return true
      case 'several':
        return true
      case 'virtual':
        return this.#runVirtual(session, text, own, sql, frames)
    }
  }

  async #runVirtual(
    session: Session,
    text: StatementText,
    own: Extract<OwnText, { kind: 'virtual' }>,
    sql: string,
    frames: Buffer,
  ): Promise<boolean> {
    const { plan } = own
    switch (plan.kind) {
      case 'refused':
        throw plan.error
      case 'session':
        session.output.add(completeSessionStatement(session, own.statement, sql))
        return true
      case 'system':
        await this.#runs.system(session, { simple: true, frames, relations: plan.relations })
        return true
      case 'inline':
        await this.#atOrigin(session, text, queryFrame(await this.#runs.render(session, plan)))
        return false
    }
  }

  /** Sends a text with our rows in it to the origin, like any statement that is not kept. */
  async #atOrigin(session: Session, text: StatementText, bytes: Buffer): Promise<void> {
    const request = { simple: true, bytes, start: 0, end: bytes.length, group: undefined }
    passStraight(session, text, request, { verdict: 'bypass', reason: 'catalog', argument: this.#texts.schemaName })
    await session.untilQuiet()
  }

  /** An extended group; its statements of ours are answered in order, what it prepares is remembered. */
  async #group(session: Session, request: Request): Promise<void> {
    const { group } = request
    if (group === undefined) return
    try {
      if (await new OwnGroup(this.#runs, session, request).run()) session.finish(session.status)
    } catch (error) {
      await this.#fail(session, error)
    }
  }

  async #fail(session: Session, error: unknown): Promise<void> {
    const shown =
      error instanceof ServerError
        ? error
        : new ServerError(conditions.internalError, [messageOf(error)], { cause: error })
    if (!(error instanceof ServerError)) this.#parts.log.error('a statement of ours failed', { error: stackOf(error) })
    session.output.add(encodeError(shown))
    if (session.status === status.inBlock) await this.#runs.failBlock(session)
    session.finish(session.status)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
