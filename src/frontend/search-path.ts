// Whether a session's search_path holds our schema. From PostgreSQL 18 on the origin reports every change of it. Before, what was
// last asked is remembered until a statement may have changed it.
//
// A function of a user's may change it unseen there. Then names without a schema that are ours are not found for a while, no more:
// before one is taken for ours, the origin is asked again (own-loose.ts).

import type { StatementText } from '../cache/plans/index.ts'
import { schemasOfPath } from '../sql/index.ts'
import type { Session } from './session.ts'

export class SearchPath {
  /** As reported, and what follows from it for this role. */
  #path: string | undefined
  #role = ''
  /** Undefined if it may have changed since the origin was asked. */
  #holdsOurs: boolean | undefined
  /** It changed in the open block, which may be undone. */
  #changedInBlock = false

  holdsOurs(session: Session): boolean | undefined {
    const { services, identity } = session
    if (!identity.admin && services.schemas.isTaken(identity.database)) return false
    const reported = identity.parameters.get('search_path')
    if (reported === undefined) return identity.admin ? false : this.#holdsOurs
    const role = session.roleName
    if (reported !== this.#path || role !== this.#role) {
      this.#path = reported
      this.#role = role
      this.#holdsOurs = schemasOfPath(reported, role).includes(services.contexts.ourSchema)
    }
    return this.#holdsOurs
  }

  /** The origin was asked. */
  learn(holdsOurs: boolean): void {
    if (this.#path === undefined) this.#holdsOurs = holdsOurs
  }

  /** The origin has answered this statement. */
  passed(session: Session, text: StatementText | undefined): void {
    if (session.identity.parameters.has('search_path')) return
    const change = changeOf(text)
    if (change === 'none') return
    if (change === 'path') this.#changedInBlock = true
    if (change === 'path' || this.#changedInBlock) this.#holdsOurs = undefined
  }
}

/** `undo`: it changes the path back if it was changed in the block. */
function changeOf(text: StatementText | undefined): 'none' | 'path' | 'undo' {
  const statement = text?.shape.statement
  switch (statement?.kind) {
    case undefined:
    case 'call':
    case 'execute':
    case 'several':
    case 'unreadable':
      return 'path'
    case 'set':
      return /search_path|schema|all|discard/i.test(text?.text ?? '') ? 'path' : 'none'
    case 'transaction':
      return 'undo'
    default:
      return statement?.names.functions.some(({ name }) => name === 'set_config') ? 'path' : 'none'
  }
}
