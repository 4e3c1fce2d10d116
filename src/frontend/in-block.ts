// Statements inside a transaction block: passed on, and noted for the end of the block.

import type { StatementText } from '../cache/plans/index.ts'
import type { SessionSettings } from '../config/index.ts'
import { ServerError } from '../errors/index.ts'
import type { StatementKind } from '../sql/index.ts'
import { status } from '../wire/index.ts'
import { noteForReads, readInBlock } from './block-reads.ts'
import { commitBlock } from './commit-block.ts'
import { copyInBlock } from './copy-in.ts'
import { factsInForce } from './facts.ts'
import { runOpaque } from './opaque.ts'
import { passStraight } from './pass.ts'
import type { Request } from './request.ts'
import type { Session } from './session.ts'
import { isPlain, mayChangeSettings, readsOnly } from './several.ts'

/** One statement inside a block: noted for its end, and passed on. Without `parameters` it is never answered from memory. */
export function inBlock(
  session: Session,
  text: StatementText,
  parameters: string | undefined,
  request: Request,
): boolean {
  const { statement } = text.shape
  const { transaction } = session
  if (statement.kind === 'transaction') return transactionVerb(session, text, request)
  if ((statement.kind === 'several' && !isPlain(text)) || statement.kind === 'unreadable') {
    // It may hold a COMMIT, the end of the block, unannounced; or a ROLLBACK of a failed one, and whatever comes behind it.
    if (!session.quiet) return session.waitForQuiet()
    transaction.ending = true
    session.portals.forgetAll()
    return runOpaque(session, text, request, statement.kind === 'several' ? 'several' : 'write')
  }
  const read = statement.kind === 'read' ? readInBlock(session, text, parameters, request) : undefined
  if (read === true) return true
  if (read === 'waiting') return false
  noteInBlock(session, text)
  if (statement.kind === 'several') {
    return passStraight(session, text, request, { verdict: 'bypass', reason: 'several_statements' })
  }
  if (read !== undefined) return passStraight(session, text, request, read)
  if (statement.kind === 'copy_in') return copyInBlock(session, text, request)
  return passStraight(session, text, request, { verdict: 'pass', reason: passReason(text) })
}

export function noteInBlock(session: Session, text: StatementText): void {
  const { statement } = text.shape
  const { transaction } = session
  noteForReads(session, text)
  if (session.status !== status.idle && session.services.code.mayDrop(session)) session.captureReady = false
  if (statement.truncates) {
    transaction.told = true
    transaction.truncated = true
    return
  }
  const kind = kindInBlock(text)
  switch (kind) {
    case 'read': {
      const facts = factsInForce(session, text, Number.POSITIVE_INFINITY)
      // Under a role or settings of the block's own its names may mean other relations than those the facts are of.
      if (facts === undefined || facts.mayWrite || transaction.settings) {
        transaction.wrote = true
        transaction.settings ||= statement.names.functions.length > 0
      } else transaction.assumedAt ??= session.services.epochs.clock
      transaction.settings ||= statement.reason?.code === 'unknown_key'
      break
    }
    case 'set':
      transaction.settings = true
      break
    case 'ddl':
      transaction.told = true
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
      transaction.told = true
      // What may run any SQL may also have dropped our prepared helper.
      if (statement.kind === 'call' || statement.kind === 'execute') session.captureReady = false
      transaction.wrote = true
      transaction.settings ||= kind !== 'write' && kind !== 'copy_in'
  }
  // Who asks, and for how long, may be another matter from here on.
  if (transaction.settings) session.viewer = undefined
}

/** A text of several is what the most of them is; one that changes settings may do anything under them. */
function kindInBlock(text: StatementText): StatementKind {
  const { kind, parts } = text.shape.statement
  if (kind !== 'several') return kind
  if (mayChangeSettings(text)) return 'explain_write'
  if (readsOnly(text)) return 'read'
  return parts.includes('explain_write') ? 'explain_write' : 'write'
}

function transactionVerb(session: Session, text: StatementText, request: Request): boolean {
  const { statement } = text.shape
  const { transaction, settings } = session
  if (statement.verb !== 'savepoint' && statement.verb !== 'release') session.portals.forgetAll()
  switch (statement.verb) {
    case 'commit':
    case 'prepare':
      if (!session.quiet) return session.waitForQuiet()
      transaction.ending = true
      if (session.status === status.inBlock && transaction.mayHaveChanged(session.epochs)) {
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
      noteForReads(session, text)
      if (name === undefined) break
      if (!session.quiet) return session.waitForQuiet()
      const { verb } = statement
      return passStraight(session, text, request, { verdict: 'pass', reason: 'transaction' }, (outcome) => {
        if (!outcome.failed) followSavepoint(settings, verb, name)
      })
    }
    default:
      transaction.onlyReads = false
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
