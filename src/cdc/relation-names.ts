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
import { rowMark } from './row-shapes.ts'

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

/** What is visible now, and of the relations asked for ($1, with the marks $2 and, where rows were told, $3) those whose rows are others. */
const proofQuestion = `SELECT pg_catalog.pg_current_snapshot()::text AS snapshot, (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
   k.number, n.nspname, c.relname, c.xmin::text, pg_catalog.concat(n.oid, '.', n.xmin), m.differs))
  FROM ROWS FROM (pg_catalog.unnest($1::oid[]), pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) WITH ORDINALITY k (oid, mark, rows, number)
  LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) k.oid
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  CROSS JOIN LATERAL (SELECT CASE WHEN k.rows OPERATOR(pg_catalog.<>) '' THEN k.rows OPERATOR(pg_catalog.<>) ${rowMark} ELSE false END) m (differs)
  WHERE m.differs OR k.mark OPERATOR(pg_catalog.<>) pg_catalog.concat(c.xmin, '.', n.oid, '.', n.xmin)) AS others`

export class RelationNames {
  /** More than one of a name only where names are no text in the origin's encoding, and look the same. */
  #byKey: ReadonlyMap<string, readonly Named[]> = new Map()
  #byOid: ReadonlyMap<number, Named> = new Map()
  /** What was committed before it may have been printed with other names. */
  validFrom: Lsn = 0n

  async read(client: SideClient): Promise<void> {
    // One statement: whatever its snapshot does not show yet has a position behind the one it tells, or is counted as before.
    const rows = await client.query(listed)
    const byKey = new Map<string, Named[]>()
    const byOid = new Map<number, Named>()
    for (const { oid, schema, name, relation_mark: relationMark, schema_mark: schemaMark, lsn } of rows) {
      if (lsn !== null) this.validFrom = readLsn(lsn)
      if (oid === null) continue
      const key = keyOf({ schema: schema ?? '', name: name ?? '' })
      const named = { oid: Number(oid), key, relationMark: relationMark ?? '', schemaMark: schemaMark ?? '' }
      byOid.set(named.oid, named)
      const same = byKey.get(key)
      if (same === undefined) byKey.set(key, [named])
      else same.push(named)
    }
    this.#byKey = byKey
    this.#byOid = byOid
  }

  /** Nothing is known any more: all names stand for everything. */
  forget(): void {
    this.#byKey = new Map()
    this.#byOid = new Map()
  }

  /** Undefined if nothing is known of the name. */
  find(name: RelationName): readonly Named[] | undefined {
    return this.#byKey.get(keyOf(name))
  }

  named(oid: number): Named | undefined {
    return this.#byOid.get(oid)
  }
}

interface Proof {
  /** `pg_current_snapshot()`. */
  readonly snapshot: string | null
  /** Those that are no longer what they were. */
  readonly others: readonly Claim[]
}

/** What was concluded from a line: whose it was and, if rows were read, what they were read with. */
export interface Claim {
  readonly named: Named
  readonly rowMark: string | undefined
}

/** What the origin shows now, and whether these names stood for the same all the time since they were read. */
export async function proveNames(
  client: SideClient,
  claims: readonly Claim[],
  isTruncatedBy: (oid: number, xid: number) => boolean,
): Promise<Proof> {
  const oids = `{${claims.map(({ named }) => named.oid).join()}}`
  const marks = `{${claims.map(({ named }) => `${named.relationMark}.${named.schemaMark}`).join()}}`
  const rowMarks = `{${claims.map((claim) => `"${claim.rowMark ?? ''}"`).join()}}`
  const [row] = await client.query(proofQuestion, [oids, marks, rowMarks])
  const differing = JSON.parse(row?.others ?? '[]') as (string | number | boolean | null)[][]
  const others: Claim[] = []
  for (const [number, schema, name, relationMark, schemaMark, isRowOther] of differing) {
    const claim = claims[Number(number) - 1] as Claim
    const { named } = claim
    const isSameName =
      named.key === keyOf({ schema: String(schema), name: String(name) }) && named.schemaMark === schemaMark
    const isSame = named.relationMark === relationMark || isTruncatedBy(named.oid, Number(relationMark))
    if (!isSameName || !isSame || isRowOther === true) others.push(claim)
    else named.relationMark = String(relationMark)
  }
  return { snapshot: row?.snapshot ?? null, others }
}

function keyOf({ schema, name }: RelationName): string {
  return `${schema}\0${name}`
}
