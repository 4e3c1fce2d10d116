// Who may do what in which namespace: admins everything, others what the namespace's readers and writers say (sql.md section 7).

import { conditions, ServerError } from '../../errors/index.ts'
import { mayReadNamespace, type NamespaceRow } from '../../virtual/index.ts'
import type { CommandContext } from '../own-statement.ts'

/** Namespaces whose names start so are the server's own. */
export function isReserved(name: string): boolean {
  return name.startsWith('$')
}

/** Throws 42501, 42704 or 42939. A namespace that is not there yet is made for an admin who puts. */
export async function openForPut(context: CommandContext, name: string): Promise<void> {
  refuseReserved(name)
  const namespace = context.blobs.namespace(name)
  if (namespace !== undefined) return refuseOthers(context, namespace, namespace.writers, 'writers')
  if (!context.viewer.isAdmin) throw unknownNamespace(name)
  try {
    await context.blobs.createNamespace(name, {}, context.viewer.role)
  } catch (error) {
    // Another session was quicker.
    if (context.blobs.namespace(name) === undefined) throw error
  }
}

/** For what changes entries that are there: false if there is no such namespace, and so nothing to change. */
export function mayChange(context: CommandContext, name: string): boolean {
  refuseReserved(name)
  const namespace = context.blobs.namespace(name)
  if (namespace !== undefined) refuseOthers(context, namespace, namespace.writers, 'writers')
  else if (!context.viewer.isAdmin) throw unknownNamespace(name)
  return namespace !== undefined
}

/** The same for reading with a function, which says so where a relation would be empty. */
export function mayRead(context: CommandContext, name: string): boolean {
  const namespace = isReserved(name) ? undefined : context.blobs.namespace(name)
  if (namespace !== undefined) refuseOthers(context, namespace, namespace.readers, 'readers')
  else if (!context.viewer.isAdmin) throw unknownNamespace(name)
  return namespace !== undefined
}

/** The namespaces of users that this one may change. */
export function changeable(context: CommandContext): string[] {
  const names: string[] = []
  for (const { name, writers } of context.blobs.namespaces()) {
    if (!isReserved(name) && mayReadNamespace(context.viewer, writers)) names.push(name)
  }
  return names
}

/** The namespaces of users whose contents this one may see. */
export function readable(context: CommandContext): string[] {
  const names: string[] = []
  for (const { name, readers } of context.blobs.namespaces()) {
    if (!isReserved(name) && mayReadNamespace(context.viewer, readers)) names.push(name)
  }
  return names
}

export function unknownNamespace(name: string): ServerError {
  return new ServerError(conditions.unknownNamespace, [name], {
    hint: 'List them with SELECT * FROM cache.namespaces.',
  })
}

export function refuseReserved(name: string): void {
  if (isReserved(name)) throw new ServerError(conditions.reservedNamespace, [name])
}

function refuseOthers(
  context: CommandContext,
  namespace: NamespaceRow,
  roles: readonly string[],
  kind: 'readers' | 'writers',
): void {
  if (mayReadNamespace(context.viewer, roles)) return
  const those = [...roles, ...context.settings.current.adminRoles].map((role) => `"${role}"`)
  throw new ServerError(conditions.insufficientPrivilege, [`cache namespace ${namespace.name}`], {
    hint: `A member of role ${those.join(' or ')} may; the option ${kind} of the namespace names others.`,
  })
}
