// Portals of ours as the origin sees them: in a transaction that is open there each has a shadow, a portal of its name.
//
// So the origin itself says when a name is taken, by whomever, and which portals have gone: with a savepoint, a chained transaction, a
// CLOSE. What it says is asked for when a portal of ours is used again behind messages of the origin's.

import { conditions, ServerError } from '../errors/index.ts'
import { bindFrame, closeFrame, describeFrame, executeFrame, parseFrame, status } from '../wire/index.ts'
import type { Step } from './batch.ts'
import { isInFailedBlock, untilOpenAnswered, waitsForCopy } from './open-group.ts'
import { askQuestion } from './question.ts'
import type { Session } from './session.ts'

const shadow = '_larder_portal'

/** What would run if it were ever executed: an error. */
const shadowText = "SELECT pg_catalog.current_setting('larder.portal')"

/** A portal of ours gets its shadow; throws where the name is taken. False if there is no need. */
export async function castShadow(session: Session, name: string): Promise<boolean> {
  if (session.identity.admin || (session.status === status.idle && session.open === undefined)) return false
  // Asked before, since a refusal would fail the transaction, in which something of ours may have to be said first.
  if (name !== '' && (await askAll(session)).has(name)) throw new ServerError(conditions.duplicatePortal, [name])
  const frames = [closeFrame('S', shadow), parseFrame(shadow, shadowText), bindFrame(name, shadow)]
  const { error } = await askQuestion(session, Buffer.concat([...frames, closeFrame('S', shadow)]), true)
  if (error === undefined || session.ended) return true
  const condition = { sqlstate: error.get('C') ?? 'XX000', severity: 'ERROR', message: '%s' } as const
  throw new ServerError(condition, [error.get('M') ?? ''])
}

export async function dropShadow(session: Session, name: string): Promise<void> {
  if (session.ended || session.open?.unit.failed) return
  await askQuestion(session, closeFrame('P', name), true)
}

/** True if those of our portals that these messages name are known to be there still; false if the origin must be asked first. */
export function knowsShadows(session: Session, steps: readonly Step[]): boolean {
  const { portals } = session
  if (!portals.unsure || portals.ours === undefined) return true
  const isOurs = (name: string | undefined) => name !== undefined && portals.ours?.get(name)?.shadowed === true
  if (!steps.some((step) => isOurs(portalUsed(step)))) return true
  if (!session.quiet && session.open === undefined) return session.waitForQuiet()
  if (waitsForCopy(session)) return false
  // What has failed is skipped up to its Sync.
  if (session.open !== undefined && (session.open.unit.failed || isInFailedBlock(session))) return true
  session.before(() => check(session))
  return false
}

/** A named portal that is bound must not be there. */
function portalUsed(step: Step): string | undefined {
  if (step.kind === 'execute') return step.portal
  if (step.kind === 'bind') return step.portal === '' ? undefined : step.portal
  return step.kind !== 'parse' && step.target === 'P' ? step.name : undefined
}

async function check(session: Session): Promise<void> {
  const { portals } = session
  await untilOpenAnswered(session)
  if (session.ended || session.open?.unit.failed) return
  portals.unsure = false
  const { ours } = portals
  if (ours === undefined) return
  const isThere = isInFailedBlock(session) ? await askEach(session, ours.keys()) : await askAll(session)
  for (const [name, portal] of ours) if (portal?.shadowed && !isThere.has(name)) ours.delete(name)
  if (ours.size === 0) portals.ours = undefined
}

async function askAll(session: Session): Promise<ReadonlySet<string>> {
  const question = '_larder_portals'
  const { rows } = await session.ask(
    Buffer.concat([
      closeFrame('S', question),
      parseFrame(question, 'SELECT c.name FROM pg_catalog.pg_cursor() c'),
      bindFrame('', question),
      executeFrame(''),
      closeFrame('S', question),
    ]),
  )
  // Names are kept as bytes.
  return new Set(rows.map(([name]) => Buffer.from(name ?? '').toString('latin1')))
}

/** In a block that has failed nothing runs, but what is not there is told from what must not be touched. */
async function askEach(session: Session, names: Iterable<string>): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const name of names) {
    const { error } = await askQuestion(session, describeFrame('P', name), true)
    if (error?.get('C') !== '34000') found.add(name)
  }
  return found
}
