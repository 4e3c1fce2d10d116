// Which way a message goes: reads to the read path, what may change something to the write path, our own statements to the own room,
// everything else straight to the origin.
//
// Each function answers true if it took the message, and false if the message must wait for what is under way.

import type { StatementText } from '../cache/plans/index.ts'
import { plainKey } from '../cache/results/index.ts'
import type { SessionSettings } from '../config/index.ts'
import { ServerError } from '../errors/index.ts'
import { contextInForce } from './facts.ts'
import { frontend, parseCompleteFrame, status, syncFrame } from '../wire/index.ts'
import type { BindStep, ExecuteStep, ParseStep, Step } from './batch.ts'
import { framesOf, passStraight } from './pass.ts'
import { parseFrameOf } from './prepared-statements.ts'
import { replyToGroup, takeRead } from './read-path.ts'
import type { Session } from './session.ts'
import { ClientUnit, DescriptionRecorder } from './units.ts'
import { commitBlock, copyIn, holdOpen, prepareCapture, runCaptured, runOpaque, settleCatalogueCounts } from './write-path.ts'

/** The messages of one sync group, and where they lie. */
export interface Group {
  readonly steps: readonly Step[]
  /** Some message of it was not understood, so nothing may be concluded. */
  readonly unread: boolean
  readonly bytes: Buffer
  readonly start: number
  /** End of the group, its last message included. */
  readonly end: number
  /** End of the messages before the last one. */
  readonly bodyEnd: number
  /** Type of the last message: Sync, Flush, or one that is a group by itself. */
  readonly last: number
}

/** What the client asks for once: a simple query, or a group that executes one statement. */
export interface Request {
  readonly simple: boolean
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  readonly group: Group | undefined
}

export function dispatchQuery(session: Session, bytes: Buffer, start: number, end: number): boolean {
  if (session.skipping) return true
  if (session.open !== undefined) return derail(session, bytes, start, end)
  const text = findText(session, bytes.latin1Slice(start + 5, end - 1), undefined)
  const taken = route(session, text, plainKey, { simple: true, bytes, start, end, group: undefined })
  if (taken) session.statements.delete('')
  return taken
}

/** The text's object, made if it is new. `source` is the text alone when `key` has parameter types behind it. */
export function findText(session: Session, key: string, source: string | undefined): StatementText {
  const { plans } = session.services
  const known = session.texts.get(key)
  if (known !== undefined) {
    plans.touch(known)
    return known
  }
  return plans.learn(session.identity.database, key, source ?? key, session.nowMs)
}

function route(session: Session, text: StatementText, parameters: string, request: Request): boolean {
  if (isOurs(session, text)) return session.quiet ? session.services.own.run(session, text, request) : session.waitForQuiet()
  const { statement } = text.shape
  if (!session.readsTexts && /[\\\x80-\xff]/.test(text.text)) return unreadableText(session, text, request)
  // In a block everything is the origin's; but a stale status must not decide what is in a block.
  if (session.status !== status.idle && !session.transaction.ending) {
    const ruleBroken = statement.kind === 'read' && session.quiet && session.services.broken.has('txn')
    return ruleBroken ? takeRead(session, text, parameters, request) : inBlock(session, text, request)
  }
  if (statement.kind === 'read') return takeRead(session, text, parameters, request)
  if (!session.quiet) return session.waitForQuiet()
  if (session.status !== status.idle) return inBlock(session, text, request)
  return autocommit(session, text, request)
}

/** In another encoding, or where backslashes escape, a text may not be what our grammar reads in it. */
function unreadableText(session: Session, text: StatementText, request: Request): boolean {
  if (!session.quiet) return session.waitForQuiet()
  if (session.status !== status.idle) session.transaction.ending = true
  return runOpaque(session, text, request, 'write', { verdict: 'bypass', reason: 'unknown_key', argument: 'client_encoding' })
}

/**
 * A simple query where a Sync was due: legal, if odd, and the origin alone knows what comes of it. From here on the session is passed
 * through as it is, and every completion counts as a change of anything.
 */
function derail(session: Session, bytes: Buffer, start: number, end: number): boolean {
  session.derailed = true
  holdOpen(session)
  session.link.send(bytes.subarray(start, end))
  return true
}

function isOurs(session: Session, text: StatementText): boolean {
  return (text.own !== undefined || session.identity.admin) && session.services.own.claims(session, text)
}

/** One statement outside a block, nothing under way. */
function autocommit(session: Session, text: StatementText, request: Request): boolean {
  const { statement } = text.shape
  switch (statement.kind) {
    case 'write':
    case 'execute':
    case 'explain_write':
    case 'copy_file':
      return session.captureRefused || !convertible(text, request)
        ? runOpaque(session, text, request, 'write')
        : runCaptured(session, text, request, undefined)
    case 'copy_in':
      return request.simple && !session.captureRefused
        ? copyIn(session, text, request)
        : runOpaque(session, text, request, 'write')
    case 'ddl':
      return statement.temporaryOnly && !session.captureRefused && convertible(text, request)
        ? runCaptured(session, text, request, undefined)
        : runOpaque(session, text, request, 'ddl')
    case 'call':
    case 'several':
    case 'unreadable':
      return runOpaque(session, text, request, statement.kind === 'several' ? 'several' : 'write')
    case 'transaction':
      return statement.verb === 'commit_prepared' || statement.verb === 'rollback_prepared'
        ? runOpaque(session, text, request, 'transaction')
        : passTransaction(session, text, request)
    case 'set':
      // Already now: a read behind it in the same packet must not be looked up under the old settings.
      session.forgetContext()
      return passStraight(session, text, request, { verdict: 'pass', reason: 'utility' }, () => session.forgetContext())
    case 'cursor':
      return statement.withHold
        ? runOpaque(session, text, request, 'cursor')
        : passStraight(session, text, request, { verdict: 'bypass', reason: 'cursor' })
    case 'copy_out': {
      const verdict = { verdict: 'bypass', reason: 'copy' } as const
      return session.captureRefused || !convertible(text, request)
        ? runOpaque(session, text, request, 'write', verdict)
        : runCaptured(session, text, request, { verdict, keep: undefined })
    }
    default:
      return passStraight(session, text, request, { verdict: 'pass', reason: 'utility' })
  }
}

/** A simple query that mentions parameters is an error the origin should word itself; as extended message it would read otherwise. */
export function convertible(text: StatementText, request: Request): boolean {
  return !request.simple || text.shape.statement.parameterCount === 0
}

function passTransaction(session: Session, text: StatementText, request: Request): boolean {
  const { verb } = text.shape.statement
  // Before a block begins the helper is tried, so that it cannot fail inside.
  if (verb === 'begin' && !session.captureReady && !session.captureRefused) {
    session.slowly(() => prepareCapture(session))
    return false
  }
  if (verb === 'begin' && session.catalogueCounted) {
    session.slowly(() => settleCatalogueCounts(session))
    return false
  }
  if (verb !== 'begin') session.transaction.ending = true
  return passStraight(session, text, request, { verdict: 'pass', reason: 'transaction' })
}

/** One statement inside a block: noted for its end, and passed on. */
function inBlock(session: Session, text: StatementText, request: Request): boolean {
  const { statement } = text.shape
  const { transaction } = session
  if (statement.kind === 'transaction') return transactionVerb(session, text, request)
  if (statement.kind === 'several' || statement.kind === 'unreadable') {
    // It may hold a COMMIT: the end of the block, unannounced.
    if (!session.quiet) return session.waitForQuiet()
    transaction.ending = true
    return session.status === status.failed
      ? passStraight(session, text, request, { verdict: 'pass', reason: 'utility' })
      : runOpaque(session, text, request, statement.kind === 'several' ? 'several' : 'write')
  }
  const code = transaction.wrote ? 'wrote' : 'in_transaction'
  noteInBlock(session, text)
  if (statement.kind === 'read') {
    return passStraight(session, text, request, { verdict: 'bypass', reason: code })
  }
  return passStraight(session, text, request, { verdict: 'pass', reason: passReason(text) })
}

function noteInBlock(session: Session, text: StatementText): void {
  const { statement } = text.shape
  const { transaction } = session
  switch (statement.kind) {
    case 'read': {
      const facts = session.context && text.shape.facts.get(session.context.id)
      if (facts === undefined || facts.mayWrite) {
        transaction.wrote ||= statement.names.functions.length > 0 || facts === undefined
        transaction.settings ||= statement.names.functions.length > 0
      }
      transaction.settings ||= statement.reason?.code === 'unknown_key'
      break
    }
    case 'set':
      transaction.settings = true
      break
    case 'ddl':
      transaction.wrote = true
      transaction.ddl ||= !statement.temporaryOnly
      transaction.settings ||= statement.temporaryOnly
      break
    case 'show':
    case 'prepare':
    case 'deallocate':
    case 'notify':
    case 'explain':
    case 'empty':
    case 'utility':
      break
    case 'cursor':
      transaction.wrote = true
      transaction.opaque ||= statement.withHold
      break
    default:
      // What may run any SQL may also have dropped our prepared helper.
      if (statement.kind === 'call' || statement.kind === 'execute') session.captureReady = false
      transaction.wrote = true
      transaction.settings ||= statement.kind !== 'write' && statement.kind !== 'copy_in'
  }
}

function transactionVerb(session: Session, text: StatementText, request: Request): boolean {
  const { statement } = text.shape
  const { transaction, settings } = session
  switch (statement.verb) {
    case 'commit':
    case 'prepare':
      if (!session.quiet) return session.waitForQuiet()
      transaction.ending = true
      if (session.status === status.inBlock && (transaction.wrote || transaction.ddl || transaction.opaque)) {
        return commitBlock(session, text, request, statement.verb === 'prepare')
      }
      break
    case 'rollback':
    case 'commit_prepared':
    case 'rollback_prepared':
      transaction.ending = true
      break
    case 'savepoint':
    case 'release':
    case 'rollback_to': {
      const name = savepointName(text)
      if (name === undefined) break
      if (!session.quiet) return session.waitForQuiet()
      const { verb } = statement
      return passStraight(session, text, request, { verdict: 'pass', reason: 'transaction' }, (outcome) => {
        if (!outcome.failed) followSavepoint(settings, verb, name)
      })
    }
    default:
      break
  }
  return passStraight(session, text, request, { verdict: 'pass', reason: 'transaction' })
}

/** A savepoint made where we could not read it (in a string of several statements) is none of ours. */
function followSavepoint(settings: SessionSettings, verb: 'savepoint' | 'release' | 'rollback_to', name: string): void {
  try {
    if (verb === 'savepoint') settings.savepoint(name)
    else if (verb === 'release') settings.releaseSavepoint(name)
    else settings.rollbackTo(name)
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
  }
}

function savepointName(text: StatementText): string | undefined {
  const match = /(?:savepoint|release|to)\s+(?:savepoint\s+)?("(?:[^"]|"")+"|[^\s;"]+)\s*;?\s*$/i.exec(text.text)
  const name = match?.[1]
  return name?.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name?.toLowerCase()
}

export function passReason(text: StatementText): 'write' | 'ddl' | 'transaction' | 'utility' {
  switch (text.shape.statement.kind) {
    case 'write':
    case 'execute':
    case 'explain_write':
    case 'copy_in':
    case 'copy_file':
    case 'call':
      return 'write'
    case 'ddl':
      return 'ddl'
    case 'transaction':
      return 'transaction'
    default:
      return 'utility'
  }
}

export function dispatchGroup(session: Session, group: Group): boolean {
  if (session.skipping) return skip(session, group)
  if (session.open !== undefined) return continueOpen(session, group)
  if (group.last === frontend.functionCall) {
    if (session.status !== status.idle && !session.transaction.ending) {
      session.transaction.wrote = true
      session.transaction.settings = true
      return passGroup(session, group)
    }
    return session.quiet ? runOpaque(session, undefined, requestOf(group), 'write') : session.waitForQuiet()
  }
  if (group.last === frontend.flush) return beginOpen(session, group)
  const executes = executesOf(session, group)
  if (executes === undefined) return unknownGroup(session, group)
  if (executes.length === 0) return groupWithoutExecute(session, group)
  const [only] = executes
  if (executes.length === 1 && only !== undefined) {
    if (only.rowCountMax > 0 && !isOurs(session, only.text)) return limited(session, only, group)
    return route(session, only.text, only.parameters, requestOf(group))
  }
  return manyExecutes(session, executes, group)
}

export interface ResolvedExecute {
  readonly text: StatementText
  readonly parameters: string
  readonly rowCountMax: number
  readonly bind: BindStep
  readonly execute: ExecuteStep
}

/** Which statement each Execute of the group runs; undefined if that cannot be told for all of them. */
function executesOf(session: Session, group: Group): ResolvedExecute[] | undefined {
  if (group.unread) return undefined
  let parses: Map<string, StatementText> | undefined
  let binds: Map<string, BindStep & { text: StatementText | undefined }> | undefined
  const executes: ResolvedExecute[] = []
  for (const step of group.steps) {
    if (step.kind === 'parse') {
      parses ??= new Map()
      parses.set(step.name, findText(session, step.key, step.text))
    } else if (step.kind === 'bind') {
      binds ??= new Map()
      const text = parses?.get(step.statement) ?? session.statements.get(step.statement)?.text
      binds.set(step.portal, { ...step, text })
    } else if (step.kind === 'execute') {
      const bind = binds?.get(step.portal)
      if (bind?.text === undefined) return undefined
      const { text, parameters } = bind
      executes.push({ text, parameters, rowCountMax: step.rowCountMax, bind, execute: step })
    }
  }
  return executes
}

export function requestOf(group: Group): Request {
  return { simple: false, bytes: group.bytes, start: group.start, end: group.end, group }
}

/** Portals or statements we do not know of: anything may run. */
function unknownGroup(session: Session, group: Group): boolean {
  if (session.status !== status.idle && !session.transaction.ending) {
    session.transaction.wrote = true
    session.transaction.settings = true
    // A COMMIT among messages we could not read would end the block unseen.
    if (group.unread || group.steps.some((step) => step.kind === 'execute' && !knownPortal(group, step.portal))) {
      if (!session.quiet) return session.waitForQuiet()
      session.transaction.ending = true
      return runOpaque(session, undefined, requestOf(group), 'write')
    }
    return passGroup(session, group)
  }
  return session.quiet ? runOpaque(session, undefined, requestOf(group), 'write') : session.waitForQuiet()
}

function knownPortal(group: Group, portal: string): boolean {
  return group.steps.some((step) => step.kind === 'bind' && step.portal === portal)
}

function passGroup(session: Session, group: Group): boolean {
  return passStraight(session, undefined, requestOf(group), { verdict: 'pass', reason: 'utility' })
}

/** Prepares, describes, closes: nothing runs. */
function groupWithoutExecute(session: Session, group: Group): boolean {
  const own = group.steps.some((step) => ownText(session, group, step) !== undefined)
  if (own) return session.quiet ? session.services.own.prepare(session, group) : session.waitForQuiet()
  if (group.steps.length === 0 && session.quiet) {
    session.finish(session.status)
    return true
  }
  if (session.quiet && describeLocally(session, group)) {
    session.finish(session.status)
    return true
  }
  const unit = new ClientUnit(session)
  recordDescription(session, group, unit)
  return passStraight(session, undefined, requestOf(group), { verdict: 'pass', reason: 'utility' }, undefined, unit)
}

function ownText(session: Session, group: Group, step: Step): StatementText | undefined {
  let text: StatementText | undefined
  if (step.kind === 'parse') text = findText(session, step.key, step.text)
  else if (step.kind === 'bind') text = textOf(session, group, step.statement)
  else if ((step.kind === 'describe' || step.kind === 'close') && step.target === 'S') text = textOf(session, group, step.name)
  return text === undefined || !isOurs(session, text) ? undefined : text
}

function textOf(session: Session, group: Group, name: string): StatementText | undefined {
  const parse = group.steps.find((step): step is ParseStep => step.kind === 'parse' && step.name === name)
  return parse === undefined ? session.statements.get(name)?.text : findText(session, parse.key, parse.text)
}

/** An Execute with a row limit reads part of an answer: never kept. */
function limited(session: Session, execute: ResolvedExecute, group: Group): boolean {
  const request = requestOf(group)
  if (session.status !== status.idle && !session.transaction.ending) return inBlock(session, execute.text, request)
  if (!session.quiet) return session.waitForQuiet()
  if (session.status !== status.idle) return inBlock(session, execute.text, request)
  if (execute.text.shape.statement.kind !== 'read') return runOpaque(session, execute.text, request, 'write')
  return takeRead(session, execute.text, execute.parameters, request, 'cursor')
}

/** Several statements before one Sync: one transaction if no block is open. */
function manyExecutes(session: Session, executes: readonly ResolvedExecute[], group: Group): boolean {
  const request = requestOf(group)
  if (executes.some((execute) => isOurs(session, execute.text))) {
    return session.quiet ? session.services.own.prepare(session, group) : session.waitForQuiet()
  }
  const kinds = executes.map((execute) => execute.text.shape.statement.kind)
  const inTransaction = session.status !== status.idle && !session.transaction.ending
  const plain = kinds.every((kind) => kind === 'read' || kind === 'write' || kind === 'show' || kind === 'explain')
  if (inTransaction) {
    if (!plain && kinds.some((kind) => kind === 'transaction' || kind === 'several' || kind === 'unreadable')) {
      if (!session.quiet) return session.waitForQuiet()
      session.transaction.ending = true
      return runOpaque(session, undefined, request, 'write')
    }
    for (const execute of executes) noteInBlock(session, execute.text)
    return passStraight(session, undefined, request, { verdict: 'bypass', reason: 'several_statements' })
  }
  if (!session.quiet) return session.waitForQuiet()
  if (session.status !== status.idle) return manyAgain(session, executes, group)
  if (kinds.every((kind) => kind === 'read') && replyToGroup(session, executes, group)) return true
  if (plain && !session.captureRefused) {
    const limited = executes.some((execute) => execute.rowCountMax > 0)
    const verdict = { verdict: 'bypass', reason: limited ? 'cursor' : 'several_statements' } as const
    return runCaptured(session, undefined, request, kinds.every((kind) => kind === 'read') ? { verdict, keep: undefined } : undefined)
  }
  return runOpaque(session, undefined, request, 'write')
}

function manyAgain(session: Session, executes: readonly ResolvedExecute[], group: Group): boolean {
  session.transaction.ending = false
  return manyExecutes(session, executes, group)
}

/** Messages up to a Flush: the origin must see them now; the rest of the group follows raw. */
function beginOpen(session: Session, group: Group): boolean {
  const executes = executesOf(session, group)
  const runs = group.unread || executes === undefined || executes.length > 0
  if (runs && !session.quiet && session.status === status.idle) return session.waitForQuiet()
  if (executes?.length === 0 && group.steps.length > 0 && group.steps.some((step) => ownText(session, group, step))) {
    return session.quiet ? session.services.own.prepare(session, group) : session.waitForQuiet()
  }
  if (group.steps.length === 0 && !group.unread && session.quiet) return true
  if (!runs && !group.steps.some((step) => step.kind === 'bind')) return prepareAhead(session, group)
  const unit = new ClientUnit(session)
  session.open = unit
  noteOpen(session, group, executes)
  passStraight(session, undefined, requestOf(group), { verdict: 'pass', reason: 'utility' }, undefined, unit)
  return true
}

/**
 * Parse and Describe before a Flush: the origin gets a Sync instead, so that what follows is a group of its own, which may be a hit.
 * Nothing runs in between, and inside a block Sync ends nothing.
 */
function prepareAhead(session: Session, group: Group): boolean {
  if (session.quiet && describeLocally(session, group)) return true
  const unit = new ClientUnit(session)
  const request = requestOf(group)
  const frames = framesOf(session, undefined, request, unit, group.bodyEnd) ?? [group.bytes.subarray(group.start, group.bodyEnd)]
  recordDescription(session, group, unit)
  // Whether what follows is looked at or ignored depends on the outcome.
  session.busy = true
  session.queue(unit, (outcome) => {
    unit.atEnd?.(outcome)
    session.skipping = outcome.failed
    queueMicrotask(() => session.resume())
  })
  session.link.send(Buffer.concat([...frames, syncFrame]), true)
  return true
}

/** After an error everything up to the client's Sync is ignored, as the origin would. */
function skip(session: Session, group: Group): boolean {
  if (!session.quiet) return session.waitForQuiet()
  if (group.last !== frontend.sync) return true
  session.skipping = false
  session.finish(session.status)
  return true
}

/** One Parse and one Describe of the same statement: its answer is noted, for the next who asks. */
function recordDescription(session: Session, group: Group, unit: ClientUnit): void {
  const [parse, describe] = group.steps
  const { context } = session
  if (group.steps.length !== 2 || parse?.kind !== 'parse' || describe?.kind !== 'describe' || context === undefined) return
  if (describe.target !== 'S' || describe.name !== parse.name || session.status !== status.idle) return
  const text = session.texts.get(parse.key)
  if (text === undefined) return
  const recorder = new DescriptionRecorder()
  const tick = session.services.epochs.tick()
  const atMs = session.nowMs
  unit.descriptionRecorder = recorder
  unit.atEnd = (outcome) => {
    if (outcome.failed || !recorder.complete || session.context !== context) return
    text.describe(context.id, { bytes: recorder.bytes, tick, atMs })
  }
}

/** Answers Parse and Describe of a read that was described before, in this context; the origin is told when it must know. */
function describeLocally(session: Session, group: Group): boolean {
  const [parse, describe] = group.steps
  const context = contextInForce(session)
  if (group.steps.length !== 2 || parse?.kind !== 'parse' || describe?.kind !== 'describe' || context === undefined) return false
  if (describe.target !== 'S' || describe.name !== parse.name || session.status !== status.idle) return false
  if (context.temporary) return false
  if (parse.name !== '' && session.statements.get(parse.name) !== undefined) return false
  const text = session.texts.get(parse.key)
  if (text?.shape.statement.kind !== 'read' || session.settings.current.resultCache === 'off') return false
  const known = text.descriptions.get(context.id)
  if (known === undefined || known.tick < session.epochs.schemaStamp) return false
  if (session.nowMs - known.atMs >= session.settings.current.resultTtl) return false
  session.prepare(parse, text, false)
  session.output.add(parseCompleteFrame)
  session.output.add(known.bytes)
  return true
}

/** Inside a block the note is for its end; outside, Sync itself commits, so the whole group counts as a write. */
function noteOpen(session: Session, group: Group, executes: readonly ResolvedExecute[] | undefined): void {
  if (executes === undefined || group.unread) {
    session.transaction.wrote = true
    session.transaction.settings = true
    holdOpen(session)
    return
  }
  for (const execute of executes) {
    noteInBlock(session, execute.text)
    // What may commit at its Execute, before any Sync, is held back from now on.
    if (!['read', 'write', 'show', 'explain'].includes(execute.text.shape.statement.kind)) holdOpen(session)
  }
}

function continueOpen(session: Session, group: Group): boolean {
  const executes = executesOf(session, group)
  noteOpen(session, group, executes)
  return passOpen(session, group)
}

function passOpen(session: Session, group: Group): boolean {
  const ends = group.last === frontend.sync
  const { transaction } = session
  const unit = session.open
  if (ends && session.status === status.idle && transaction.wrote) holdOpen(session)
  const replays = session.statements.replay(group.steps)
  if (unit !== undefined) {
    unit.cutParses += replays.length
    unit.replayed.push(...replays)
  }
  for (const step of group.steps) if (step.kind === 'parse') session.prepare(step, findText(session, step.key, step.text), true)
  session.link.send(Buffer.concat([...replays.map(parseFrameOf), group.bytes.subarray(group.start, group.end)]), true)
  return true
}
