// What holds for the names of views, and for who may change them.

import { conditions, ServerError } from '../../errors/index.ts'
import { findVirtualTable, laterRelations } from '../../virtual/index.ts'
import type { CommandContext } from '../own-statement.ts'
import type { ViewAccess } from './view-access.ts'

/** One that a view may have. Throws 42P07, 0A000. */
export function newName(name: string): string {
  if (findVirtualTable(name) !== undefined || laterRelations.has(name))
    throw new ServerError(conditions.duplicateTable, [name])
  if (Buffer.byteLength(name) > 63)
    throw new ServerError(conditions.featureNotSupported, ['a view with so long a name'])
  return name
}

export function mustBeView(name: string): void {
  if (findVirtualTable(name) !== undefined) throw new ServerError(conditions.notAView, [name])
}

/** 42P01 if there is none of that name, 42501 for who may not. */
export function mustOwn({ viewer, schemaName }: CommandContext, views: ViewAccess, name: string): void {
  const owner = views.owner(name)
  if (owner === undefined) mustBeView(name)
  if (owner === undefined) throw new ServerError(conditions.undefinedTable, [`${schemaName}.${name}`])
  if (!viewer.isAdmin && !viewer.memberOf(owner)) throw new ServerError(conditions.notOwnerOfView, [name])
}
