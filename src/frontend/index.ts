// Door of `frontend`: listener, start-up, sessions and the ways of their statements.

export { Decisions } from './decisions.ts'
export { Flights } from './flights.ts'
export { Listener } from './listener.ts'
export type { OwnRoom } from './own-room.ts'
export type { OriginDoor, Services } from './services.ts'
export type { Session } from './session.ts'
export { UnknownOutcomes } from './unknown-outcomes.ts'
