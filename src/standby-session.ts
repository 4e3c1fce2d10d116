// Composition: a connection to the standby that reads as a client would: as its login, with the settings it has at the origin.
//
// Clients authenticate at the origin, and Larder has nobody's password. So the user of `read_origin` opens it, a superuser, and becomes the login by
// SET SESSION AUTHORIZATION. What the login would begin with is set before: ALTER ROLE … SET, ALTER DATABASE … SET, its start-up parameters.
// Whether that came to the same is asked by the question that tells of sessions at the origin: the two are equal if their numbers are.

import { type ContextTable, contextFrames } from './cache/plans/index.ts'
import { readLsn } from './cdc/index.ts'
import type { StandbyReader } from './frontend/index.ts'
import { type OriginTarget, SideClient } from './origin/index.ts'
import { backend, bindFrame, executeFrame, framesIn, parseFrame, readDataRow, syncFrame } from './wire/index.ts'

/** What it answered, and how it stood before and after. */
interface StandbyAnswer {
  readonly frames: readonly Buffer[]
  /** It had replayed as much before it began. */
  readonly replayed: bigint
  /** Every transaction it may have shown has a smaller id. */
  readonly xmax: bigint
}

const placeName = '_larder_standby'
const placeText = `SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.pg_last_wal_replay_lsn()::text,
  pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text, pg_catalog.current_database(), session_user, current_user`
const placeFrames = Buffer.concat([bindFrame('', placeName), executeFrame(''), syncFrame])

const whoText = `SELECT (pg_catalog.pg_control_system()).system_identifier::text AS system,
  pg_catalog.encode(pg_catalog.timestamptz_send(pg_catalog.pg_postmaster_start_time()), 'hex') AS life`

/** As it is at a login: settings of all, of the database, of the role, of the role in the database. Operators of users stay out of it: it runs as superuser. */
const loginSettingsText = `SELECT pg_catalog.set_config(pg_catalog.split_part(o.c, '=', 1), pg_catalog.substr(o.c, pg_catalog.strpos(o.c, '=') OPERATOR(pg_catalog.+) 1), false)
  FROM (SELECT u.c FROM pg_catalog.pg_db_role_setting s CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) WITH ORDINALITY AS u (c, n)
    WHERE (s.setdatabase OPERATOR(pg_catalog.=) 0::pg_catalog.oid OR s.setdatabase OPERATOR(pg_catalog.=)
      (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()))
    AND (s.setrole OPERATOR(pg_catalog.=) 0::pg_catalog.oid OR s.setrole OPERATOR(pg_catalog.=)
      (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.name))
    AND pg_catalog.split_part(u.c, '=', 1) OPERATOR(pg_catalog.<>) ALL ('{role,session_authorization}'::pg_catalog.text[])
    ORDER BY s.setrole OPERATOR(pg_catalog.<>) 0::pg_catalog.oid, s.setdatabase OPERATOR(pg_catalog.<>) 0::pg_catalog.oid, u.n OFFSET 0) o`

const questionBytesMax = 65_536

/** Of the start-up packet, what is no setting. */
const noSettings = new Set(['user', 'database', 'replication', 'options', 'client_encoding', 'application_name'])

export class StandbySession {
  readonly who: StandbyReader
  isBusy = false
  isOver = false
  usedAtMs = 0
  /** Of the server it is one of. */
  readonly life: string
  readonly #side: SideClient
  /** Of its database, login and role, as they were when it was opened. */
  #names = ''
  #contextId = -1
  #contextVersion = -1
  #contextAtMs = 0

  private constructor(side: SideClient, who: StandbyReader, life: string) {
    this.#side = side
    this.who = who
    this.life = life
    void side.over.then(() => {
      this.isOver = true
    })
  }

  /** One that reads as `who`, at the server of this life. */
  static async open(
    target: OriginTarget,
    who: StandbyReader,
    life: string,
    signal: AbortSignal,
  ): Promise<StandbySession> {
    const side = await SideClient.open(
      { ...target, database: who.database },
      { signal, applicationName: 'larder read' },
    )
    try {
      const [here] = await side.query(whoText)
      if (here?.life !== life) throw new Error('its address leads to several servers')
      await side.query(loginSettingsText, [who.login])
      await side.query("SELECT pg_catalog.set_config('session_authorization', $1, false)", [who.login])
      for (const [name, value] of settingsOf(who.startup))
        await side.query('SELECT pg_catalog.set_config($1, $2, false)', [name, value])
      const session = new StandbySession(side, who, life)
      const prepared = await session.#exchange(Buffer.concat([parseFrame(placeName, placeText), placeFrames]), 1)
      const [, , , ...names] = placeIn(prepared)
      if (names.length === 0) throw new Error('the login may not ask where it stands')
      session.#names = namesIn(names)
      return session
    } catch (error) {
      await side.leave()
      throw error
    }
  }

  /** The number of its context; asked when nothing younger is known. */
  async contextId(contexts: ContextTable, nowMs: number, ageMsMax: number): Promise<number> {
    if (this.#contextVersion === contexts.version && nowMs - this.#contextAtMs <= ageMsMax) return this.#contextId
    const { version } = contexts
    const frames = await this.#exchange(Buffer.concat([contextFrames(contexts, false, 'NULL'), syncFrame]), 1)
    const row = frames.find((frame) => frame[0] === backend.dataRow)
    this.#contextId = row === undefined ? -1 : contexts.read(readDataRow(row, 0), nowMs).id
    this.#contextVersion = version
    this.#contextAtMs = nowMs
    return this.#contextId
  }

  /** What is known of its context is forgotten where it may be another by now. */
  doubt(contexts: ContextTable, nowMs: number, ageMsMax: number): void {
    if (this.#contextVersion !== contexts.version || nowMs - this.#contextAtMs > ageMsMax) this.#contextId = -1
  }

  get knownContextId(): number {
    return this.#contextId
  }

  /**
   * Runs a statement; its frames end before its Sync. Undefined if it was an error, or no standby answered all the way. What the names meant when it
   * was opened it goes on with: that may have been renamed, or dropped and made again, since.
   */
  async read(statement: Buffer, bytesMax: number): Promise<StandbyAnswer | undefined> {
    const frames = await this.#exchange(Buffer.concat([placeFrames, statement, syncFrame, placeFrames]), 3, bytesMax)
    const [before = [], answer = [], after = []] = apart(frames)
    const [wasStandby, replayed, , ...names] = placeIn(before)
    // Another has the name by now.
    if (namesIn(names) !== this.#names) this.abandon()
    if (this.isOver || frames.some((frame) => frame[0] === backend.error)) return undefined
    const [isStandby, , xmax] = placeIn(after)
    if (wasStandby !== 't' || isStandby !== 't' || !replayed || !xmax) return undefined
    return { frames: answer, replayed: readLsn(replayed), xmax: BigInt(xmax) }
  }

  /** Ends it, and what it is doing. */
  abandon(): void {
    this.isOver = true
    this.#side.abandon()
  }

  async close(): Promise<void> {
    this.isOver = true
    await this.#side.leave()
  }

  async #exchange(messages: Buffer, ends: number, bytesMax = questionBytesMax): Promise<Buffer[]> {
    const bytes = await this.#side.exchange(messages, ends, bytesMax)
    if (bytes === undefined) {
      this.abandon()
      throw new Error('the answer is too long')
    }
    return [...framesIn(bytes)]
  }
}

/** What lies before each ReadyForQuery. */
function apart(frames: readonly Buffer[]): Buffer[][] {
  const parts: Buffer[][] = [[]]
  for (const frame of frames) {
    if (frame[0] === backend.readyForQuery) parts.push([])
    else parts.at(-1)?.push(frame)
  }
  return parts
}

function placeIn(frames: readonly Buffer[]): readonly (string | null)[] {
  const row = frames.find((frame) => frame[0] === backend.dataRow)
  return row === undefined ? [] : readDataRow(row, 0)
}

const namesIn = (names: readonly (string | null)[]) => JSON.stringify(names)

/** What a start-up packet sets, its `options` included. */
function settingsOf(startup: ReadonlyMap<string, string>): [string, string][] {
  const settings: [string, string][] = []
  const given = startup.get('options') ?? ''
  for (const [, name = '', value = ''] of given.matchAll(/(?:^|\s)(?:-c\s*|--)([\w.-]+)=((?:\\.|\S)*)/g))
    settings.push([name.replaceAll('-', '_'), value.replace(/\\(.)/g, '$1')])
  for (const [name, value] of startup) if (!noSettings.has(name)) settings.push([name, value])
  return settings
}
