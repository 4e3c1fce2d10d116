// What the catalogue of a database is, as a few numbers, and which relations differ between two looks at it.
//
// A row that is written anew has the id of who wrote it as xmin, whatever became of it: VACUUM, ANALYZE, freezing and hint bits leave that
// alone, and ids only grow. So the count of rows and a sum over hashes of their xmin tell every change of a catalogue. Ids are taken as
// differences of ages, which cost no text. Temporary relations and their types are left out: they are nobody else's.
//
// What is told by relation is told by contents, so that a new file (TRUNCATE, VACUUM FULL, CLUSTER) is no change of what it is.

const sum = (catalogue: string, where = '') => `(SELECT pg_catalog.concat(pg_catalog.count(*), '.',
  pg_catalog.sum(CASE WHEN pg_catalog.age(x.xmin) OPERATOR(pg_catalog.=) 2147483647 THEN 1
   ELSE pg_catalog.hashint4(pg_catalog.age(x.xmin) OPERATOR(pg_catalog.-) b.base) END)) FROM pg_catalog.${catalogue} x ${where})`

const temporaryRelations = `(SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relpersistence OPERATOR(pg_catalog.=) 't')`
const temporarySchemas = `(SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.~) '^pg_(toast_)?temp_')`

/** Of these it can be told which relation a change is about. */
const byRelation = [
  sum('pg_class', `WHERE x.relpersistence OPERATOR(pg_catalog.<>) 't'`),
  ...[
    ['pg_attribute', 'attrelid'],
    ['pg_attrdef', 'adrelid'],
    ['pg_rewrite', 'ev_class'],
    ['pg_policy', 'polrelid'],
    ['pg_inherits', 'inhparent'],
  ].map(([catalogue, column]) => sum(catalogue as string, `WHERE x.${column} NOT IN ${temporaryRelations}`)),
  sum('pg_type', `WHERE x.typnamespace NOT IN ${temporarySchemas}`),
]

/** Of types those that are no row type of a relation, and no array of one. */
const plainTypes = sum(
  'pg_type',
  `LEFT JOIN pg_catalog.pg_type e ON e.oid OPERATOR(pg_catalog.=) x.typelem
   WHERE x.typrelid OPERATOR(pg_catalog.=) 0::pg_catalog.oid AND COALESCE(e.typrelid, 0::pg_catalog.oid) OPERATOR(pg_catalog.=) 0::pg_catalog.oid`,
)

const whole = [
  ...`pg_proc pg_operator pg_cast pg_enum pg_aggregate pg_collation pg_ts_config pg_ts_config_map pg_ts_dict pg_extension
  pg_foreign_table pg_partitioned_table pg_range pg_opclass pg_auth_members pg_db_role_setting`
    .split(/\s+/)
    .map((catalogue) => sum(catalogue)),
  sum('pg_namespace', `WHERE x.oid NOT IN ${temporarySchemas}`),
  sum('pg_database', 'WHERE x.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()'),
  // pg_authid is for superusers; a new password, or how long it is valid, changes no answer.
  `(SELECT pg_catalog.concat(pg_catalog.count(*), '.', pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat_ws(' ', r.oid, r.rolname, r.rolsuper,
    r.rolinherit, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolcanlogin)))) FROM pg_catalog.pg_roles r)`,
]

const base = `(SELECT pg_catalog.age('3'::pg_catalog.xid) AS base) b`

/** One text: of those told by relation, then ` / `, then of those that are not. */
const fingerprint = `pg_catalog.concat(pg_catalog.concat_ws(' ', ${byRelation.join(', ')}), ' / ', pg_catalog.concat_ws(' ', ${whole.join(', ')}))`

export const fingerprintQuestion = `SELECT ${fingerprint} AS fingerprint FROM ${base}`

const hash = (...values: string[]) =>
  `pg_catalog.hashtextextended(pg_catalog.concat_ws('|', ${values.join(', ')}), 0::pg_catalog.int8)`

const summedBy = (catalogue: string, column: string, hashed: string) =>
  `(SELECT pg_catalog.sum(${hashed}) FROM pg_catalog.${catalogue} x WHERE x.${column} OPERATOR(pg_catalog.=) c.oid)`

/** Of a relation: what it is, and the file its rows lie in. */
const relationMarks = `pg_catalog.json_build_array(c.oid::pg_catalog.int8, c.relkind, pg_catalog.concat_ws('.', ${[
  hash(
    ...`relname relnamespace reltype reloftype relowner relkind relpersistence relnatts relhasrules relhassubclass relrowsecurity
    relforcerowsecurity relispopulated relispartition relacl reloptions relpartbound`
      .split(/\s+/)
      .map((column) => `c.${column}`),
  ),
  summedBy(
    'pg_attribute',
    'attrelid',
    hash(
      ...`attnum attname atttypid atttypmod attisdropped attgenerated attcollation attacl attnotnull atthasdef`
        .split(/\s+/)
        .map((column) => `x.${column}`),
    ),
  ),
  summedBy('pg_attrdef', 'adrelid', hash('x.oid', 'x.adnum', 'x.adbin')),
  summedBy('pg_rewrite', 'ev_class', hash('x.oid', 'x.ev_enabled', 'x.ev_qual', 'x.ev_action')),
  summedBy(
    'pg_policy',
    'polrelid',
    hash('x.oid', 'x.polname', 'x.polcmd', 'x.polpermissive', 'x.polroles', 'x.polqual'),
  ),
  summedBy('pg_inherits', 'inhparent', hash('x.inhrelid', 'x.inhseqno', 'x.xmin')),
].join(', ')}), c.relfilenode::pg_catalog.int8)`

/** The same fingerprint, and what it is made of, by relation. System relations do not change, but for what whole catalogues tell. */
export const relationsQuestion = `SELECT ${fingerprint} AS fingerprint, ${plainTypes} AS types,
 (SELECT pg_catalog.json_agg(${relationMarks}) FROM pg_catalog.pg_class c WHERE c.relpersistence OPERATOR(pg_catalog.<>) 't'
  AND c.relkind OPERATOR(pg_catalog.<>) ALL ('{i,I,t}')) AS relations FROM ${base}`

/**
 * True if one of the relations $1 has a name that means something else too (another relation or type of that name, one of $3), or if a
 * column of another relation is of the row type of one of $2, which has changed.
 */
export const collisionQuestion = `SELECT (EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[])
   AND (c.relname OPERATOR(pg_catalog.=) ANY ($3::pg_catalog.name[])
    OR EXISTS (SELECT FROM pg_catalog.pg_class o WHERE o.relname OPERATOR(pg_catalog.=) c.relname AND o.oid OPERATOR(pg_catalog.<>) c.oid
     AND o.relpersistence OPERATOR(pg_catalog.<>) 't')
    OR EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.typname OPERATOR(pg_catalog.=) c.relname AND t.typrelid OPERATOR(pg_catalog.<>) c.oid
     AND t.typnamespace NOT IN ${temporarySchemas})))
 OR EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) c.reltype
   JOIN pg_catalog.pg_attribute a ON a.atttypid OPERATOR(pg_catalog.=) t.oid OR a.atttypid OPERATOR(pg_catalog.=) t.typarray
   WHERE c.oid OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.oid[])))::pg_catalog.text AS collides`
