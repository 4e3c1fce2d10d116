// A stage for one interleaving: an origin, a relay that can stop time, a Larder behind it, and sessions by name.

import { DelayingRelay } from '../support/delaying-relay.ts'
import { openLarder, type TestLarder } from '../support/larder.ts'
import type { TestPostgres } from '../support/postgres.ts'
import { WireClient } from '../support/wire-client.ts'

export interface StageOptions {
  readonly origin: TestPostgres
  readonly database: string
  readonly brokenRules?: readonly string[]
  readonly settings?: Readonly<Record<string, string>>
}

export class Stage {
  readonly relay: DelayingRelay
  readonly larder: TestLarder
  readonly #options: StageOptions
  readonly #sessions: WireClient[] = []

  private constructor(options: StageOptions, relay: DelayingRelay, larder: TestLarder) {
    this.#options = options
    this.relay = relay
    this.larder = larder
  }

  static async open(options: StageOptions): Promise<Stage> {
    const relay = await DelayingRelay.open(options.origin.target)
    const larder = await openLarder({
      upstream: `postgres://postgres@${relay.host}:${relay.port}/postgres?sslmode=disable`,
      settings: { result_ttl: '1h', ...options.settings },
      ...(options.brokenRules === undefined ? {} : { brokenRules: options.brokenRules }),
    })
    return new Stage(options, relay, larder)
  }

  /** A session through Larder; the relay knows its connection to the origin by the same name. */
  async session(name: string, user = 'postgres'): Promise<WireClient> {
    return this.#keep(
      await WireClient.connect({
        host: this.larder.host,
        port: this.larder.port,
        user,
        database: this.#options.database,
        parameters: { application_name: name },
      }),
    )
  }

  /** A session past Larder and past the relay. */
  async straight(): Promise<WireClient> {
    const { host, port } = this.#options.origin.target
    return this.#keep(await WireClient.connect({ host, port, user: 'postgres', database: this.#options.database }))
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.destroy()
    await this.larder.close()
    await this.relay.close()
  }

  #keep(session: WireClient): WireClient {
    this.#sessions.push(session)
    return session
  }
}

/** The single value a query gives. */
export async function single(session: WireClient, sql: string): Promise<string | null | undefined> {
  return (await session.rows(sql))[0]?.[0]
}

/** Runs statements one after the other; an error is thrown. */
export async function run(session: WireClient, ...statements: readonly string[]): Promise<void> {
  for (const statement of statements) await session.rows(statement)
}

/** The interleaving a play is about did not come about. */
export class Missed extends Error {}

const attemptsMax = 5

/** What a play comes to, once its interleaving has come about. */
export async function played<Result>(attempt: () => Promise<Result>): Promise<Result> {
  return await until(attempt, () => true)
}

/** True if it goes wrong, as it may without a rule: where the machine is busy what it hangs on may be over too soon, so more than once. */
export async function goesWrong<Result>(attempt: () => Promise<Result>, right: Result): Promise<boolean> {
  return (await until(attempt, (result) => result !== right)) !== right
}

async function until<Result>(attempt: () => Promise<Result>, isEnough: (result: Result) => boolean): Promise<Result> {
  for (let count = 1; ; count++) {
    try {
      const result = await attempt()
      if (count === attemptsMax || isEnough(result)) return result
    } catch (error) {
      if (count === attemptsMax || !(error instanceof Missed)) throw error
    }
  }
}
