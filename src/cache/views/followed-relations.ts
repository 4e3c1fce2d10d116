// What the catalogue says of the relations that a followed query reads: their columns, how their rows are told apart, and the mark by which it
// is seen that something of it has changed.
//
// The stream names relations, and prints their rows by what the catalogue said when they were written. So what was read of a relation holds
// for all that the stream tells as long as the rows of the catalogue that say it are the same ones: a name that went to another relation
// and came back has left another xmin. TRUNCATE leaves one too: then the relation is read anew.

import { rowMark } from '../../cdc/index.ts'
import { NotMaintainable, type RelationFacts, typeOf } from '../../deltas/index.ts'
import type { SideClient } from '../../origin/index.ts'
import type { Statement } from '../../sql/index.ts'

export interface FollowedRelation {
  readonly schema: string
  readonly name: string
  readonly facts: RelationFacts
  readonly mark: string
}

/** As the stream names it. */
export function streamKey({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return `${schema}\0${name}`
}

const mark = `pg_catalog.concat(c.xmin, '.', n.oid, '.', n.xmin, '.', n.nspname, '.', c.relname, '.', ${rowMark})`

/** `$1`: OIDs. */
const marksQuestion = `SELECT pg_catalog.pg_current_snapshot()::text AS snapshot, (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(c.oid::pg_catalog.int8, ${mark}))
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  WHERE c.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[])) AS marks`

/** What PostgreSQL compares itself (provider `b`) it compares by code points, as the bytes of UTF-8 are ordered. */
const factsQuestion = `SELECT c.oid::text AS oid, n.nspname AS schema, c.relname AS name, ${mark} AS mark, c.relreplident AS identity,
   CASE WHEN c.relkind OPERATOR(pg_catalog.<>) 'r' OR c.relpersistence OPERATOR(pg_catalog.<>) 'p' OR c.oid OPERATOR(pg_catalog.<) 16384 THEN 'it is no permanent table'
        WHEN c.relrowsecurity THEN 'it has row security' WHEN c.relhassubclass THEN 'others inherit from it'
        WHEN EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attgenerated OPERATOR(pg_catalog.<>) '') THEN 'it has a generated column' END AS refusal,
   (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, a.atttypid::pg_catalog.int8, a.atttypmod, COALESCE(l.collisdeterministic, true),
      COALESCE(l.collname OPERATOR(pg_catalog.=) ANY ('{C,POSIX}'::pg_catalog.name[]) OR (l.collname OPERATOR(pg_catalog.=) 'default' AND CASE COALESCE(pg_catalog.to_jsonb(d) OPERATOR(pg_catalog.->>) 'datlocprovider', 'c')
        WHEN 'c' THEN d.datcollate OPERATOR(pg_catalog.=) ANY ('{C,POSIX}') WHEN 'b' THEN pg_catalog.getdatabaseencoding() OPERATOR(pg_catalog.=) 'UTF8' ELSE false END), false),
      EXISTS (SELECT FROM pg_catalog.pg_index i, pg_catalog.generate_series(0, i.indnkeyatts OPERATOR(pg_catalog.-) 1) k
        WHERE i.indrelid OPERATOR(pg_catalog.=) c.oid AND i.indisvalid AND i.indisready AND i.indislive AND i.indimmediate AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
         AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END AND i.indkey[k] OPERATOR(pg_catalog.=) a.attnum)) ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_collation l ON l.oid OPERATOR(pg_catalog.=) a.attcollation
     JOIN pg_catalog.pg_database d ON d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
    WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped) AS columns
 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
 WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1)`

/** What users have made of names that the query uses, where the path leads past it. */
const othersQuestion = `SELECT pg_catalog.getdatabaseencoding() AS encoding, pg_catalog.min(w.what) AS what FROM (
  SELECT pg_catalog.concat('function ', p.proname) AS what FROM pg_catalog.pg_proc p
   WHERE p.oid OPERATOR(pg_catalog.>=) 16384 AND p.proname OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.name[])
  UNION ALL SELECT pg_catalog.concat('operator ', o.oprname) FROM pg_catalog.pg_operator o
   WHERE o.oid OPERATOR(pg_catalog.>=) 16384 AND o.oprname OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.name[])
  UNION ALL SELECT pg_catalog.concat('type ', t.typname) FROM pg_catalog.pg_type t
   WHERE t.oid OPERATOR(pg_catalog.>=) 16384 AND t.typname OPERATOR(pg_catalog.=) ANY ('{bool,int2,int4,int8,numeric,text,varchar,bpchar,date,timestamp,timestamptz,interval,uuid}'::pg_catalog.name[])
  UNION ALL SELECT 'cast' FROM pg_catalog.pg_cast c WHERE c.oid OPERATOR(pg_catalog.>=) 16384
   AND c.castsource OPERATOR(pg_catalog.<) 16384 AND c.casttarget OPERATOR(pg_catalog.<) 16384) w`

type ColumnRow = readonly [string, number, number, boolean, boolean, boolean]

/** Of the relations that the statement names, by `schema.name` as written; the transaction's search_path says what is meant. */
export async function readRelations(
  side: SideClient,
  { names }: Statement,
): Promise<ReadonlyMap<string, FollowedRelation>> {
  const found = new Map<string, FollowedRelation>()
  for (const { schema, name } of names.relations) {
    const key = wordKey({ schema, name })
    if (!found.has(key)) found.set(key, await readRelation(side, schema === undefined ? [name] : [schema, name]))
  }
  return found
}

export function wordKey({ schema, name }: { readonly schema: string | undefined; readonly name: string }): string {
  return `${schema ?? ''}\0${name}`
}

async function readRelation(side: SideClient, words: readonly string[]): Promise<FollowedRelation> {
  const shown = words.join('.')
  const [row] = await side.query(factsQuestion, [words.map((word) => `"${word.replaceAll('"', '""')}"`).join('.')])
  if (row === undefined) throw new NotMaintainable('relation', `there is no relation "${shown}"`)
  if (row.refusal !== null) refuse(shown, row.refusal ?? '')
  const columns = JSON.parse(row.columns ?? '[]') as ColumnRow[]
  const key = columns.flatMap(([name, , , , , isKey]) => (isKey ? [name] : []))
  if (row.identity !== 'f' && key.length === 0) refuse(shown, 'it has no primary key and no replica identity')
  return {
    schema: row.schema ?? '',
    name: row.name ?? '',
    mark: row.mark ?? '',
    facts: {
      oid: Number(row.oid),
      name: shown,
      columns: columns.map(([name, oid, modifier, isDeterministic, isBytewise]) => ({
        name,
        type: typeOf(oid, modifier, { isDeterministic, isBytewise }),
      })),
      key: row.identity === 'f' ? [] : key,
    },
  }
}

function refuse(relation: string, why: string): never {
  throw new NotMaintainable('relation', `changes of "${relation}" are not followed: ${why}`)
}

/** Throws if a name in the statement might not be PostgreSQL's own, or text might not be what it reads as. */
export async function mustBeBuiltin(side: SideClient, { names }: Statement): Promise<void> {
  const words = (list: readonly { readonly name: string }[]) =>
    `{${[...new Set(list.map(({ name }) => `"${name.replace(/(["\\])/g, '\\$1')}"`))].join()}}`
  const [type] = names.userTypes
  if (type !== undefined) throw new NotMaintainable('type', `the type ${type.name} is not followed`)
  const [row] = await side.query(othersQuestion, [words(names.functions), words(names.operators)])
  // The stream has the bytes of the database.
  if (row?.encoding !== 'UTF8')
    throw new NotMaintainable('type', `text in the encoding ${row?.encoding} is not followed`)
  if (typeof row.what === 'string')
    throw new NotMaintainable('shape', `a ${row.what} was made beside those of PostgreSQL`)
}

/** Types of PostgreSQL whose values read the same as they are told, whatever the catalogue says, beside those that are computed with. */
const printedAlike: ReadonlySet<number> = new Set([700, 701, 114, 3802, 17, 1186, 1083])

/** Throws if values of a column may be printed in another way later: names of relations, labels of an enum. */
export function mustPrintAlike(
  columns: readonly { readonly name: string; readonly type: RelationFacts['columns'][number]['type'] }[],
): void {
  for (const { name, type } of columns)
    if (type.kind === 'other' && !printedAlike.has(type.oid) && type.oid !== 1042)
      throw new NotMaintainable('type', `the type of column "${name}" is not followed`)
}

interface Marks {
  /** `pg_current_snapshot()`. */
  readonly snapshot: string | null
  readonly byOid: ReadonlyMap<number, string>
}

/** As the origin shows them now. */
export async function readMarks(side: SideClient, oids: Iterable<number>): Promise<Marks> {
  const [row] = await side.query(marksQuestion, [`{${[...oids].join()}}`])
  return { snapshot: row?.snapshot ?? null, byOid: new Map(JSON.parse(row?.marks ?? '[]') as [number, string][]) }
}
