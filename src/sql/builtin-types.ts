// The types PostgreSQL brings along, by the names a text may use for them.
//
// A type not listed here belongs to a user (or to an extension), and may have input functions, casts and constraints that
// no text shows. Array types are the name with an underscore, or bracket pairs behind the name.
//
// Source: pg_type of PostgreSQL 18 without row types; the grammar's own words (INT, TIMESTAMP WITH TIME ZONE) arrive
// here already translated to `pg_catalog.int4`, `pg_catalog.timestamptz`.

import type { QualifiedName } from './statement.ts'

const builtinTypes: ReadonlySet<string> = new Set(
  `aclitem any anyarray anycompatible anycompatiblearray anycompatiblemultirange anycompatiblenonarray anycompatiblerange
  anyelement anyenum anymultirange anynonarray anyrange bit bool box bpchar bytea char cid cidr circle cstring date
  datemultirange daterange event_trigger fdw_handler float4 float8 gtsvector index_am_handler inet int2 int2vector int4
  int4multirange int4range int8 int8multirange int8range internal interval json jsonb jsonpath language_handler line lseg
  macaddr macaddr8 money name numeric nummultirange numrange oid oidvector path pg_lsn pg_node_tree pg_snapshot point
  polygon record refcursor regclass regcollation regconfig regdictionary regnamespace regoper regoperator regproc
  regprocedure regrole regtype table_am_handler text tid time timestamp timestamptz timetz trigger tsm_handler
  tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector txid_snapshot unknown uuid varbit varchar void xid xid8
  xml`.split(/\s+/),
)

/** Serial columns are a spelling of CREATE TABLE, not types. */
const serialTypes: ReadonlySet<string> = new Set('smallserial serial2 serial serial4 bigserial serial8'.split(' '))

/** Their input may be the word `now`, by themselves or as a bound of a range. */
const datetimeTypes: ReadonlySet<string> = new Set(
  `date time timetz timestamp timestamptz daterange tsrange tstzrange datemultirange tsmultirange tstzmultirange`.split(
    ' ',
  ),
)

export function isBuiltinType(type: QualifiedName): boolean {
  if (type.schema !== undefined && type.schema !== 'pg_catalog') return false
  const name = elementName(type.name)
  return builtinTypes.has(name) || (type.schema === undefined && serialTypes.has(name))
}

export function isDatetimeType(type: QualifiedName): boolean {
  if (type.schema !== undefined && type.schema !== 'pg_catalog') return false
  return datetimeTypes.has(elementName(type.name))
}

/** `regclass` and its like: numbers that read and print as names of the catalogue. */
export function isCatalogType(type: QualifiedName): boolean {
  if (type.schema !== undefined && type.schema !== 'pg_catalog') return false
  const name = elementName(type.name)
  return name.startsWith('reg') && builtinTypes.has(name)
}

export function elementName(name: string): string {
  return name.startsWith('_') ? name.slice(1) : name
}
