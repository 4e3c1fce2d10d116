// Interleavings of sessions, run the same way straight at the origin and through Larder (after PostgreSQL's isolation tests): every
// statement must answer the same, and wait where it waits there.
//
// One step is sent at a time. It is over when it is answered or when its backend is seen to wait for another's lock; steps of a session
// that waits follow when it goes on. Who waits is asked of the origin past Larder, by application_name.

import { type Batch, errorOf, rowsOf, sqlstateOf, tagOf, type WireClient } from '../support/wire-client.ts'

export interface Spec {
  readonly name: string
  /** Brings the world to where each run begins. */
  readonly setup: readonly string[]
  readonly sessions: Readonly<Record<string, readonly string[]>>
  /** It shows locks of the level of tables, which a read answered from memory does not take. */
  readonly showsTableLocks?: boolean
}

/** Session names in the order in which their steps are sent. */
export type Order = readonly string[]

/** All interleavings, or so many of them drawn. */
export function ordersOf(spec: Spec, countMax: number, pick: (below: number) => number): Order[] {
  const orders: Order[] = []
  const lengths = Object.entries(spec.sessions).map(([name, steps]) => [name, steps.length] as const)
  const extend = (order: Order, left: ReadonlyMap<string, number>): void => {
    if (left.size === 0) orders.push(order)
    for (const [name, count] of left) {
      const rest = new Map(left)
      if (count === 1) rest.delete(name)
      else rest.set(name, count - 1)
      extend([...order, name], rest)
    }
  }
  extend([], new Map(lengths))
  while (orders.length > countMax) orders.splice(pick(orders.length), 1)
  return orders
}

interface Player {
  readonly name: string
  readonly client: WireClient
  readonly queue: string[]
  step: number
  /** The answer of the step under way. */
  under: Promise<void> | undefined
  answer: string | undefined
}

export interface Place {
  connect(applicationName: string): Promise<WireClient>
  /** Past Larder. */
  readonly observer: WireClient
  /** Before each run: through the same way, so that nothing is kept of what was before. */
  prepare(spec: Spec): Promise<void>
}

/** What was answered, in the order in which it was. */
export async function play(place: Place, spec: Spec, order: Order): Promise<string[]> {
  await place.prepare(spec)
  const transcript: string[] = []
  const players = new Map<string, Player>()
  for (const name of Object.keys(spec.sessions)) {
    const client = await place.connect(name)
    players.set(name, { name, client, queue: [], step: 0, under: undefined, answer: undefined })
  }
  const all = [...players.values()]
  for (const name of order) {
    const player = players.get(name) as Player
    const steps = spec.sessions[name] as readonly string[]
    player.queue.push(steps[player.step + player.queue.length] as string)
    await settle(place, all, transcript)
  }
  const waiting = all.filter(({ under }) => under !== undefined).map(({ name }) => name)
  for (const { client } of all) client.destroy()
  return waiting.length === 0 ? transcript : [...transcript, `still waiting: ${waiting}`]
}

/** Sends what can be sent, until all are idle with nothing to send, or wait for each other. */
async function settle(place: Place, players: readonly Player[], transcript: string[]): Promise<void> {
  const answered: string[] = []
  for (let isMoving = true; isMoving; ) {
    isMoving = false
    for (const player of players) {
      if (player.under === undefined && player.queue.length > 0) begin(player)
    }
    for (const player of players) {
      if (player.under === undefined) continue
      if (!(await isOver(place, player))) continue
      answered.push(`${player.name}${player.step}: ${player.answer}`)
      player.under = undefined
      player.answer = undefined
      isMoving = true
    }
  }
  // Who lets go and who is let go may be heard in any order.
  transcript.push(...answered.sort())
}

function begin(player: Player): void {
  const sql = player.queue.shift() as string
  player.step++
  player.under = player.client.query(sql).then(
    (batch) => {
      player.answer = told(batch)
    },
    (error: Error) => {
      player.answer = `lost: ${error.message}`
    },
  )
}

/** False if it waits for a lock of another. */
async function isOver(place: Place, player: Player): Promise<boolean> {
  for (;;) {
    if (player.answer !== undefined) return true
    const rows = await place.observer.rows(
      `select 1 from pg_stat_activity where application_name = '${player.name}' and cardinality(pg_blocking_pids(pid)) > 0`,
    )
    if (player.answer !== undefined) return true
    if (rows.length > 0) return false
  }
}

function told(batch: Batch): string {
  const error = errorOf(batch)
  if (error !== undefined) return `${sqlstateOf(error)} ${batch.status}`
  const tags = batch.frames.filter(({ type }) => type === 'C').map(tagOf)
  return `${JSON.stringify(rowsOf(batch))} ${tags} ${batch.status}`
}
