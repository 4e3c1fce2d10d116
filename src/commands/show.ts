// SHOW CACHES and SHOW CACHE relation: other spellings of a SELECT over the virtual schema.
//
//   show   = SHOW CACHES filter | SHOW CACHE relation filter
//   filter = [ LIKE value ] [ WHERE expr ] [ LIMIT value ]         LIKE on the name; expr over the columns shown, spaces in
//                                                                  their names written _

import { conditions, ServerError } from '../errors/index.ts'
import { findVirtualTable, laterRelations, quoteIdentifier, quoteLiteral } from '../virtual/index.ts'
import { comesLater } from './later.ts'
import type { OwnSelect } from './own-statement.ts'
import type { StatementReader, Value } from './statement-reader.ts'

/** What SHOW CACHES shows: its column's name in the filter, and where it comes from in the relation caches. */
const shownColumns: readonly (readonly [name: string, expression: string])[] = [
  ['query_id', 'fingerprint'],
  ['cache_name', 'name'],
  ['query_text', 'statement'],
  ['fallback_behavior', "'fallback allowed'::text"],
  ['count', 'hits + misses'],
  ['entries', 'entries'],
  ['bytes', 'bytes'],
  ['hits', 'hits'],
  ['misses', 'misses'],
  ['hit_ratio', 'hit_ratio'],
  ['saved_ms', 'saved_ms'],
  ['ttl', "pg_catalog.current_setting('SCHEMA.result_ttl', true)::pg_catalog.interval"],
  ['enabled', 'enabled'],
]

/** These keep the names that clients of ReadySet look for. */
const spacedColumns: ReadonlySet<string> = new Set(['query_id', 'cache_name', 'query_text', 'fallback_behavior'])

/** Behind SHOW CACHES. */
export function showCaches(reader: StatementReader): OwnSelect {
  const schema = quoteIdentifier(reader.schemaName)
  const inner = shownColumns.map(
    ([name, expression]) => `${expression.replace('SCHEMA', () => reader.schemaName)} AS ${name}`,
  )
  const outer = shownColumns.map(([name]) =>
    spacedColumns.has(name) ? `${name} AS "${name.replace('_', ' ')}"` : name,
  )
  const from = `(SELECT ${inner.join(', ')} FROM ${schema}.caches WHERE database = pg_catalog.current_setting('larder.database', true)) AS shown`
  const filter = readFilter(reader, 'cache_name')
  return {
    kind: 'select',
    tag: 'SHOW',
    subject: 'SHOW CACHES',
    text: `SELECT ${outer.join(', ')} FROM ${from}${filter}`,
    relations: ['caches'],
    needs: 'read',
    parameterCount: reader.parameterCount,
  }
}

/** Behind SHOW CACHE, where a relation's name comes next. */
export function showRelation(reader: StatementReader): OwnSelect {
  const mark = reader.mark()
  const name = reader.identifier()
  const table = findVirtualTable(name)
  if (table === undefined) {
    if (laterRelations.has(name)) throw comesLater(`relation "${reader.schemaName}.${name}"`)
    reader.reset(mark)
    const { position } = reader.syntaxError()
    throw new ServerError(conditions.undefinedTable, [`${reader.schemaName}.${name}`], { position })
  }
  const nameColumn = table.columns.find((column) => column.name === 'name') ?? table.columns[0]
  const filter = readFilter(reader, nameColumn?.name ?? 'name')
  return {
    kind: 'select',
    tag: 'SHOW',
    text: `SELECT * FROM ${quoteIdentifier(reader.schemaName)}.${quoteIdentifier(name)} AS shown${filter}`,
    relations: [name],
    needs: 'anyone',
    parameterCount: reader.parameterCount,
  }
}

/** LIKE, WHERE and LIMIT over what is called `shown`, in the order of its first column. */
export function readFilter(reader: StatementReader, nameColumn: string): string {
  const likes = reader.accept('LIKE') ? [`shown.${quoteIdentifier(nameColumn)} LIKE ${valueSql(reader.value())}`] : []
  const wheres = reader.accept('WHERE') ? [`(${condition(reader)})`] : []
  const limit = reader.accept('LIMIT') ? ` LIMIT ${valueSql(reader.value())}` : ''
  if (!reader.isAtEnd) throw reader.syntaxError('LIKE', 'WHERE', 'LIMIT', 'the end of the statement')
  const conditionsSql = [...likes, ...wheres]
  const where = conditionsSql.length === 0 ? '' : ` WHERE ${conditionsSql.join(' AND ')}`
  return `${where} ORDER BY 1${limit}`
}

/** An expression as it stands; PostgreSQL reads it, alone in a statement that is read-only. */
function condition(reader: StatementReader): string {
  const text = reader.textUntil('LIMIT')
  if (text.trim() === '') throw reader.syntaxError('a condition')
  // A comment at its end would swallow what follows.
  return `${text}\n`
}

/** A value as it stands in a statement of ours. */
export function valueSql(value: Value): string {
  if (value.kind === 'parameter') return `$${value.number}`
  if (value.kind === 'list') return `ARRAY[${value.items.map(valueSql).join(', ')}]`
  if (value.text === null) return 'NULL'
  return value.isString ? quoteLiteral(value.text) : value.text
}
