// Reads inside a transaction block, answered from memory as long as the block has done nothing but read (RRC-17).
//
// READ COMMITTED gives every statement a snapshot of its own, so an answer that may be served outside a block may be served inside, until
// the block writes, locks, or changes a setting: from then on it must see what it did itself. The other levels want one snapshot for
// all statements, which only the origin has. What such a block reads at the origin is never kept.
//
// While the origin is not asked it takes the session for idle, and ends it after idle_in_transaction_session_timeout. Where there is such a
// limit, it is asked every second, or ten times within the limit: by so much too early may a session end that is really idle.

import type { StatementText, TextHints } from '../cache/plans/index.ts'
import type { ReasonCode, Statement } from '../sql/index.ts'
import { status } from '../wire/index.ts'
import { contextInForce, factsInForce } from './facts.ts'
import { awaitedFor, demandOf, type Wish } from './level.ts'
import type { PassVerdict } from './pass.ts'
import { lookUp, refusalOf } from './read-path.ts'
import type { Request } from './request.ts'
import type { Session } from './session.ts'
import { hintsFor } from './text-hints.ts'

/** The origin has begun a block, `others` came along with its BEGIN. */
export function begun(session: Session, begin: Statement, others: readonly StatementText[] = []): void {
  const { transaction, context } = session
  // What is behind it was sent before it was known to be in a block, so nobody has noted what it does there.
  transaction.onlyReads = session.quiet && others.every((text) => readsPlainly(session, text))
  transaction.isolation = begin.isolation ?? context?.isolation
}

/** True if a context must be asked for before a block begins: inside, what the answer would be is the block's own. */
export function wantsContext(session: Session): boolean {
  const { resultInTransaction, resultCache } = session.settings.current
  return resultInTransaction === 'until_write' && resultCache !== 'off' && contextInForce(session) === undefined
}

/** A statement in the block. Anything but a plain read ends its being answered from memory. */
export function noteForReads(session: Session, text: StatementText): void {
  const { transaction } = session
  if (!transaction.onlyReads) return
  const { kind, verb } = text.shape.statement
  const isHarmless =
    kind === 'show' || kind === 'empty' || verb === 'savepoint' || verb === 'release' || verb === 'rollback_to'
  transaction.onlyReads = isHarmless || (kind === 'read' && readsPlainly(session, text))
}

/** Not known to do anything but read: no locks, no functions of users. */
function readsPlainly(session: Session, text: StatementText): boolean {
  if (text.refusal !== undefined || text.shape.statement.kind !== 'read') return false
  const facts = factsInForce(session, text, Number.POSITIVE_INFINITY)
  return facts !== undefined && !facts.mayWrite && facts.refusal === undefined
}

/** True if it was answered from memory; else how the origin's answer is reported, if not `waiting` to be looked at again. Without `parameters` it never is. */
export function readInBlock(
  session: Session,
  text: StatementText,
  parameters: string | undefined,
  request: Request,
): true | 'waiting' | PassVerdict {
  const hints = hintsFor(text, request.aside)
  const refusal = session.part?.options.verdict ?? refusalInBlock(session, text, hints)
  if (refusal !== undefined) return refusal
  if (parameters === undefined) return { verdict: 'bypass', reason: 'in_transaction' }
  if (!session.quiet || hints?.cache === 'refresh' || mayBeTakenForIdle(session))
    return { verdict: 'miss', reason: 'cold' }
  const settings = session.settings.current
  // A cancel that ends a wait comes too late for the statement: an error of ours would leave the block as it is.
  const awaited = awaitedFor(session, text, parameters)
  const wish: Wish = { text, parameters, demand: demandOf(settings, hints), awaited }
  const look = lookUp(session, wish, request, hints?.ttlMs ?? settings.resultTtl, false)
  return look === true || look === 'waiting' ? look : { verdict: 'miss', reason: look.code, argument: look.argument }
}

/** Why a read in the open block is the origin's, whatever is in memory. */
export function refusalInBlock(
  session: Session,
  text: StatementText,
  hints: TextHints | undefined,
): PassVerdict | undefined {
  const { transaction } = session
  const { resultInTransaction, resultCache } = session.settings.current
  const bypass = (reason: ReasonCode, argument?: string): PassVerdict => ({ verdict: 'bypass', reason, argument })
  if (transaction.told) return bypass('wrote')
  if ((hints?.inTransaction ?? resultInTransaction) === 'never') return bypass('in_transaction')
  const { isolation } = transaction
  if (isolation !== undefined && isolation !== 'read committed') return bypass('isolation', isolation)
  const context = contextInForce(session)
  const isKnown = transaction.onlyReads && isolation !== undefined && context?.readable && !context.temporary
  if (!isKnown || session.status !== status.inBlock || session.part !== undefined) return bypass('in_transaction')
  return refusalOf(session, text, hints, resultCache, undefined)
}

function mayBeTakenForIdle({ transaction, context, services }: Session): boolean {
  const limitMs = context?.idleInBlockMs ?? 0
  return limitMs > 0 && services.clock.nowMs() - transaction.askedAtMs > Math.min(1000, limitMs / 10)
}
