// A play is held three ways - straight at the origin, through Larder, and through a Larder that keeps nothing - twice each: what was
// new the first time is known the second. What it saw must be the same each way.
//
// Each way has a database of its own, made alike.

import { afterAll, beforeAll, expect } from 'vitest'
import { openLarder, type TestLarder } from '../support/larder.ts'
import { openTestPostgres, type TestPostgres, type TestPostgresOptions } from '../support/postgres.ts'

/** Where a play connects. */
export interface Door {
  readonly host: string
  readonly port: number
  readonly database: string
}

/** What a play saw, as JSON has it. */
type Play = (door: Door) => Promise<unknown>

interface Ways {
  readonly origin: TestPostgres
  expectAlike(play: Play): Promise<void>
  /** How many answers came from memory so far; a comparison without any proves little. */
  hits(): Promise<number>
  /** Only there. */
  throughLarder<Seen>(play: (door: Door) => Promise<Seen>): Promise<Seen>
}

const template = 'ways_template'

/** Opens origin and Larders before the file's tests and closes them after. */
export function useWays(
  options: TestPostgresOptions & { readonly schema?: string; readonly roles?: string } = {},
): Ways {
  let origin: TestPostgres
  let larders: { readonly cached: TestLarder; readonly uncached: TestLarder }
  let plays = 0

  beforeAll(async () => {
    origin = await openTestPostgres({ ...options, parameters: { max_connections: 60, ...options.parameters } })
    const admin = await origin.connect()
    if (options.roles !== undefined) await admin.query(options.roles)
    await admin.query(`create database ${template}`)
    const client = await origin.connect({ database: template })
    if (options.schema !== undefined) await client.query(options.schema)
    await client.end()
    await admin.end()
    larders = {
      cached: await openLarder({ upstream: origin.url }),
      uncached: await openLarder({ upstream: origin.url, settings: { result_cache: 'off' } }),
    }
  })
  afterAll(async () => {
    await larders?.cached.close()
    await larders?.uncached.close()
    await origin?.close()
  })

  const hold = async (way: string, play: Play): Promise<unknown[]> => {
    const database = `play_${plays}_${way}`
    const admin = await origin.connect()
    await admin.query(`create database ${database} template ${template}`)
    await admin.end()
    const server = way === 'straight' ? origin.target : larders[way as keyof typeof larders]
    const door: Door = { ...addressOf(server), database }
    return [await play(door), await play(door)].map((seen) => scrubbed(seen, database))
  }

  return {
    async hits() {
      const client = await larders.cached.connect()
      const { rows } = await client.query<{ result_hits: string }>('select result_hits from cache.stats')
      await client.end()
      return Number(rows[0]?.result_hits)
    },
    throughLarder: (play) => play({ ...addressOf(larders.cached), database: 'postgres' }),
    get origin() {
      return origin
    },
    async expectAlike(play) {
      plays++
      const straight = await hold('straight', play)
      for (const way of Object.keys(larders)) {
        const seen = await hold(way, play)
        for (const [round, what] of ['new', 'known'].entries()) {
          expect(seen[round], `${way}, when it is ${what}`).toEqual(straight[round])
        }
      }
    },
  }
}

function addressOf({ host, port }: Omit<Door, 'database'>): Omit<Door, 'database'> {
  return { host, port }
}

/** What was seen, as JSON, but for the name of the way. */
function scrubbed(seen: unknown, database: string): unknown {
  const text = JSON.stringify(seen, (_, value) => {
    if (value === undefined) return '(undefined)'
    return typeof value === 'bigint' ? `${value}n` : value
  })
  return JSON.parse(text.replaceAll(database, 'the_database'))
}
