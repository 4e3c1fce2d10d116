// Relations that no cache may hold, told by their names alone.

import type { QualifiedName, TextReason } from './statement.ts'

/** Why a read of this relation may not be cached, or undefined if its name does not say. */
export function relationReason(relation: QualifiedName): TextReason | undefined {
  const { schema, name } = relation
  if (schema === undefined) return name.startsWith('pg_') ? { code: 'catalog', argument: name } : undefined
  if (isTemporarySchema(schema)) return { code: 'temporary', argument: name }
  if (isCatalogSchema(schema)) return { code: 'catalog', argument: name }
  return undefined
}

export function isTemporarySchema(schema: string): boolean {
  return schema === 'pg_temp' || schema.startsWith('pg_temp_')
}

function isCatalogSchema(schema: string): boolean {
  return schema === 'pg_catalog' || schema === 'information_schema' || schema.startsWith('pg_toast')
}
