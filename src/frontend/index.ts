// Door of `frontend`: listener, start-up, sessions and the ways of their statements.

export { type DecisionRecord, Decisions } from './decisions.ts'
export { factsInForce, learnFacts, probeContext } from './facts.ts'
export { Flights } from './flights.ts'
export { Listener } from './listener.ts'
export type { NamesBehind, OwnRoom } from './own-room.ts'
export { passStraight } from './pass.ts'
export { findText, type Group, keepRequest, type Request } from './request.ts'
export type { OriginDoor, Services } from './services.ts'
export type { Session } from './session.ts'
export { UnknownOutcomes } from './unknown-outcomes.ts'
