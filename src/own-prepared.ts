// Composition: PREPARE, EXECUTE and DEALLOCATE in SQL, of statements of ours.
//
//   PREPARE p (int) AS SELECT … FROM cache.results WHERE hits > $1     ours, if the statement is
//   EXECUTE p (10)   EXPLAIN EXECUTE p (10)   DEALLOCATE p             ours, if p is: prepared like this, or by a Parse
//
// A name stands for one statement, ours or the origin's, however it was prepared. What runs in the system database is prepared there by
// PostgreSQL itself, which so reads types and values as ever. What the origin runs with our rows in it is prepared there each time it is
// executed, with the rows of that moment.

import type { StatementText } from './cache/plans/index.ts'
import { executeValues, type OwnCommand, Parameters } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import { findText, type PreparedStatement, type Session } from './frontend/index.ts'
import { ask, originError, question } from './own-parts.ts'
import type { OwnRuns } from './own-runs.ts'
import type { OwnText } from './own-text.ts'
import type { PreparedWords } from './sql/index.ts'
import { Narrowing, quoteIdentifier, type SplicedText } from './virtual/index.ts'
import { bindFrame, closeFrame, commandCompleteFrame, executeFrame, parseFrame, queryFrame } from './wire/index.ts'

type PreparedText = Extract<OwnText, { kind: 'prepared' }>
type VirtualText = Extract<OwnText, { kind: 'virtual' }>

/** An EXECUTE, and what it executes. */
export interface Executed {
  readonly words: PreparedWords
  /** Of the EXECUTE. */
  readonly text: string
  /** Of the PREPARE: types, if it declared any, and AS. */
  readonly head: string
  readonly inner: VirtualText
  readonly innerText: StatementText
}

/** The name that DEALLOCATE ALL stands for. */
export const everyName = '*'

export function isPreparedHere(session: Session, name: string): boolean {
  return name === everyName ? session.statements.hasOurs : session.statements.get(latin1(name))?.ours === true
}

/** What such a text is to this session; undefined: the origin's. */
export function meaningOf(runs: OwnRuns, session: Session, own: PreparedText): OwnText | undefined {
  const { words } = own
  const known = session.statements.get(latin1(words.name))
  if (words.verb === 'prepare') {
    return known?.ours || session.identity.admin || isPreparable(runs.ownOf(session, queryOf(session, own)))
      ? own
      : undefined
  }
  if (known?.ours) return words.verb === 'deallocate' ? own : executed(runs, session, own, known)
  if (!session.identity.admin) return undefined
  return { kind: 'refused', error: new ServerError(conditions.undefinedPreparedStatement, [words.name]) }
}

function isPreparable(inner: OwnText | undefined): boolean {
  return inner !== undefined && inner.kind !== 'catalogue'
}

/** The statement that PREPARE prepares. */
export function queryOf(session: Session, { text, words }: PreparedText): StatementText {
  return findText(session, latin1(text.slice(words.queryStart).trim()), undefined)
}

function executed(runs: OwnRuns, session: Session, own: PreparedText, known: PreparedStatement): OwnText {
  const inner = runs.ownOf(session, known.text)
  const isExplained = own.statement.kind !== 'execute'
  if (inner?.kind === 'own' && inner.statement.kind === 'command' && !isExplained) {
    const statement = withValues(inner.statement, own.words, own.text.slice(own.words.nameEnd), runs.schemaName)
    return { kind: 'own', statement, narrowing: inner.narrowing }
  }
  if (inner?.kind === 'refused') return inner
  if (inner?.kind === 'virtual' && inner.plan.kind === 'refused') return { kind: 'refused', error: inner.plan.error }
  if (inner?.kind === 'virtual' && (inner.plan.kind === 'system' || inner.plan.kind === 'inline')) {
    const { words, text, statement } = own
    const executes = { words, text, head: known.head ?? ' AS', inner, innerText: known.text }
    const { plan } = inner
    // A statement that is executed by name may be given any values: all rows are for it to choose from.
    const everything = { ...plan, narrowing: new Narrowing([]) }
    return { kind: 'virtual', statement, plan: everything, executes, ...(inner.calls && { calls: inner.calls }) }
  }
  const what = isExplained ? 'EXPLAIN of this prepared statement' : 'EXECUTE of this prepared statement'
  return { kind: 'refused', error: new ServerError(conditions.featureNotSupported, [what]) }
}

function withValues(command: OwnCommand, words: PreparedWords, rest: string, schemaName: string): OwnCommand {
  // The values are in the text, so it reads no keys that are bound.
  const { point: _, describe, ...others } = command
  return {
    ...others,
    parameterCount: 0,
    parameterTypes: [],
    ...(describe === undefined
      ? {}
      : { describe: async (context) => ({ ...(await describe.call(command, context, [])), parameterTypes: [] }) }),
    execute(context) {
      const values = executeValues(rest, schemaName)
      if (values.length === command.parameterCount) {
        return command.execute(context, Parameters.ofTexts(values, command.parameterTypes))
      }
      const message = `wrong number of parameters for prepared statement "${words.name}"`
      throw new ServerError(conditions.syntaxError, [message], {
        detail: `Expected ${command.parameterCount} parameters but got ${values.length}.`,
      })
    },
  }
}

/** Runs PREPARE; true if it failed and the client has been told. What it throws is still to be told. */
export async function prepareBySql(
  runs: OwnRuns,
  session: Session,
  own: PreparedText,
  answer: (frames: Buffer) => void,
  shift: number,
): Promise<boolean> {
  const { words } = own
  await refuseDuplicate(session, words.name)
  let text = queryOf(session, own)
  const inner = runs.ownOf(session, text)
  const queryAt =
    words.queryStart + (own.text.length - words.queryStart - own.text.slice(words.queryStart).trimStart().length)
  const charactersBefore = [...own.text.slice(0, queryAt)].length
  const inText = (position: number | undefined) => (position === undefined ? undefined : position + charactersBefore)
  if (inner?.kind === 'refused') throw inner.error.movedBy(charactersBefore)
  if (inner?.kind === 'virtual' && inner.plan.kind === 'refused') throw inner.plan.error.movedBy(charactersBefore)
  if (inner?.kind === 'virtual') refuseCallsWithParameters(inner)
  if (inner?.kind === 'virtual' && inner.plan.kind === 'system') {
    const { qualified, plan } = inner
    const sql = own.text.slice(0, queryAt) + (qualified?.text ?? own.text.slice(queryAt))
    const positionOf = (position: number) => {
      const moved =
        qualified === undefined || position <= charactersBefore
          ? position
          : inText(qualified.positionOf(position - charactersBefore))
      return moved === undefined ? undefined : moved + shift
    }
    const { mayBeElsewhere } = plan
    const request = { simple: true, frames: queryFrame(sql), relations: [], answer, mayBeElsewhere, positionOf }
    const outcome = await runs.system(session, request)
    if (outcome.failed && !outcome.unresolved) return true
    if (!outcome.unresolved) {
      if (qualified !== undefined && inner.calls === undefined) {
        text = findText(session, latin1(qualified.text), undefined)
      }
      keep(session, own, text, sql)
      runs.rememberPrepared(session, latin1(words.name), bySql(sql))
      return false
    }
    await tryAtOrigin(runs, session, own, { ...inner, plan: runs.goesElsewhere(text, inner) }, inText)
  } else if (inner?.kind === 'virtual') await tryAtOrigin(runs, session, own, inner, inText)
  if (inner?.kind === 'virtual' && inner.qualified !== undefined && inner.calls === undefined) {
    text = findText(session, latin1(inner.qualified.text), undefined)
  }
  keep(session, own, text, own.text)
  answer(commandCompleteFrame('PREPARE'))
  return false
}

/** What an EXECUTE gives to the statement, PostgreSQL reads; a function of ours would have to be called before. */
function refuseCallsWithParameters({ calls }: VirtualText): void {
  if (calls === undefined || calls.parameterTypes.length === 0) return
  throw new ServerError(conditions.featureNotSupported, ['PREPARE of a function of the cache with a parameter'], {
    hint: 'Give it a constant, or prepare the statement by the protocol.',
  })
}

/** One name, one statement: whether ours or the origin's. */
async function refuseDuplicate(session: Session, name: string): Promise<void> {
  let isTaken = session.statements.get(latin1(name)) !== undefined
  if (!isTaken && !session.identity.admin && !session.link.closed) {
    const known = await ask(
      session,
      'SELECT FROM pg_catalog.pg_prepared_statements WHERE name OPERATOR(pg_catalog.=) $1',
      [name],
    )
    if (known.error !== undefined) throw originError(known.error)
    isTaken = known.rows.length > 0
  }
  if (isTaken) throw new ServerError(conditions.duplicatePreparedStatement, [name])
}

function keep(session: Session, { words }: PreparedText, text: StatementText, sql: string): void {
  const head = sql.slice(words.nameEnd, words.queryStart)
  session.statements.addOurs(latin1(words.name), text, head, session.services.epochs.clock)
}

/** What makes the statement again on another connection to the system database. */
function bySql(sql: string): Buffer {
  const name = ' prepare'
  return Buffer.concat([parseFrame(name, sql), bindFrame('', name), executeFrame(''), closeFrame('S', name)])
}

/** With no rows in it: the origin says whether it reads as a statement. */
async function tryAtOrigin(
  runs: OwnRuns,
  session: Session,
  own: PreparedText,
  inner: VirtualText,
  inText: (position: number | undefined) => number | undefined,
): Promise<void> {
  const { plan, qualified } = inner
  if (plan.kind === 'refused') throw plan.error
  if (plan.kind !== 'inline') return
  const none = new Map(plan.inlined.relations.map((relation) => [relation, []]))
  const rendered = await runs.render(session, plan, none)
  const { nameEnd, queryStart } = own.words
  const charactersBefore = [...own.text.slice(0, nameEnd)].length
  const head = own.text.slice(nameEnd, queryStart)
  await prepareAtOrigin(session, own.words.name, head, rendered.text, (position, isInHead) => {
    if (isInHead) return position + charactersBefore
    const inOurs = rendered.positionOf(position)
    return inText(inOurs === undefined || qualified === undefined ? inOurs : qualified.positionOf(inOurs))
  })
  await dropAtOrigin(session, own.words.name)
}

/** Under its own name, which nothing has there: so errors, and what a statement sees of itself, are as they should be. */
async function prepareAtOrigin(
  session: Session,
  name: string,
  head: string,
  sql: string,
  positionOf: (position: number, isInHead: boolean) => number | undefined,
): Promise<void> {
  const opening = `PREPARE ${quoteIdentifier(name)}`
  const answer = await session.ask(
    Buffer.concat([
      closeFrame('S', latin1(name)),
      closeFrame('S', question),
      parseFrame(question, `${opening}${head} ${sql}`),
      bindFrame('', question),
      executeFrame(''),
      closeFrame('S', question),
    ]),
  )
  if (answer.error === undefined) return
  const headLength = [...head].length + 1
  throw originError(answer.error, (position) => {
    const behind = position - opening.length
    if (behind <= 0) return undefined
    return behind <= headLength ? positionOf(behind, true) : positionOf(behind - headLength, false)
  })
}

/** Makes ready what an EXECUTE names at the origin: a statement with our rows in it, for this once. */
export async function readyAtOrigin(session: Session, { words, head }: Executed, rendered: SplicedText): Promise<void> {
  await prepareAtOrigin(session, words.name, head, rendered.text, () => undefined)
}

/** It has run, or failed. */
export async function dropAtOrigin(session: Session, name: string): Promise<void> {
  if (!session.ended && !session.link.closed) await session.ask(closeFrame('S', latin1(name)))
}

export function deallocate(runs: OwnRuns, session: Session, { words }: PreparedText): Buffer {
  runs.forgetStatement(session, latin1(words.name))
  return commandCompleteFrame('DEALLOCATE')
}

function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
