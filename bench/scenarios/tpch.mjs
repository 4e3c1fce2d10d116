// Queries of TPC-H that follow the replication stream of an origin, while orders and lines come, change and go.
//
//   load, at a scale ──► each query begins to follow ──► transactions, straight at the origin ──► every answer is the origin's, byte for byte
//
// Beside it, REFRESH MATERIALIZED VIEW of the same queries at the origin after one change: what it takes there to have a right answer again,
// against the time from the acknowledgement of one change to the right answer in hand.

import { lifeQuestion } from '../../dist/cache/plans/index.js'
import { FollowedQueries } from '../../dist/cache/views/index.js'
import { readLsn } from '../../dist/cdc/index.js'
import { parseOriginUrl } from '../../dist/origin/index.js'
import { openParser } from '../../dist/sql/index.js'
import { lineOf } from '../parts/inside.mjs'
import { median } from '../parts/measure.mjs'
import { Session } from '../parts/session.mjs'
import { changeOf, followed, insertsOf, queries, TpchRows, tables } from '../parts/tpch.mjs'

export const summary = 'queries of TPC-H that follow the stream of an origin, and what they answer'

const scale = 0.05
const changeCount = 10_000
/** At once: each keeps rows of its own. */
const together = 4
/** Changes behind which REFRESH and answers are timed. */
const timedCount = 5

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  const stage = await Stage.open(context, scale)
  const lines = []
  try {
    const perQuery = Math.ceil((changeCount * together) / followed.length)
    for (let at = 0; at < followed.length; at += together) {
      const numbers = followed.slice(at, at + together)
      const begunMs = await stage.follow(numbers)
      for (let change = 0; change < Math.max(perQuery, changeCount / 3); change++) await stage.change()
      await stage.compare(numbers)
      for (const number of numbers) {
        const { answerMs, refreshMs } = await stage.time(number)
        lines.push(
          lineOf(
            'tpch',
            `query ${number}`,
            'ms to begin to follow',
            { larder: begunMs.get(number), other: undefined, otherLabel: '', ratio: undefined },
            undefined,
          ),
        )
        const figures = {
          larder: 1000 / answerMs,
          other: 1000 / refreshMs,
          otherLabel: 'REFRESH',
          ratio: refreshMs / answerMs,
        }
        lines.push(lineOf('tpch', `query ${number}`, 'right answers after one change, /s', figures, undefined))
      }
      context.show(lines)
      stage.forget(numbers)
    }
    return lines
  } finally {
    await stage.close()
  }
}

/** @param {import('../run.mjs').Context} context */
export async function check(context) {
  const stage = await Stage.open(context, 0.002)
  try {
    await stage.follow(followed)
    for (let change = 0; change < 300; change++) await stage.change()
    for (const number of followed)
      await context.check(`tpch, query ${number}: what followed is the answer of the origin`, () =>
        stage.compare([number]),
      )
  } finally {
    await stage.close()
  }
}

class Stage {
  static async open({ origin }, scale) {
    const admin = await Session.open(origin.address)
    await admin.rows('drop database if exists larder_tpch')
    await admin.rows("create database larder_tpch template template0 lc_collate 'C' lc_ctype 'C'")
    const session = await Session.open({ ...origin.address, database: 'larder_tpch' })
    const random = generator(1)
    const made = new TpchRows(scale, (bound) => Math.floor(random() * bound))
    for (const [name, ddl] of Object.entries(tables)) {
      await session.rows(ddl)
      for (const text of insertsOf(made, name)) await session.rows(text)
    }
    await session.rows('vacuum analyze')
    return new Stage(origin, admin, session, made, await openParser())
  }

  constructor(origin, admin, session, made, parser) {
    this.admin = admin
    this.session = session
    this.made = made
    const target = { ...parseOriginUrl(origin.url), database: 'larder_tpch' }
    this.followed = new FollowedQueries({ target: () => target, parser, bytesMax: () => 4e9, lifeQuestion })
  }

  async follow(numbers) {
    const begun = new Map()
    for (const number of numbers) {
      const startedAt = performance.now()
      const wish = { id: String(number), text: queries[number], searchPath: 'public', owner: undefined }
      const { state, reason } = await this.followed.add(wish)
      if (state !== 'following') throw new Error(`query ${number} is ${state}: ${reason}`)
      begun.set(number, performance.now() - startedAt)
    }
    return begun
  }

  forget(numbers) {
    for (const number of numbers) this.followed.remove(String(number))
  }

  async change() {
    for (const text of changeOf(this.made)) await this.session.rows(text)
  }

  async read(number) {
    const [[lsn]] = await this.session.rows('select pg_current_wal_flush_lsn()')
    const answer = await this.followed.read(String(number), readLsn(lsn), 60_000)
    if (answer === undefined) throw new Error(`query ${number} has no answer`)
    return answer.rows
  }

  async compare(numbers) {
    for (const number of numbers) {
      const [have, want] = [await this.read(number), await this.session.rows(queries[number])]
      const [one, other] = [have, want].map((rows) => JSON.stringify(rows.map((row) => JSON.stringify(row)).sort()))
      if (one !== other) throw new Error(`query ${number} differs from the origin`)
      if (want.length === 0 && this.made.scale >= 0.05) throw new Error(`query ${number} has no rows`)
    }
  }

  /** Medians of several changes, each with an answer and a REFRESH behind it. */
  async time(number) {
    await this.session.rows(`create materialized view refreshed as ${queries[number]}`)
    const [answers, refreshes] = [[], []]
    for (let at = 0; at < timedCount; at++) {
      await this.change()
      const startedAt = performance.now()
      await this.read(number)
      const readAt = performance.now()
      await this.session.rows('refresh materialized view refreshed')
      answers.push(readAt - startedAt)
      refreshes.push(performance.now() - readAt)
    }
    await this.session.rows('drop materialized view refreshed')
    return { answerMs: median(answers), refreshMs: median(refreshes) }
  }

  async close() {
    await this.followed.close()
    await this.session.close()
    await this.admin.rows('drop database larder_tpch with (force)')
    await this.admin.close()
  }
}

/** Numbers from 0 to 1 by a seed (mulberry32). */
function generator(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
