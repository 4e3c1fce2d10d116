// Which relation a name in the stream stands for: test_decoding names relations, and answers depend on their OIDs.
//
// A line was printed with the names of when it was written. So what was known of a name is proven for every commit, as soon as the commit
// is visible: the rows of the catalogue that give the relation its name (of pg_class and pg_namespace) must be the very same as when names
// were read, by their xmin. Then name and OID belonged to each other all the time from then until now, and the commit lies between.
//
//   names read      position `validFrom`: what was committed before it may have been printed with older names; it stands for everything
//   commit heard    of a name that is not known: stands for everything, and names are read anew
//   commit visible  a row of the catalogue is another: it may have been another relation, so everything has moved
//
// TRUNCATE makes a new row in pg_class, with its own id as xmin: that alone is no other name.

import type { SideClient } from '../origin/index.ts'
import type { RelationName } from './change.ts'
import { type Lsn, readLsn } from './lsn.ts'

/** What a name stood for when it was read. */
export interface Named {
  readonly oid: number
  readonly key: string
  /** Identities of the rows that name it. */
  relationMark: string
  readonly schemaMark: string
}

const listed = `SELECT c.oid::text AS oid, n.nspname AS schema, c.relname AS name, c.xmin::text AS relation_mark,
   pg_catalog.concat(n.oid, '.', n.xmin) AS schema_mark, NULL AS lsn FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,m}') AND c.relpersistence OPERATOR(pg_catalog.=) 'p'
 UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, pg_catalog.pg_current_wal_insert_lsn()::text`

/** What is visible now, and of the relations asked for ($1, with the marks $2) those whose rows are others. */
const proofQuestion = `SELECT pg_catalog.pg_current_snapshot()::text AS snapshot, (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
   k.number, n.nspname, c.relname, c.xmin::text, pg_catalog.concat(n.oid, '.', n.xmin)))
  FROM ROWS FROM (pg_catalog.unnest($1::oid[]), pg_catalog.unnest($2::text[])) WITH ORDINALITY k (oid, mark, number)
  LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) k.oid
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  WHERE k.mark OPERATOR(pg_catalog.<>) pg_catalog.concat(c.xmin, '.', n.oid, '.', n.xmin)) AS others`

export class RelationNames {
  /** More than one of a name only where names are no text in the origin's encoding, and look the same. */
  #byKey: ReadonlyMap<string, readonly Named[]> = new Map()
  /** What was committed before it may have been printed with other names. */
  validFrom: Lsn = 0n

  async read(client: SideClient): Promise<void> {
    // One statement: whatever its snapshot does not show yet has a position behind the one it tells, or is counted as before.
    const rows = await client.query(listed)
    const byKey = new Map<string, Named[]>()
    for (const { oid, schema, name, relation_mark: relationMark, schema_mark: schemaMark, lsn } of rows) {
      if (lsn !== null) this.validFrom = readLsn(lsn)
      if (oid === null) continue
      const key = keyOf({ schema: schema ?? '', name: name ?? '' })
      const named = { oid: Number(oid), key, relationMark: relationMark ?? '', schemaMark: schemaMark ?? '' }
      const same = byKey.get(key)
      if (same === undefined) byKey.set(key, [named])
      else same.push(named)
    }
    this.#byKey = byKey
  }

  /** Nothing is known any more: all names stand for everything. */
  forget(): void {
    this.#byKey = new Map()
  }

  /** Undefined if nothing is known of the name. */
  find(name: RelationName): readonly Named[] | undefined {
    return this.#byKey.get(keyOf(name))
  }
}

interface Proof {
  /** `pg_current_snapshot()`. */
  readonly snapshot: string | null
  /** All of them are still what they were. */
  readonly holds: boolean
}

/** What the origin shows now, and whether these names stood for the same all the time since they were read. */
export async function proveNames(
  client: SideClient,
  names: Iterable<Named>,
  isTruncatedBy: (oid: number, xid: number) => boolean,
): Promise<Proof> {
  const asked = [...names]
  const oids = `{${asked.map(({ oid }) => oid).join()}}`
  const marks = `{${asked.map(({ relationMark, schemaMark }) => `${relationMark}.${schemaMark}`).join()}}`
  const [row] = await client.query(proofQuestion, [oids, marks])
  const others = JSON.parse(row?.others ?? '[]') as (string | number | null)[][]
  const holds = others.every(([number, schema, name, relationMark, schemaMark]) => {
    const named = asked[Number(number) - 1] as Named
    const key = keyOf({ schema: String(schema), name: String(name) })
    if (named.key !== key || named.schemaMark !== schemaMark) return false
    if (!isTruncatedBy(named.oid, Number(relationMark))) return false
    named.relationMark = String(relationMark)
    return true
  })
  return { snapshot: row?.snapshot ?? null, holds }
}

function keyOf({ schema, name }: RelationName): string {
  return `${schema}\0${name}`
}
