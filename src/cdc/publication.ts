// Which relations a publication tells of in full: what a feed by pgoutput is not told of counts as in no stream.
//
// A relation is told of if all its changes are: published by itself (a partition not by its root), with inserts, updates, deletes and truncations, without
// row filter and column list. The mark changes when that does, and when what left the publication came back: what was written meanwhile was
// not told. It is asked for with every fence, so that nobody waits for what is not told any more.

import type { SideClient } from '../origin/index.ts'
import { FeedRefused } from './refusals.ts'

export interface Told {
  readonly mark: string
  /** Undefined: all tables. */
  readonly oids: ReadonlySet<number> | undefined
}

/** An expression: what changes when a table leaves its root, or a schema that is published, even if it comes back. */
const placesOfTables = `(SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat(i.inhrelid, '.', i.inhparent, '.', i.xmin), ','
  ORDER BY i.inhrelid, i.inhparent)) FROM pg_catalog.pg_inherits i), '.',
 (SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat(t.objid, '.', t.xmin), ',' ORDER BY t.objid)) FROM pg_catalog.pg_depend d
  JOIN pg_catalog.pg_depend n ON n.classid OPERATOR(pg_catalog.=) d.classid AND n.objid OPERATOR(pg_catalog.=) d.objid
   AND n.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
  JOIN pg_catalog.pg_depend t ON t.refclassid OPERATOR(pg_catalog.=) n.refclassid AND t.refobjid OPERATOR(pg_catalog.=) n.refobjid
   AND t.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
  WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_publication'::pg_catalog.regclass AND d.refobjid OPERATOR(pg_catalog.=) p.oid)`

/** An expression; $1 is the publication. NULL if there is none. `*` for all tables. */
export const toldMark = `(SELECT pg_catalog.concat(p.oid, '.', p.xmin, '.', (SELECT pg_catalog.md5(pg_catalog.string_agg(
   pg_catalog.concat(d.classid, '.', d.objid, '.', d.xmin), ',' ORDER BY d.classid, d.objid)) FROM pg_catalog.pg_depend d
  WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_publication'::pg_catalog.regclass AND d.refobjid OPERATOR(pg_catalog.=) p.oid),
 CASE WHEN p.puballtables AND NOT p.pubviaroot THEN '' ELSE pg_catalog.concat('.', ${placesOfTables}) END, '/', CASE
  WHEN NOT (p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate) THEN ''
  WHEN p.puballtables AND NOT p.pubviaroot THEN '*'
  ELSE (SELECT pg_catalog.string_agg(c.oid::pg_catalog.text, ',' ORDER BY c.oid) FROM pg_catalog.pg_publication_tables t
   JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) t.schemaname
   JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid AND c.relname OPERATOR(pg_catalog.=) t.tablename,
   pg_catalog.to_jsonb(t) j
   WHERE t.pubname OPERATOR(pg_catalog.=) p.pubname AND (j OPERATOR(pg_catalog.->>) 'rowfilter') IS NULL
    AND ((j OPERATOR(pg_catalog.->>) 'attnames') IS NULL OR pg_catalog.jsonb_array_length(j OPERATOR(pg_catalog.->) 'attnames') OPERATOR(pg_catalog.>=)
     (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0
      AND NOT a.attisdropped AND a.attgenerated OPERATOR(pg_catalog.=) ''::pg_catalog."char"))) END)
 FROM pg_catalog.pg_publication p WHERE p.pubname OPERATOR(pg_catalog.=) $1)`

/** Throws a FeedRefused if there is no such publication. */
export async function readTold(side: SideClient, publication: string): Promise<Told> {
  const [row] = await side.query(`SELECT ${toldMark} AS mark`, [publication])
  const mark = row?.mark ?? undefined
  if (mark === undefined) {
    const remedy = `CREATE PUBLICATION there for the tables that are read, or leave feed_publication empty`
    throw new FeedRefused(`publication "${publication}" does not exist in this database; ${remedy}`)
  }
  const list = mark.slice(mark.indexOf('/') + 1)
  if (list === '*') return { mark, oids: undefined }
  return { mark, oids: new Set(list === '' ? [] : list.split(',').map(Number)) }
}
