// Who may say a statement of ours: a denial is 42501 and names the roles whose members may (sql.md section 7).

import type { Settings } from '../config/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import { type Access, mayAccess, type Viewer } from '../virtual/index.ts'

/** Throws 42501 unless the viewer has that standing. `what` is the statement or the function. */
export function authorise(viewer: Viewer, needs: Access, what: string, settings: Settings): void {
  if (mayAccess(viewer, needs)) return
  const roles = rolesFor(needs, settings)
  throw new ServerError(conditions.insufficientPrivilege, [what], {
    hint:
      roles.length === 0
        ? `No role is named for it: see the setting ${needs}_roles.`
        : `A member of role ${roles.map((role) => `"${role}"`).join(' or ')} may.`,
  })
}

function rolesFor(needs: Access, settings: Settings): readonly string[] {
  if (needs === 'read') return settings.readRoles
  return needs === 'monitor' ? settings.monitorRoles : settings.adminRoles
}
