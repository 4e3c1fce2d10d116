// What must be known of a session, and what its client must hear, before its first ReadyForQuery.

import { conditions, ServerError } from '../errors/index.ts'
import { noticeFrame, readyFrame } from '../wire/index.ts'
import { probeContext } from './facts.ts'
import { doubtNow } from './name-doubts.ts'
import type { Session } from './session.ts'

/** Ends the start-up; at once, unless the origin must be asked. */
export function welcome(session: Session, statusByte: number): void {
  const { services, identity, output } = session
  const { schemas } = services
  services.own.meets(session)
  // A trigger on login may have prepared something already.
  if (!identity.admin && Number.parseInt(identity.parameters.get('server_version') ?? '', 10) >= 17) {
    doubtNow(session)
  }
  const isOrigins = !identity.admin && !identity.replication
  if (!isOrigins || (schemas.isKnown(identity.database) && !schemas.isTaken(identity.database))) {
    output.add(readyFrame(statusByte))
    return
  }
  session.slowly(async () => {
    await look(session)
    output.add(readyFrame(session.status))
  })
}

/** The first connection to a database looks whether the name of our schema is free there; where it is not, admins are told (SQL-12). */
async function look(session: Session): Promise<void> {
  const { services, identity, output } = session
  if (!services.schemas.isKnown(identity.database)) await probeContext(session)
  if (session.ended || !services.schemas.isTaken(identity.database)) return
  const isAdmin = await services.own.isAdmin(session).catch(() => false)
  if (isAdmin) output.add(noticeFrame(schemaConflict(services.contexts.ourSchema)))
}

function schemaConflict(schemaName: string): ServerError {
  return new ServerError(conditions.schemaConflict, [schemaName], {
    detail: `Relations and functions "${schemaName}.…" are that schema's in this database, and so are settings that Larder does not know.`,
    hint: 'Set virtual_schema to a name that is free, and restart Larder. SHOW CACHES, SHOW CACHE relation and the like go on.',
  })
}
