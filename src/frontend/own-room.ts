// Where our own statements run: commands, and SQL over the virtual schema.

import type { StatementText } from '../cache/plans/index.ts'
import type { ServerError } from '../errors/index.ts'
import type { NamesUsed, Statement, TextReason } from '../sql/index.ts'
import type { Group, Request } from './request.ts'
import type { Session } from './session.ts'

export interface NamesBehind {
  readonly names: NamesUsed
  readonly reason: TextReason | undefined
}

export interface OwnRoom {
  readonly noNames: NamesUsed
  namesOfQuery(text: string): NamesBehind | undefined
  namesOfExpression(text: string): NamesBehind | undefined
  /** Asked twice per new text: by its first words alone, then with what the grammar says of it. Undefined: the origin's. */
  recognise(text: string, statement: Statement | undefined, database: string): unknown
  /** For StatementText.loose. */
  loose(text: string, statement: Statement): unknown
  /** True if it is known whose statement this is; else `settle` asks the origin. */
  isSettled(session: Session, text: StatementText): boolean
  settle(session: Session, text: StatementText): Promise<void>
  /** True if this session's statement is ours now: what a catalogue look-up asks about decides at each run. */
  claims(session: Session, text: StatementText): boolean
  /** Runs one statement of ours; nothing is under way at the origin. */
  run(session: Session, text: StatementText, request: Request): boolean
  /** Answers a group with statements of ours that executes none, or several. */
  prepare(session: Session, group: Group): boolean
  /** What the origin says of itself at a session's start. */
  meets(session: Session): void
  isAdmin(session: Session): Promise<boolean>
  /** True if the log of the origin has come to what `min_lsn` names. */
  isReached(session: Session, minLsn: string): Promise<boolean>
  /** An error of ours in place of an answer, which fails the block; `synced` if the message ends with ReadyForQuery. */
  refuse(session: Session, error: ServerError, synced: boolean): boolean
  /** DISCARD ALL, DEALLOCATE ALL. */
  forgetPrepared(session: Session): void
  /** The session is gone. */
  leave(session: Session): void
}
