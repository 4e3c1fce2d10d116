// What readers ask, and what an answer says about the versions it shows.
//
// A shape's rows are numbers. `observe` names the version seen of each key, or says what is impossible about the answer
// as a whole: parts of one transaction that do not agree, rows that are missing.

import { type Floor, type Group, keyCount, keys } from './ledger.ts'
import { balance } from './schema.ts'

export type Rows = readonly (readonly number[])[]

export interface Observation {
  readonly key: number
  readonly version: number
}

export interface ReadShape {
  readonly name: string
  readonly group: Group
  /** With `$1` for the key if `keyed`. All columns are int8, so that binary answers can be read. */
  readonly sql: string
  readonly keyed: boolean
  observe(rows: Rows, key: number, floor: Floor): Observation[] | string
}

/** Rows of (key, version), exactly one per key asked for. */
function versions(name: string, group: Group, sql: string): ReadShape {
  const keyed = sql.includes('$1')
  return {
    name,
    group,
    sql,
    keyed,
    observe(rows, key) {
      const expected = keyed ? [key] : keys
      if (rows.length !== expected.length) return `${rows.length} rows instead of ${expected.length}`
      return rows.map(([at, version], index) => ({
        key: at ?? expected[index] ?? 0,
        version: Math.max(version as number, 0),
      }))
    },
  }
}

/** Rows of (key, version) of some keys, in their order. */
function chosen(name: string, group: Group, sql: string, keysOf: (key: number) => readonly number[]): ReadShape {
  const shape = versions(name, group, sql)
  return {
    ...shape,
    observe(rows, key) {
      const expected = keysOf(key)
      const isWhole = rows.length === expected.length && rows.every(([at], index) => at === expected[index])
      if (!isWhole) return `rows of ${rows.map(([at]) => at).join(', ')} instead of ${expected.join(', ')}`
      return rows.map(([at, version]) => ({ key: at as number, version: Math.max(version as number, 0) }))
    },
  }
}

const inOrder = (list: readonly number[]): number[] => [...new Set(list)].sort((left, right) => left - right)
const someKeys = (key: number): number[] => inOrder([key, 1, 2])
const keysFrom = (key: number): number[] => keys.filter((each) => each >= key && each <= 4)
const keysBeside = (key: number): number[] => keys.filter((each) => Math.abs(each - key) <= 1)

/** Rows of (key, version, version): the two are written in one transaction. */
function pair(name: string, group: Group, sql: string): ReadShape {
  const shape = versions(name, group, sql)
  return {
    ...shape,
    observe(rows, key, floor) {
      const torn = rows.find(([, left, right]) => left !== right)
      return torn === undefined ? shape.observe(rows, key, floor) : `torn: ${torn.join(', ')}`
    },
  }
}

/** One row of (sum of versions, number of rows, …): at least what the floors add up to. */
function sum(
  name: string,
  group: Group,
  sql: string,
  check: (row: readonly number[]) => string | undefined,
): ReadShape {
  return {
    name,
    group,
    sql,
    keyed: false,
    observe([row = []], _key, floor) {
      const least = floor.reduce((total, version) => total + version, 0)
      if ((row[0] as number) < least) return `sum ${row[0]} is under ${least}, the sum of what was acknowledged`
      return check(row) ?? []
    },
  }
}

const allRows = (row: readonly number[]): string | undefined =>
  row[1] === keyCount ? undefined : `${row[1]} rows instead of ${keyCount}`

export const readShapes: readonly ReadShape[] = [
  versions('point', 'kv', 'select k::int8, v from kv where k = $1'),
  versions('written by trigger', 'kv', 'select k::int8, v from kv2 where k = $1'),
  versions('all', 'kv', 'select k::int8, v from kv order by k'),
  versions('view', 'kv', 'select k::int8, v from kv_view where k = $1'),
  pair('join with trigger', 'kv', 'select a.k::int8, a.v, b.v from kv a join kv2 b using (k) where a.k = $1'),
  pair('subselects', 'kv', 'select $1::int8, (select v from kv where k = $1), (select v from kv2 where k = $1)'),
  sum('sum', 'kv', 'select sum(v)::int8, count(*), sum(bal)::int8 from kv', (row) =>
    row[2] === balance ? allRows(row) : `balances add up to ${row[2]} instead of ${balance}`,
  ),
  chosen('list', 'kv', 'select k::int8, v from kv where k in ($1, 1, 2) order by k', someKeys),
  chosen('range', 'kv', 'select k::int8, v from kv2 where k between $1 and 4 order by k', keysFrom),
  chosen('array', 'kv', 'select k::int8, v from kv2 where k = any (array[$1, 1, 2]) order by k', someKeys),
  pair('join of a list', 'kv', 'select a.k::int8, a.v, b.v from kv a join kv2 b on a.k = b.k where a.k in ($1)'),
  chosen(
    'join of a range',
    'kv',
    'select a.k::int8, b.v from kv a join kv2 b on b.k = a.k where a.k >= $1 and a.k <= 4 order by a.k',
    keysFrom,
  ),
  versions('written in function', 'function', 'select k::int8, v from kv3 where k = $1'),
  versions('read in function', 'function', 'select k::int8, read3(k) from kv3 where k = $1'),
  chosen('list in function', 'function', 'select k::int8, v from kv3 where k in (2, $1, 1) order by k', someKeys),
  chosen('range in function', 'function', 'select k::int8, v from kv3 where k >= $1 and k < 5 order by k', keysFrom),
  sum('sum in function', 'function', 'select sum(v)::int8, count(*) from kv3', allRows),
  versions('cascade', 'cascade', 'select id::int8, ver from kv4_child where id = $1'),
  chosen(
    'list of cascades',
    'cascade',
    'select id::int8, ver from kv4_child where id in ($1, 1, 2) order by id',
    someKeys,
  ),
  versions('all cascades', 'cascade', 'select id::int8, ver from kv4_child order by id'),
  pair(
    'join with cascade',
    'cascade',
    'select p.id::int8, p.ver, c.ver from kv4 p left join kv4_child c using (id) where p.id = $1',
  ),
  versions('partitioned point', 'partition', 'select k::int8, v from kv5 where k = $1'),
  versions('all partitions', 'partition', 'select k::int8, v from kv5 order by k'),
  sum('sum of partitions', 'partition', 'select sum(v)::int8, count(*) from kv5', allRows),
  partitionsApart(),
  versions('plain view', 'view', 'select k::int8, v from kv6_plain where k = $1'),
  versions('ruled view', 'view', 'select k::int8, v from kv6_rule where k = $1'),
  versions('under the views', 'view', 'select k::int8, v from kv6 order by k'),
  versions('written at commit', 'deferred', 'select k::int8, v from kv7_late where k = $1'),
  versions('all written at commit', 'deferred', 'select k::int8, v from kv7_late order by k'),
  pair(
    'join with commit',
    'deferred',
    'select a.k::int8, a.v, b.v from kv7 a join kv7_late b using (k) where a.k = $1',
  ),
  versions('refilled', 'truncate', 'select k::int8, v from kv8 order by k'),
  versions('refilled point', 'truncate', 'select k::int8, v from kv8 where k = $1'),
  versions('copied', 'copy', 'select k::int8, max(v) from kv9 group by k order by k'),
  versions('copied point', 'copy', 'select $1::int8, max(v) from kv9 where k = $1'),
  versions('by procedure', 'procedure', 'select k::int8, v from kv10 where k = $1'),
  chosen(
    'range by procedure',
    'procedure',
    'select k::int8, v from kv10 where k between $1 - 1 and $1 + 1 order by k',
    keysBeside,
  ),
  versions('all by procedure', 'procedure', 'select k::int8, v from kv10 order by k'),
  pair('two statements', 'several', 'select a.k::int8, a.v, b.v from kv11 a join kv12 b using (k) where a.k = $1'),
  versions('second statement', 'several', 'select k::int8, v from kv12 where k = $1'),
  versions('hidden writes', 'execute', 'select k::int8, v from kv13 where k = $1'),
  chosen(
    'range of hidden writes',
    'execute',
    'select k::int8, v from kv13 where 5 > k and k >= $1 order by k',
    keysFrom,
  ),
  versions('all hidden writes', 'execute', 'with x as (select k, v from kv13) select k::int8, v from x order by k'),
  versions('replaced view', 'ddl view', 'select k::int8, v from kvd_view where k = $1'),
  versions('replaced function', 'ddl function', 'select k::int8, kvd_function(k) from kvd where k = $1'),
  versions('replaced table', 'ddl table', 'select $1::int8, v from kvd_table'),
  versions('materialized view', 'matview', 'select k::int8, v from kvm where k = $1'),
  versions(
    'sequence',
    'sequence',
    'select 1::int8, last_value - case when is_called then 0 else 1 end, $1::int8 from kvs',
  ),
]

/** The two partitions in one statement: together they hold each key once. */
function partitionsApart(): ReadShape {
  const sql = 'select k::int8, v from kv5_even union all select k::int8, v from kv5_odd order by 1'
  return versions('partitions apart', 'partition', sql)
}

/** What a tenant may see of kvr; the session's app.tenant decides. */
export const tenantShape: ReadShape & { readonly tenantColumn: 2 } = {
  ...versions('policy', 'tenant', 'select k::int8, v, tenant::int8 from kvr order by k'),
  tenantColumn: 2,
}
