// The rows a query begins with: those of the snapshot that a new slot exports, which has just what was committed before its consistent point.
//
// No other snapshot would do: a transaction may be committed in the log and not be visible yet, for as long as a synchronous standby takes.

import { type Lsn, readLsn, slotName, valueSettings } from '../../cdc/index.ts'
import { EvaluationError, MaintainedQuery, NotMaintainable } from '../../deltas/index.ts'
import { type OriginTarget, SideClient, type SideColumn } from '../../origin/index.ts'
import type { Parser, Statement } from '../../sql/index.ts'
import { bytesOfRow, type FollowedWish, tooLarge } from './followed-query.ts'
import { type FollowedRelation, mustBeBuiltin, mustPrintAlike, readRelations, wordKey } from './followed-relations.ts'

interface SeedParts {
  readonly target: OriginTarget
  readonly parser: Parser
  readonly wish: FollowedWish
  readonly statement: Statement
  readonly signal: AbortSignal
  readonly bytesMax: number
  /** Throws if this is not the server that the stream comes from. */
  readonly check: (side: SideClient) => Promise<void>
  /** Called when it is known what is read, before the snapshot is taken. */
  readonly watch: (relations: readonly FollowedRelation[]) => void
}

interface Seed {
  readonly query: MaintainedQuery
  readonly relations: readonly FollowedRelation[]
  readonly from: Lsn
  readonly bytes: number
  readonly description: readonly SideColumn[]
}

/** Rows at a time. */
const fetchCount = 5000

/** Throws NotMaintainable for what cannot be followed, anything else for what did not work this time. */
export async function seed(parts: SeedParts): Promise<Seed> {
  const { target, signal } = parts
  const about = { applicationName: 'larder views', signal, settings: { ...valueSettings, statement_timeout: '0' } }
  const side = await SideClient.open(target, about)
  const abort = () => side.abandon()
  signal.addEventListener('abort', abort, { once: true })
  try {
    await parts.check(side)
    return await seedOn(side, parts)
  } finally {
    signal.removeEventListener('abort', abort)
    await side.leave()
  }
}

async function seedOn(side: SideClient, parts: SeedParts): Promise<Seed> {
  const { wish, statement, parser } = parts
  await side.query('BEGIN')
  await setPath(side, wish)
  await mustBeBuiltin(side, statement)
  const before = await readRelations(side, statement)
  const { tree } = parser.parse(wish.text)
  // Refused before anybody waits for a slot.
  compile(tree?.stmts[0]?.stmt, before)
  parts.watch([...before.values()])
  await side.query('COMMIT')
  const from = await begin(side, parts)
  await setPath(side, wish)
  const relations = await readRelations(side, statement)
  for (const [key, { mark }] of relations)
    if (before.get(key)?.mark !== mark) throw new Error('a relation was changed while it was read')
  const query = compile(tree?.stmts[0]?.stmt, relations)
  const bytes = await fill(side, query, relations, parts.bytesMax)
  await compare(side, query, wish.text)
  const description = await side.describe(`SELECT * FROM (${wish.text}\n) AS q LIMIT 0`)
  await side.query('COMMIT')
  return { query, relations: [...relations.values()], from, bytes, description }
}

/** What its names mean, a "$user" in its search_path too, is a matter of its owner. */
async function setPath(side: SideClient, { searchPath, owner }: FollowedWish): Promise<void> {
  if (owner !== undefined) await side.query(`SET LOCAL ROLE ${quoted(owner)}`)
  await side.query("SELECT pg_catalog.set_config('search_path', $1, true)", [searchPath])
}

function compile(statement: unknown, relations: ReadonlyMap<string, FollowedRelation>): MaintainedQuery {
  const query = new MaintainedQuery(statement, (word) => relations.get(wordKey(word))?.facts)
  for (const { columns } of query.sources.values()) mustPrintAlike(columns)
  return query
}

/** A transaction that has the snapshot; where it stands in the log. */
async function begin(side: SideClient, { target, signal, check }: SeedParts): Promise<Lsn> {
  const about = { applicationName: 'larder views', replication: true, signal }
  const exporting = await SideClient.open(target, about)
  const abort = () => exporting.abandon()
  signal.addEventListener('abort', abort, { once: true })
  try {
    await check(exporting)
    const command = `CREATE_REPLICATION_SLOT ${slotName()} TEMPORARY LOGICAL test_decoding EXPORT_SNAPSHOT`
    const [made] = await exporting.query(command)
    await side.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    await side.query(`SET TRANSACTION SNAPSHOT '${made?.snapshot_name}'`)
    return readLsn(made?.consistent_point)
  } finally {
    signal.removeEventListener('abort', abort)
    await exporting.leave()
  }
}

async function fill(
  side: SideClient,
  query: MaintainedQuery,
  relations: ReadonlyMap<string, FollowedRelation>,
  bytesMax: number,
): Promise<number> {
  const names = new Map([...relations.values()].map((relation) => [relation.facts.oid, relation]))
  let bytes = 0
  for (const [oid, source] of query.sources) {
    const { schema, name } = names.get(oid) as FollowedRelation
    const columns = source.columns.map((column, at) => `${quoted(column.name)} AS c${at}`)
    await side.query(
      `DECLARE larder_rows NO SCROLL CURSOR FOR SELECT ${columns.join(', ')} FROM ONLY ${quoted(schema)}.${quoted(name)}`,
    )
    for (;;) {
      const rows = await side.query(`FETCH ${fetchCount} FROM larder_rows`)
      for (const row of rows) {
        source.add(new Map(source.columns.map((column, at) => [column.name, row[`c${at}`]])))
        bytes += bytesOfRow(Object.values(row))
      }
      if (bytes > bytesMax) throw tooLarge(bytesMax)
      if (rows.length < fetchCount) break
    }
    await side.query('CLOSE larder_rows')
  }
  return bytes
}

/** Throws if it is not what the origin answers by the same snapshot. */
async function compare(side: SideClient, query: MaintainedQuery, text: string): Promise<void> {
  const names = query.columns.map((_, at) => `c${at}`)
  let expected: Record<string, string | null>[]
  let texts: (string | null)[][]
  try {
    texts = query.texts()
    if (query.isAmbiguous) return
  } catch (error) {
    // What PostgreSQL says to that, whoever reads hears.
    if (error instanceof EvaluationError) return
    throw error
  }
  try {
    expected = await side.query(`SELECT * FROM (${text}\n) AS q (${names.join(', ')})`)
  } catch (error) {
    throw new NotMaintainable('shape', `PostgreSQL refuses it: ${(error as Error).message}`)
  }
  const [want, have] = [expected.map((row) => names.map((name) => row[name])), texts].map((rows) =>
    rows
      .map((row) => JSON.stringify(row))
      .sort()
      .join('\n'),
  )
  if (want !== have) throw new NotMaintainable('shape', 'what was computed of it is not what PostgreSQL answers')
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
