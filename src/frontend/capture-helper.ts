// The prepared helper that tells a transaction's locks: made ready, and kept ready.

import { captureFrames, captureStatement, contextMark, prepareCaptureFrame } from '../cache/plans/index.ts'
import { bindFrame, closeFrame, executeFrame, parseFrame, status } from '../wire/index.ts'
import { learnLogin, loginSettingsText } from './login-settings.ts'
import type { Session } from './session.ts'
import type { ClientUnit } from './units.ts'

/** Prepares the helper on this connection and tries it once, outside everything else, so that a refusal harms nobody. */
export async function prepareCapture(session: Session): Promise<void> {
  const asksLogin = !session.settings.knowsLogin && isOutside(session)
  const login = asksLogin ? loginFrames(session) : []
  const answer = await session.ask(Buffer.concat([...prepareFrames(session), captureFrames, ...login]))
  session.captureReady = answer.error === undefined && answer.rows.length === (asksLogin ? 2 : 1)
  if (asksLogin) learnLogin(session, answer.rows[1]?.[0])
  session.captureTried ||= session.captureReady
  if (session.captureReady && isOutside(session) && !session.services.code.isCurrent(session))
    await session.services.code.ask(session)
  if (session.captureReady || session.ended) return
  session.captureRefused = true
  session.services.events.record({
    severity: 'warning',
    event: 'locks_refused',
    subject: session.identity.database,
    detail: answer.error?.get('M'),
  })
}

/** What the session began with, for who writes before it reads. */
function loginFrames(session: Session): Buffer[] {
  const name = '_larder_question'
  const text = `SELECT ${loginSettingsText(session.services.contexts.ourSchema)}`
  return [closeFrame('S', name), parseFrame(name, text), bindFrame('', name), executeFrame(''), closeFrame('S', name)]
}

/** The helper asks for every setting that cached statements read by name, so it is made again when one joins them. */
export function prepareFrames(session: Session): Buffer[] {
  const { contexts } = session.services
  session.captureVersion = contexts.watchVersion
  return [closeFrame('S', captureStatement), prepareCaptureFrame(contextMark(contexts.customSettings))]
}

/** Makes the origin count this session's catalogue changes as reported, so that the next write is not taken for another one. */
export async function settleCatalogueCounts(session: Session): Promise<void> {
  session.catalogueCounted = false
  const name = '_larder_question'
  await session.ask(
    Buffer.concat([
      parseFrame(name, 'SELECT pg_catalog.pg_stat_force_next_flush()'),
      bindFrame('', name),
      executeFrame(''),
      closeFrame('S', name),
    ]),
  )
  if (!session.ended && isOutside(session) && !session.services.code.isCurrent(session))
    await session.services.code.ask(session)
}

/** What notReady() waits for, for who waits himself. */
export async function makeReady(session: Session): Promise<void> {
  if (session.captureRefused) return
  if (!isHelperReady(session)) await prepareCapture(session)
  if (session.catalogueCounted && !session.ended) await settleCatalogueCounts(session)
  const { code } = session.services
  if (!session.captureRefused && !session.ended && isOutside(session) && !code.isCurrent(session))
    await code.ask(session)
}

function isHelperReady(session: Session): boolean {
  return session.captureReady && session.captureVersion === session.services.contexts.watchVersion
}

/** True if the helper must be made ready first; the message is looked at again then. */
export function notReady(session: Session, writes = true): boolean {
  if (!isHelperReady(session)) {
    session.before(() => prepareCapture(session))
  } else if (session.catalogueCounted) session.before(() => settleCatalogueCounts(session))
  else if (writes && !session.captureRefused && isOutside(session) && !session.services.code.isCurrent(session)) {
    session.before(() => session.services.code.ask(session))
  } else return false
  return true
}

function isOutside(session: Session): boolean {
  return session.status === status.idle && session.open === undefined
}

/** Our question; the helper is made again before it where code that has just run may have dropped it. */
export function captureQuestion(session: Session, unit: ClientUnit): Buffer {
  const runsCode = unit.codeRuns === 'maybe' || unit.codeRuns === 'surely'
  const isDoubtful = runsCode && session.services.code.mayDrop(session)
  return isDoubtful ? Buffer.concat([...prepareFrames(session), captureFrames]) : captureFrames
}
