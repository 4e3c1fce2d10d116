// Door of `frontend`: listener, start-up, sessions and the ways of their statements.

export { auditEntry, isFree, unasked } from './audit-hit.ts'
export { type AuditRecord, Audits, quarantinedReason } from './audits.ts'
export type { ParseStep } from './batch.ts'
export { refusalInBlock } from './block-reads.ts'
export { prepareCapture } from './capture-helper.ts'
export { CodeWatch } from './code-watch.ts'
export { type DecisionRecord, Decisions } from './decisions.ts'
export { isOurs, routeToOrigin } from './dispatch.ts'
export { factsInForce, learnFacts, probeContext } from './facts.ts'
export { Flights } from './flights.ts'
export { hintAdvice } from './hint-faults.ts'
export { demandOf, foresee, raiseFloor } from './level.ts'
export { Listener } from './listener.ts'
export { learnLogin, loginSettingsText } from './login-settings.ts'
export { doubtNames, doubtNow } from './name-doubts.ts'
export { runOpaque } from './opaque.ts'
export { isInFailedBlock, noteOpen, openEmpty, syncOpen, untilOpenAnswered } from './open-group.ts'
export { OriginLives } from './origin-lives.ts'
export type { NamesBehind, OwnRoom } from './own-room.ts'
export { castShadow, dropShadow } from './own-shadows.ts'
export { Part, partOf } from './part.ts'
export { type PassVerdict, passStraight, registerParses } from './pass.ts'
export type { PreparedStatement } from './prepared-statements.ts'
export { PreparedTransactions } from './prepared-transactions.ts'
export { askText } from './question.ts'
export { refusalOf } from './read-path.ts'
export { findText, type Group, keepRequest, type Request } from './request.ts'
export { SchemaWatch } from './schema-watch.ts'
export type {
  FeedClient,
  FeedMode,
  OriginDoor,
  Services,
  StandbyDoor,
  StandbyQuestion,
  StandbyReader,
  ViewDoor,
  ViewMatch,
} from './services.ts'
export type { Session } from './session.ts'
export { entryName } from './signal.ts'
export { type Aside, readSource } from './source-text.ts'
export { foreseeStandby } from './standby-read.ts'
export { hintsFor, mergeHints, textHints } from './text-hints.ts'
export { UnknownOutcomes } from './unknown-outcomes.ts'
export { type ForeseenView, foreseeView } from './view-read.ts'
