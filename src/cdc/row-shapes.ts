// What a stream's rows can be read with: which columns of a relation are of interest, by what name, and which of them its old rows are told by.
//
// Of an UPDATE the origin tells the old row only if its replica identity changed: without one, the columns of the identity are what they are in
// the new row. That is worth something only if it is known what the identity was when the row was written. So a relation has a mark, of
// the rows of the catalogue that say so (pg_class.relreplident, its columns, the index): as with names (relation-names.ts), the mark must be
// the same when a commit is visible, and what was committed before it was read is a change of the relation as a whole.

import type { Relation } from '../invalidation/index.ts'
import type { SideClient } from '../origin/index.ts'
import { type Family, familyOfType } from '../sql/index.ts'
import { type Lsn, readLsn } from './lsn.ts'

export interface RowShape {
  /** Of the columns of RowFootprints, in their order: undefined where there is no such column any more. */
  readonly columns: readonly (ShapeColumn | undefined)[]
  readonly mark: string
  /** What was committed before it may have been told of with another. */
  readonly validFrom: Lsn
}

interface ShapeColumn {
  readonly name: string
  readonly family: Family | undefined
  /** What it is in the new row it was in the old one, where no old row is told. */
  readonly isIdentity: boolean
}

/** The index a relation's old rows are told by; a primary key that is checked later is none. `c` is its row of pg_class. */
const identityIndex = `i.indrelid OPERATOR(pg_catalog.=) c.oid AND i.indisvalid AND i.indisready AND i.indislive AND i.indimmediate
  AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
  AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END`

/** Changes whenever a row's identity, a column's name or its type does. */
export const rowMark = `pg_catalog.concat(c.relreplident, '/', (SELECT pg_catalog.string_agg(pg_catalog.concat(a.attnum, '.', a.xmin), ',' ORDER BY a.attnum)
   FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0), '/',
  (SELECT pg_catalog.string_agg(pg_catalog.concat(i.indexrelid, '.', i.xmin), ',' ORDER BY i.indexrelid) FROM pg_catalog.pg_index i
   WHERE i.indrelid OPERATOR(pg_catalog.=) c.oid AND (i.indisprimary OR i.indisreplident)))`

const shapesQuestion = `SELECT c.oid::text AS oid, ${rowMark} AS mark, pg_catalog.pg_current_wal_insert_lsn()::text AS lsn,
  (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(pg_catalog.concat(a.attnum, ':', a.atttypid::pg_catalog.int8), a.attname, EXISTS (
     SELECT 1 FROM pg_catalog.pg_index i, pg_catalog.generate_series(0, i.indnkeyatts OPERATOR(pg_catalog.-) 1) k
     WHERE ${identityIndex} AND i.indkey[k] OPERATOR(pg_catalog.=) a.attnum)))
   FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0
    AND NOT a.attisdropped AND a.attgenerated OPERATOR(pg_catalog.=) ''::pg_catalog."char") AS columns
 FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[])
  AND c.relkind OPERATOR(pg_catalog.=) 'r' AND c.relpersistence OPERATOR(pg_catalog.=) 'p'`

/** At once. */
const relationsMax = 1000

export class RowShapes {
  readonly #client: SideClient
  readonly #onFailure: (reason: Error) => void
  readonly #shapes = new Map<number, RowShape>()
  readonly #wanted = new Set<Relation>()
  #isReading = false
  #isClosed = false

  constructor(client: SideClient, onFailure: (reason: Error) => void) {
    this.#client = client
    this.#onFailure = onFailure
  }

  close(): void {
    this.#isClosed = true
  }

  /** Undefined if it is not known, or lacks columns that have become of interest. */
  find(relation: Relation): RowShape | undefined {
    const shape = this.#shapes.get(relation.oid)
    return shape !== undefined && shape.columns.length >= (relation.rows?.columns.length ?? 0) ? shape : undefined
  }

  /** Reads it soon, unless it is known. */
  want(relation: Relation): void {
    if (this.find(relation) !== undefined) return
    this.#wanted.add(relation)
    if (this.#isReading) return
    this.#isReading = true
    this.#readAll()
      .catch(this.#onFailure)
      .finally(() => {
        this.#isReading = false
      })
  }

  async #readAll(): Promise<void> {
    while (this.#wanted.size > 0 && !this.#isClosed) {
      const relations = [...this.#wanted].slice(0, relationsMax)
      for (const relation of relations) this.#wanted.delete(relation)
      await this.#read(relations)
    }
  }

  async #read(relations: readonly Relation[]): Promise<void> {
    const wanted = relations.map((relation) => ({ relation, columns: [...(relation.rows?.columns ?? [])] }))
    const rows = await this.#client.query(shapesQuestion, [`{${wanted.map(({ relation }) => relation.oid).join()}}`])
    for (const { relation, columns } of wanted) {
      const row = rows.find(({ oid }) => Number(oid) === relation.oid)
      this.#shapes.delete(relation.oid)
      if (row === undefined) continue
      const known = new Map<string, ShapeColumn>()
      for (const [key, name, isIdentity] of JSON.parse(row.columns ?? '[]') as [string, string, boolean][])
        known.set(key, { name, family: familyOfType(Number(key.split(':')[1])), isIdentity })
      this.#shapes.set(relation.oid, {
        columns: columns.map((key) => known.get(key)),
        mark: row.mark ?? '',
        validFrom: readLsn(row.lsn),
      })
    }
  }

  forget(): void {
    this.#shapes.clear()
  }
}
