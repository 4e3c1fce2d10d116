// What a soak plays in: a Postgres, `larder serve` before it, and the blows that may fall on either.
//
// A session is opened where the server is now. It may fail only if something was struck since; whoever sees that waits until all is up
// again and opens another.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { Command } from '../support/command.ts'
import { openTestPostgres, type TestPostgres } from '../support/postgres.ts'

export type Blow = 'kill the server' | 'stop the server' | 'crash the origin'

export interface Session {
  readonly client: pg.Client
  /** How many blows had fallen when it was opened. */
  readonly openedAt: number
}

export class World {
  readonly origin: TestPostgres
  blows = 0
  #server: Command | undefined
  #address: pg.ClientConfig = {}
  /** Resolves when what was struck last is up again. */
  #isUp: Promise<void> = Promise.resolve()
  readonly #directory: string

  static async open(): Promise<World> {
    const world = new World(await openTestPostgres())
    await world.#serve()
    return world
  }

  private constructor(origin: TestPostgres) {
    this.origin = origin
    this.#directory = mkdtempSync(join(tmpdir(), 'larder-soak-'))
    chmodSync(this.#directory, 0o711)
  }

  async connect(): Promise<Session> {
    for (;;) {
      await this.#isUp
      const openedAt = this.blows
      const client = new pg.Client(this.#address)
      client.on('error', () => undefined)
      try {
        await client.connect()
        return { client, openedAt }
      } catch (error) {
        if (this.blows === openedAt) throw error
      }
    }
  }

  /** Resolves when the world is whole again. */
  async strike(blow: Blow): Promise<void> {
    this.blows++
    this.#isUp = blow === 'crash the origin' ? this.#crashOrigin() : this.#restart(blow)
    await this.#isUp
    // Sessions opened while it was on its way back may have met either.
    this.blows++
  }

  async close(): Promise<void> {
    await this.#server?.end()
    await this.origin.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  async #restart(blow: Blow): Promise<void> {
    this.#server?.signal(blow === 'kill the server' ? 'SIGKILL' : 'SIGTERM')
    const code = await this.#server?.exit
    if (blow === 'stop the server' && code !== 0) throw new Error(`an orderly stop ended with ${code}`)
    await this.#serve()
  }

  async #serve(): Promise<void> {
    const settings = { 'result-ttl': '1h', 'result-l2-delay': '0', 'l2-read-timeout': '20s', 'drain-timeout': '0' }
    const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
    const where = ['--upstream', this.origin.url, '--data-dir', join(this.#directory, 'data')]
    this.#server = Command.run(['serve', '--listen', '127.0.0.1:0', ...where, ...flags])
    const [, host, port, user, database] = await this.#server.prints(/psql -h (\S+) -p (\d+) -U (\S+) -d (\S+)\n/)
    this.#address = { host, port: Number(port), user, database } as pg.ClientConfig
  }

  /** PostgreSQL starts again when one of its processes is killed: every session ends, and what was committed stays. */
  async #crashOrigin(): Promise<void> {
    const [victim, witness] = [await this.origin.connect(), await this.origin.connect()]
    const { rows } = await victim.query<{ pid: number }>('select pg_backend_pid() as pid')
    // The victim's connection ends before the postmaster knows, and until it does it lets sessions in that will fall too.
    const ended = new Promise((resolve) => witness.once('end', resolve))
    process.kill(rows[0]?.pid as number, 'SIGKILL')
    await ended
    for (;;) {
      try {
        await (await this.origin.connect()).end()
        return
      } catch {
        // It is recovering.
      }
    }
  }
}
