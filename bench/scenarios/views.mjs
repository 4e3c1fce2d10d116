// Answers that follow changes: single-row updates through the operators, beside reading the same updates from the lines of a feed.
//
// 100,000 orders of 10,000 customers, as the study of libraries had them. A change goes in as the feed's reader gives it, as texts by name, so the
// operators' figure holds reading values as well.

import { readTestDecoding } from '../../dist/cdc/test-decoding.js'
import { MaintainedQuery, typeOf } from '../../dist/deltas/index.js'
import { openParser } from '../../dist/sql/index.js'
import { compareInside, lineOf } from '../parts/inside.mjs'
import { checkLive, runLive } from '../parts/live-views.mjs'

export const summary = 'answers that follow changes: through the operators, and beside REFRESH, triggers and the query'
const orderCount = 100_000
const customerCount = 10_000
const changeCount = 100_000
const statuses = ['open', 'paid', 'sent', 'back', 'lost']

/** With the updates a second that are asked of each. */
const queries = {
  'group by customer': {
    text: 'select customer_id, sum(total), count(*), avg(total), min(total), max(total) from orders group by customer_id',
    wanted: 300_000,
  },
  'group by status': { text: 'select status, sum(total), count(*) from orders group by status', wanted: 500_000 },
  'join and group': {
    text: 'select c.region, sum(o.total), count(*) from orders o join customer c on c.id = o.customer_id group by c.region',
    wanted: 500_000,
  },
  'first 10 of an order': { text: 'select id, total from orders order by total desc, id limit 10', wanted: 100_000 },
}

const collation = { isDeterministic: true, isBytewise: true }
const column = (name, oid, modifier = -1) => ({ name, type: typeOf(oid, modifier, collation) })
const relations = {
  orders: {
    oid: 1,
    name: 'orders',
    key: ['id'],
    columns: [
      column('id', 23),
      column('customer_id', 23),
      column('status', 25),
      column('total', 1700, (12 << 16) + 2 + 4),
    ],
  },
  customer: { oid: 2, name: 'customer', key: ['id'], columns: [column('id', 23), column('region', 25)] },
}

function orderRow(id) {
  const total = (Math.random() * 1000).toFixed(2)
  return new Map([
    ['id', String(id)],
    ['customer_id', String(id % customerCount)],
    ['status', statuses[id % statuses.length]],
    ['total', total],
  ])
}

function lineOfUpdate(row) {
  return `table public.orders: UPDATE: id[integer]:${row.get('id')} customer_id[integer]:${row.get('customer_id')} status[text]:'${row.get('status')}' total[numeric]:${row.get('total')}`
}

function fill(query, orders) {
  const customers = query.sources.get(2)
  for (let id = 0; customers !== undefined && id < customerCount; id++)
    customers.add(
      new Map([
        ['id', String(id)],
        ['region', `region ${id % 50}`],
      ]),
    )
  for (const row of orders) query.sources.get(1).add(row)
  query.rows()
}

function maintain(parser, text) {
  return new MaintainedQuery(parser.parse(text).tree.stmts[0].stmt, ({ name }) => relations[name])
}

const orders = () => Array.from({ length: orderCount }, (_, id) => orderRow(id))
const updates = (count) => Array.from({ length: count }, () => orderRow(Math.floor(Math.random() * orderCount)))

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  const parser = await openParser()
  const lines = []
  let operatorUs = 0
  for (const [about, { text, wanted }] of Object.entries(queries)) {
    const query = maintain(parser, text)
    fill(query, orders())
    const rows = updates(changeCount)
    const changes = rows.map((row) => ({ kind: 'update', old: undefined, new: row }))
    const told = rows.map(lineOfUpdate)
    const { first, second, ...rest } = compareInside(context.rounds, {
      operators: () => {
        const source = query.sources.get(1)
        for (const change of changes) source.apply(change)
        query.rows()
        return changes.length
      },
      reading: () => {
        for (const line of told) readTestDecoding(line)
        return told.length
      },
    })
    if (about === 'group by customer') operatorUs = 1e6 / first
    const figures = { larder: first, otherLabel: 'reading them', other: second, ...rest }
    lines.push(lineOf('views', about, 'updates/s', figures, undefined))
    lines.push(
      lineOf(
        'views',
        about,
        'updates/s, of those wanted',
        { larder: first, otherLabel: 'wanted', other: wanted, ratio: first / wanted },
        { min: 1 },
      ),
    )
    context.show(lines)
  }
  lines.push(...(await runLive(context, operatorUs)))
  return lines
}

/** What followed the changes is what a fill gives that begins behind them. */
export async function check(context) {
  const parser = await openParser()
  const rows = orders()
  const changes = updates(5000)
  const after = [...rows]
  for (const row of changes) after[Number(row.get('id'))] = row
  for (const [about, { text }] of Object.entries(queries)) {
    await context.check(`views, ${about}: what followed is what is read anew`, () => {
      const followed = maintain(parser, text)
      fill(followed, rows)
      for (const [at, row] of changes.entries()) {
        followed.sources.get(1).apply({ kind: 'update', old: undefined, new: row })
        if (at % 500 === 0) followed.rows()
      }
      const anew = maintain(parser, text)
      fill(anew, after)
      const [one, other] = [followed, anew].map((query) => JSON.stringify(query.texts().sort()))
      if (one !== other) throw new Error('the rows differ')
    })
  }
  await checkLive(context)
}
