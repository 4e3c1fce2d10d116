// Plays a case of random-views.ts: its queries are maintained from what logical decoding tells of its transactions, and compared with PostgreSQL.

import type pg from 'pg'
import { readTestDecoding } from '../../src/cdc/test-decoding.ts'
import { MaintainedQuery, NotMaintainable, type RelationFacts, typeOf } from '../../src/deltas/index.ts'
import type { Parser } from '../../src/sql/index.ts'
import type { Case } from './random-views.ts'

interface Outcome {
  readonly maintained: number
  readonly refused: readonly string[]
  readonly failure: Failure | undefined
}

interface Failure {
  readonly query: string
  readonly message: string
}

const slot = 'maintained'

const factsQuestion = `
  select c.oid, c.relreplident = 'f' as is_full, a.attname, a.atttypid::int as type, a.atttypmod as modifier,
    coalesce(l.collisdeterministic, true) as is_deterministic,
    coalesce(l.collname in ('C', 'POSIX') or (l.collname = 'default' and d.datcollate in ('C', 'POSIX')), false) as is_bytewise,
    exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary and a.attnum = any (i.indkey)) as is_key
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_database d on d.datname = current_database() left join pg_collation l on l.oid = a.attcollation
  where c.oid = $1::regclass order by a.attnum`

interface Played {
  readonly text: string
  readonly query: MaintainedQuery
}

export class MaintainedStage {
  readonly #client: pg.Client
  readonly #parser: Parser
  /** Of one case: a name may be another table in the next. */
  #facts = new Map<string, RelationFacts>()
  #played: Played[] = []

  #runCount = 0

  static async open(client: pg.Client, parser: Parser): Promise<MaintainedStage> {
    await client.query("set datestyle = 'ISO'; set timezone = 'UTC'")
    await client.query(`select pg_create_logical_replication_slot('${slot}', 'test_decoding')`)
    return new MaintainedStage(client, parser)
  }

  constructor(client: pg.Client, parser: Parser) {
    this.#client = client
    this.#parser = parser
  }

  async run(made: Case): Promise<Outcome> {
    // What cases leave in the catalogue makes each later one slower.
    if (++this.#runCount % 100 === 0) await this.#client.query('vacuum')
    for (const { name, ddl } of made.tables) {
      await this.#client.query(`drop table if exists ${name}`)
      for (const text of ddl) await this.#client.query(text)
    }
    await this.know(made.tables.map(({ name }) => name))
    for (const text of made.before) await this.#client.query(text)
    const refused = await this.maintain(made.queries)
    let failure = await this.compare()
    for (const transaction of made.transactions) {
      if (failure !== undefined) break
      await this.#play(transaction)
      failure = (await this.follow()) ?? (await this.compare())
    }
    return { maintained: this.#played.length, refused, failure }
  }

  /** These tables are what names stand for. */
  async know(names: readonly string[]): Promise<void> {
    this.#facts = new Map()
    for (const name of names) this.#facts.set(name, await this.#factsOf(name))
  }

  /** Fills the queries with what is there. Answers the reasons of those that are refused. */
  async maintain(queries: readonly string[]): Promise<string[]> {
    this.#played = []
    const refused: string[] = []
    for (const text of queries) {
      const query = this.#compile(text)
      if (typeof query === 'string') refused.push(query)
      else this.#played.push({ text, query })
    }
    for (const { query } of this.#played) await this.#seed(query)
    await this.#client.query(`select pg_replication_slot_advance('${slot}', pg_current_wal_lsn())`)
    return refused
  }

  #compile(text: string): MaintainedQuery | string {
    const { tree } = this.#parser.parse(text)
    try {
      return new MaintainedQuery(tree?.stmts[0]?.stmt, ({ name }) => this.#facts.get(name), { reserve: 2 })
    } catch (error) {
      if (error instanceof NotMaintainable) return error.message
      throw error
    }
  }

  async #factsOf(name: string): Promise<RelationFacts> {
    const { rows } = await this.#client.query(factsQuestion, [name])
    const key = rows.filter((row) => row.is_key).map((row) => row.attname as string)
    return {
      oid: rows[0].oid,
      name,
      columns: rows.map((row) => ({
        name: row.attname,
        type: typeOf(row.type, row.modifier, { isDeterministic: row.is_deterministic, isBytewise: row.is_bytewise }),
      })),
      key,
    }
  }

  async #seed(query: MaintainedQuery): Promise<void> {
    for (const source of query.sources.values()) {
      const columns = source.columns.map(({ name }) => `${name}::text`)
      const { rows } = await this.#client.query({
        text: `select ${columns.join(', ')} from ${source.relation.name}`,
        rowMode: 'array',
      })
      for (const row of rows)
        source.add(new Map(source.columns.map(({ name }, at) => [name, row[at] as string | null])))
    }
  }

  async #play(statements: readonly string[]): Promise<void> {
    await this.#client.query('begin')
    for (const text of statements.filter((statement) => statement !== 'rollback')) await this.#client.query(text)
    await this.#client.query(statements.at(-1) === 'rollback' ? 'rollback' : 'commit')
  }

  /** What another statement is answered with from what the first of them has gathered; the reason if it is not, undefined if the order decides. */
  answer(text: string): (string | null)[][] | string | undefined {
    try {
      const query = (this.#played[0] as Played).query.answer(this.#parser.parse(text).tree?.stmts[0]?.stmt)
      const texts = query.texts()
      return query.isAmbiguous ? undefined : texts
    } catch (error) {
      if (error instanceof NotMaintainable) return error.message
      throw error
    }
  }

  async play(statements: readonly string[]): Promise<void> {
    await this.#play(statements)
    const failure = await this.follow()
    if (failure !== undefined) throw new Error(failure.message)
  }

  /** How many rows each answers with. */
  rowCounts(): number[] {
    return this.#played.map(({ query }) => query.rows().length)
  }

  /** Tells them what was committed since. */
  async follow(): Promise<Failure | undefined> {
    const { rows } = await this.#client.query(`select data from pg_logical_slot_get_changes('${slot}', null, null)`)
    const events = rows.map(({ data }) => readTestDecoding(data))
    for (const { text, query } of this.#played) {
      try {
        for (const event of events) {
          if (event.kind === 'truncate')
            for (const { name } of event.relations) query.sources.get(this.#facts.get(name)?.oid ?? 0)?.truncate()
          else if ('relation' in event) query.sources.get(this.#facts.get(event.relation.name)?.oid ?? 0)?.apply(event)
        }
      } catch (error) {
        return { query: text, message: String((error as Error).stack) }
      }
    }
    return undefined
  }

  async compare(): Promise<Failure | undefined> {
    for (const { text, query } of this.#played) {
      let expected: unknown[][]
      try {
        expected = (
          await this.#client.query({
            text,
            rowMode: 'array',
            types: { getTypeParser: () => (value: string) => value } as never,
          })
        ).rows
      } catch (error) {
        throw new Error(`${text}: ${(error as Error).message}`)
      }
      let actual: unknown[][]
      try {
        actual = query.texts()
        if (query.isAmbiguous) continue
      } catch (error) {
        return { query: text, message: String((error as Error).stack) }
      }
      const [want, have] = [expected, actual].map((lines) =>
        lines
          .map((line) => JSON.stringify(line))
          .sort()
          .join('\n'),
      )
      if (want !== have) return { query: text, message: `expected:\n${want}\nactual:\n${have}` }
    }
    return undefined
  }
}
