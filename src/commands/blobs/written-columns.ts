// The columns of cache.blobs that a statement may write, and the errors for those it may not.

import { conditions, ServerError } from '../../errors/index.ts'
import type { BlobColumnType } from './assignable.ts'
import { isBlobColumn } from './projection.ts'

/** In the order of the relation. */
export const writtenColumns = {
  namespace: 'text',
  key: 'text',
  value: 'bytea',
  content_type: 'text',
  metadata: 'jsonb',
  tags: 'text[]',
  dependencies: 'text[]',
  ttl: 'interval',
  expires_at: 'timestamptz',
  idle_ttl: 'interval',
  stale_window: 'interval',
  jitter_percent: 'int8',
  priority: 'int8',
  admission: 'text',
  version: 'int8',
} as const satisfies Readonly<Record<string, BlobColumnType>>

export type WrittenColumn = keyof typeof writtenColumns

export function isWritten(name: string): name is WrittenColumn {
  return Object.hasOwn(writtenColumns, name)
}

/** Throws for a name of a column that there is not, or that was named before. */
export function checkColumns(names: readonly string[]): void {
  for (const [index, name] of names.entries()) {
    if (!isBlobColumn(name)) throw new ServerError(conditions.undefinedColumn, [name, 'blobs'])
    if (names.indexOf(name) < index) throw new ServerError(conditions.duplicateColumn, [name])
  }
}

/** For a value given to a column that the server fills. */
export function generatedColumn(name: string, verb: 'INSERT' | 'UPDATE'): ServerError {
  const condition = verb === 'INSERT' ? conditions.generatedOnInsert : conditions.generatedOnUpdate
  return new ServerError(condition, [name], { detail: `Column "${name}" is filled by the server.` })
}

export function keyColumnSet(name: string): ServerError {
  return new ServerError(conditions.featureNotSupported, [`changing column "${name}" of an entry`], {
    hint: 'Put the value under the new key, and delete the old one.',
  })
}

export function notSupported(what: string, hint?: string): ServerError {
  return new ServerError(conditions.featureNotSupported, [what], { hint })
}
