// Composition: several statements in one simple query, at least one of them ours: each goes its own way (SQL-7).
//
// PostgreSQL runs such a text as one transaction, if the text says nothing else. So two or more statements for the origin get a block
// that we open and close; what controls transactions in the text meets that block as it would meet PostgreSQL's implicit one:
//
//   BEGIN                             makes it the client's block
//   COMMIT, ROLLBACK                  end it, with PostgreSQL's warning that there was none
//   SAVEPOINT and the like            are an error, and undo it
//   an error, of whomever             undoes it, and the rest of the text is not looked at
//
// One statement for the origin needs no block: it goes the way it would go alone, and may be a hit. The completion of the last
// statement waits for the commit of our block, which may fail. Settings of ours follow the same transactions.

import type { StatementText } from './cache/plans/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import { findText, isOurs, partOf, routeToOrigin, type Session } from './frontend/index.ts'
import type { OwnRuns } from './own-runs.ts'
import { runSimple } from './own-simple.ts'
import type { OwnText } from './own-text.ts'
import { statementSpans, type TransactionVerb } from './sql/index.ts'
import { backend, frameHeaderBytes, noticeFrame, queryFrame, status } from './wire/index.ts'

/** One statement of the text. */
interface Member {
  readonly text: StatementText
  /** Characters of the text before it. */
  readonly shift: number
  /** Goes to the origin, as far as can be told before it runs. */
  readonly atOrigin: boolean
  /** BEGIN, COMMIT, SAVEPOINT and the like: what changes the block around it. */
  readonly control: TransactionVerb | undefined
}

export class OwnSeveral {
  readonly #runs: OwnRuns
  readonly #session: Session
  readonly #members: readonly Member[]
  /** Whether statements for the origin are put into a block of ours when there is none. */
  readonly #wantsBlock: boolean
  /** The block under way is ours. */
  #block = false
  /** Completion of the last statement, which waits for our COMMIT. */
  #completion: Buffer | undefined

  constructor(runs: OwnRuns, session: Session, text: StatementText) {
    this.#runs = runs
    this.#session = session
    this.#members = membersOf(runs, session, text)
    const atOrigin = this.#members.filter((member) => member.atOrigin)
    this.#wantsBlock = atOrigin.length > 1 || atOrigin.some((member) => member.control !== undefined)
    if (atOrigin.length > 0) refuseUnreadable(session, text)
  }

  /** Throws what the client must still be told; everything for the origin is over then. */
  async run(): Promise<void> {
    const session = this.#session
    session.cancelRequested = false
    let failed = true
    try {
      failed = await this.#runAll()
    } finally {
      await this.#end(failed)
    }
  }

  /** True if one failed: the rest did not run. */
  async #runAll(): Promise<boolean> {
    const session = this.#session
    const last = this.#members.at(-1)
    for (const member of this.#members) {
      if (session.closing || session.ended) return true
      if (session.cancelRequested) throw new ServerError(conditions.queryCanceled, ['user request'])
      if (session.status === status.idle) session.settings.beginImplicit()
      if (await this.#runOne(member, member === last)) return true
    }
    // A question of ours has failed in the block: COMMIT would undo it, and not say so.
    if (this.#block && session.status === status.failed) throw new ServerError(conditions.inFailedTransaction)
    return false
  }

  async #runOne(member: Member, isLast: boolean): Promise<boolean> {
    const session = this.#session
    if (member.control === 'prepare') return this.#prepare(member)
    if (member.control !== undefined) return this.#control(member, member.control)
    if (!this.#runs.isSettled(session, member.text)) await this.#runs.settle(session, member.text)
    const ours = isOurs(session, member.text)
    if (member.atOrigin && this.#wantsBlock && (await this.#openBlock())) return true
    const waits = isLast && this.#block
    const completed = waits ? (frame: Buffer) => this.#keepCompletion(frame) : undefined
    const verdict = this.#block ? inOurBlock : undefined
    if (!ours) return this.#atOrigin(member, { completed, verdict })
    const answer = waits
      ? (frames: Buffer) => this.#addButCompletion(frames)
      : (frames: Buffer) => session.output.add(frames)
    try {
      return await runSimple(this.#runs, session, member.text, { answer, completed, shift: member.shift })
    } catch (error) {
      throw error instanceof ServerError ? error.movedBy(member.shift) : error
    }
  }

  /** True if it failed. */
  async #openBlock(): Promise<boolean> {
    if (this.#session.status !== status.idle) return false
    this.#block = !(await this.#hidden('BEGIN'))
    return !this.#block
  }

  /** PREPARE TRANSACTION takes an implicit block for one, with a warning. */
  async #prepare(member: Member): Promise<boolean> {
    const session = this.#session
    if (!session.identity.admin && (await this.#openBlock())) return true
    if (this.#block) session.output.add(noTransaction())
    const failed = await this.#atOrigin(member, {})
    if (session.status === status.idle) this.#block = false
    return failed
  }

  /** What ends a block or begins one. In ours, PostgreSQL would say that there is none; so there is none by then. */
  async #control(member: Member, verb: TransactionVerb): Promise<boolean> {
    const session = this.#session
    const { chain } = member.text.shape.statement
    const silenced = this.#block && verb === 'begin' ? { silenced: alreadyInBlock } : {}
    if (this.#block && verb !== 'begin') {
      const commits = verb === 'commit' && !chain
      if (await (commits ? this.#hidden('COMMIT', noTransaction()) : this.#hidden('ROLLBACK'))) return true
      session.settings.beginImplicit()
    }
    if (session.identity.admin) return this.#ofAdmin(member)
    if (await this.#atOrigin(member, silenced)) return true
    if (verb === 'begin') session.settings.begin()
    if (session.status !== status.idle) this.#block = false
    else if (verb === 'commit') session.settings.commit()
    else session.settings.rollback()
    return false
  }

  #ofAdmin(member: Member): Promise<boolean> {
    const { output } = this.#session
    const answer = (frames: Buffer) => output.add(frames)
    return runSimple(this.#runs, this.#session, member.text, { answer, shift: member.shift })
  }

  #atOrigin(member: Member, options: Parameters<typeof partOf>[4]): Promise<boolean> {
    const bytes = queryFrame(member.text.text, 'latin1')
    const request = { simple: true, bytes, start: 0, end: bytes.length, group: undefined }
    const { shift } = member
    const positionOf = shift === 0 ? undefined : (position: number) => position + shift
    return partOf(this.#session, member.text, request, routeToOrigin, { ...options, positionOf }).run()
  }

  /** A statement that the client did not say: it hears of it only if it fails. */
  async #hidden(sql: 'BEGIN' | 'COMMIT' | 'ROLLBACK', errorPreface?: Buffer): Promise<boolean> {
    if (sql !== 'BEGIN') this.#block = false
    const bytes = queryFrame(sql)
    const text = findText(this.#session, sql, undefined)
    const request = { simple: true, bytes, start: 0, end: bytes.length, group: undefined }
    return partOf(this.#session, text, request, routeToOrigin, { hidden: true, errorPreface }).run()
  }

  async #end(failed: boolean): Promise<void> {
    const session = this.#session
    if (session.closing || session.ended) return
    if (this.#block) failed = (await this.#hidden(failed ? 'ROLLBACK' : 'COMMIT')) || failed
    if (!failed && this.#completion !== undefined) session.output.add(this.#completion)
    session.settings.endImplicit(!failed)
  }

  #keepCompletion(frame: Buffer): void {
    this.#completion = frame
  }

  /** Whole frames to the client, the completion among them not yet. */
  #addButCompletion(frames: Buffer): void {
    const { output } = this.#session
    let runStart = 0
    for (let at = 0; at + frameHeaderBytes <= frames.length; ) {
      const end = at + 1 + frames.readInt32BE(at + 1)
      if (frames[at] === backend.commandComplete) {
        this.#keepCompletion(Buffer.from(frames.subarray(at, end)))
        if (at > runStart) output.add(frames.subarray(runStart, at))
        runStart = end
      }
      at = end
    }
    if (runStart < frames.length) output.add(frames.subarray(runStart))
  }
}

const inOurBlock = { verdict: 'bypass', reason: 'several_statements' } as const

/** What PostgreSQL says to BEGIN inside a block; the implicit one it does not mind. */
const alreadyInBlock = '25001'

function noTransaction(): Buffer {
  return noticeFrame(new ServerError(conditions.noTransaction))
}

/** The statements of the text. Throws a syntax error in any of them: PostgreSQL, too, reads all before it runs the first. */
function membersOf(runs: OwnRuns, session: Session, text: StatementText): Member[] {
  const source = text.text
  return statementSpans(source).map(({ start, end }) => {
    const trimmed = source.slice(start, end).trimEnd()
    const bytes = trimmed.trimStart()
    const shift = characterCount(source.slice(0, start + trimmed.length - bytes.length))
    const member = findText(session, bytes, undefined)
    refuseTypo(member, shift)
    const said = member.own as OwnText | undefined
    // What is executed by name, the session knows.
    const own = said?.kind === 'prepared' ? runs.ownOf(session, member) : said
    const atOrigin = !session.identity.admin && (own === undefined || own.kind === 'catalogue' || isInlined(own))
    return { text: member, shift, atOrigin, control: controlOf(member) }
  })
}

function refuseTypo(member: StatementText, shift: number): void {
  const own = member.own as OwnText | undefined
  if (own?.kind === 'refused' && own.error.sqlstate === conditions.syntaxError.sqlstate) throw own.error.movedBy(shift)
  const { kind, syntaxError } = member.shape.statement
  if (kind !== 'unreadable' || syntaxError === undefined || syntaxError.position === 0) return
  throw new ServerError(conditions.syntaxError, [syntaxError.message], { position: syntaxError.position + shift })
}

function isInlined(own: OwnText): boolean {
  return own.kind === 'virtual' && own.plan.kind === 'inline'
}

function controlOf(member: StatementText): TransactionVerb | undefined {
  const { kind, verb } = member.shape.statement
  if (kind !== 'transaction') return undefined
  // These take a transaction of their own, and are refused in any block.
  return verb === 'commit_prepared' || verb === 'rollback_prepared' ? undefined : verb
}

/** Where bytes may not mean what our grammar reads in them, a semicolon may be part of a string. */
function refuseUnreadable(session: Session, text: StatementText): void {
  if (session.readsTexts || !/[\\\x80-\xff]/.test(text.text)) return
  throw new ServerError(
    conditions.featureNotSupported,
    ['a statement of the cache among others in this client_encoding'],
    {
      hint: 'Send the statements one by one.',
    },
  )
}

/** Characters of UTF-8 in bytes carried as latin1. */
function characterCount(latin1: string): number {
  return latin1.replace(/[\x80-\xbf]/g, '').length
}
