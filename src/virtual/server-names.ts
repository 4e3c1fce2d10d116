// What in a statement over the virtual schema is answered differently by each server: names of the catalogue, sizes, privileges, the
// database one is in. The system database would answer about itself, so such a statement is the origin's (SQL-25).
//
// Everything else that is built in means the same everywhere. Whatever is not built in is not known here and is told by the system database.

import { type ParseTree, type Statement, walk, wordsOf } from '../sql/index.ts'

/** Of the functions that begin with pg_ those that only compute. */
const computing: ReadonlySet<string> = new Set(
  `pg_typeof pg_size_pretty pg_size_bytes pg_column_size pg_column_compression pg_collation_for pg_input_is_valid
  pg_input_error_info pg_wal_lsn_diff pg_sleep pg_sleep_for pg_sleep_until pg_client_encoding pg_char_to_encoding
  pg_encoding_to_char`.split(/\s+/),
)

const serverFunctions: ReadonlySet<string> = new Set(
  `current_database current_schema current_schemas current_query version format_type obj_description col_description
  shobj_description nextval currval lastval setval row_security_active getdatabaseencoding query_to_xml table_to_xml
  schema_to_xml database_to_xml cursor_to_xml ts_stat mxid_age age_xid dblink`.split(/\s+/),
)

function asksServer(name: string): boolean {
  if (name.startsWith('pg_')) return !computing.has(name)
  return serverFunctions.has(name) || /^(?:has_\w+_privilege|to_reg|inet_|txid_|lo_|reg[a-z]+$)/.test(name)
}

export function dependsOnServer(statement: Statement, tree: ParseTree): boolean {
  if (statement.names.functions.some(({ schema, name }) => isBuiltin(schema) && asksServer(name))) return true
  let depends = false
  walk(
    tree.stmts.map((raw) => raw.stmt),
    ({ type, fields }) => {
      if (type === 'SQLValueFunction' && /CURRENT_(?:CATALOG|SCHEMA)/.test(String(fields.op))) depends = true
      // 'item'::regclass: a name in the catalogue.
      if (type === 'TypeName' && isCatalogName(wordsOf(fields.names))) depends = true
    },
  )
  return depends
}

function isBuiltin(schema: string | undefined): boolean {
  return schema === undefined || schema === 'pg_catalog'
}

function isCatalogName(words: readonly string[]): boolean {
  return isBuiltin(words.at(-2)) && /^_?reg[a-z]+$/.test(words.at(-1) ?? '')
}
