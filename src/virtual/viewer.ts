// Who looks: what a session's role may see of the virtual schema (sql.md section 7).

/**
 * The session a statement over the virtual schema runs for. The composition root fills it from the origin's role data.
 */
export interface Viewer {
  readonly sessionId: number
  /** The role in force, as current_user reads. */
  readonly role: string
  /** The role that logged in, as session_user reads. */
  readonly loginRole: string
  readonly database: string
  /** Member of one of `admin_roles`, or a superuser of the origin. */
  readonly isAdmin: boolean
  /** Member of one of `monitor_roles`; an admin is one too. */
  readonly isMonitor: boolean
  /** Member of one of `read_roles`; a monitor is one too. */
  readonly canRead: boolean
  /** True if the role in force could SET ROLE to this one; true for itself, and for a superuser always. */
  memberOf(role: string): boolean
}

/** Least standing that opens anything of a relation or a statement. */
export type Access = 'anyone' | 'read' | 'monitor' | 'admin'

export function mayAccess(viewer: Viewer, access: Access): boolean {
  if (access === 'anyone') return true
  if (access === 'read') return viewer.canRead
  return access === 'monitor' ? viewer.isMonitor : viewer.isAdmin
}

/** What lies in a namespace: an admin sees it, and members of the roles that the namespace names. */
export function mayReadNamespace(viewer: Viewer, readers: readonly string[]): boolean {
  return viewer.isAdmin || readers.some((role) => viewer.memberOf(role))
}

/** What a materialized view holds, its query too: members of its owner and of its readers, `public` being everybody (MV-21). */
export function mayReadView(
  viewer: Viewer,
  view: { readonly owner: string; readonly readers: readonly string[] },
): boolean {
  return [view.owner, ...view.readers].some((role) => role === 'public' || viewer.memberOf(role))
}

/** Rows about a role: a monitor sees them all, a reader those about roles it is a member of. */
export function maySeeRole(viewer: Viewer, role: string): boolean {
  return viewer.isMonitor || (viewer.canRead && viewer.memberOf(role))
}

/**
 * Constants and parameters of a role's statements are contents: shown to its members only, to an admin too (SQL-36).
 */
export function maySeeContents(viewer: Viewer, role: string): boolean {
  return (viewer.isAdmin || viewer.canRead) && viewer.memberOf(role)
}
