// The values that a statement gives to columns of cache.blobs, as what the blob cache takes.

import { conditions, ServerError } from '../../errors/index.ts'
import { byteaOf } from '../bytea.ts'
import type { CommandContext } from '../own-statement.ts'
import type { Parameters } from '../parameters.ts'
import type { Value } from '../statement-reader.ts'
import { durationOf, instantOf, integerOf, jsonObject } from '../typed-values.ts'
import { listValue, textValue } from '../values.ts'
import type { BlobPut } from './blob-store.ts'
import type { PutValues } from './read-insert.ts'
import { type WrittenColumn, writtenColumns } from './written-columns.ts'

/** One row: undefined for what was not given, and for NULL. */
export interface BlobValues {
  namespace?: string
  key?: string
  value?: Uint8Array
  content_type?: string
  metadata?: string
  tags?: readonly string[]
  dependencies?: readonly string[]
  ttl?: number
  expires_at?: number
  idle_ttl?: number
  stale_window?: number
  jitter_percent?: number
  priority?: number
  admission?: string
  version?: number
}

export async function blobValues(
  values: PutValues,
  parameters: Parameters,
  context: CommandContext,
): Promise<BlobValues> {
  const row: Record<string, unknown> = {}
  for (const [column, value] of values) {
    const given = await columnValue(column, value, parameters, context)
    if (given !== null) row[column] = given
  }
  return row
}

async function columnValue(
  column: WrittenColumn,
  value: Value,
  parameters: Parameters,
  context: CommandContext,
): Promise<unknown> {
  switch (writtenColumns[column]) {
    case 'bytea':
      return byteaValue(value, parameters)
    case 'text[]':
      return listValue(value, parameters)
    case 'int8':
      return integerOf(value, parameters)
    case 'jsonb':
      return jsonObject(textValue(value, parameters))
    case 'interval':
      return durationOf(textValue(value, parameters), context)
    case 'timestamptz':
      return instantOf(textValue(value, parameters), context)
    default:
      return textValue(value, parameters)
  }
}

function byteaValue(value: Value, parameters: Parameters): Uint8Array | null {
  if (value.kind === 'parameter') return parameters.bytes(value.number)
  const text = textValue(value, parameters)
  return text === null ? null : byteaOf(Buffer.from(text))
}

/** Throws 23502 for a NULL where there cannot be one. */
export function putOf(row: BlobValues): BlobPut {
  const { namespace, key, value } = row
  if (namespace === undefined) throw notNull('namespace')
  if (key === undefined) throw notNull('key')
  if (value === undefined) throw notNull('value')
  return {
    namespace,
    key,
    value,
    tags: row.tags ?? [],
    dependencies: row.dependencies ?? [],
    ...(row.content_type === undefined ? {} : { contentType: row.content_type }),
    ...(row.metadata === undefined ? {} : { metadata: row.metadata }),
    ...(row.ttl === undefined ? {} : { ttlMs: row.ttl }),
    ...(row.expires_at === undefined ? {} : { expiresAtMs: row.expires_at }),
    ...(row.idle_ttl === undefined ? {} : { idleTtlMs: row.idle_ttl }),
    ...(row.stale_window === undefined ? {} : { staleWindowMs: row.stale_window }),
    ...(row.jitter_percent === undefined ? {} : { jitterPercent: row.jitter_percent }),
    ...(row.priority === undefined ? {} : { priority: row.priority }),
    ...(row.admission === undefined ? {} : { admission: row.admission }),
    ...(row.version === undefined ? {} : { version: row.version }),
  }
}

export function notNull(column: string): ServerError {
  return new ServerError(conditions.notNullViolation, [column, 'blobs'])
}
