// The tables the scenarios read and write, in schema `bench` of the origin, made once per run.

import { Session } from './session.mjs'

/**
 * @param {import('./session.mjs').Address} address
 * @param {{ itemCount: number }} size
 */
export async function createTables(address, { itemCount }) {
  const session = await Session.open(address)
  for (const text of [
    'drop schema if exists bench cascade',
    'create schema bench',
    'create table bench.item (id integer primary key, name text not null, price integer not null, stock integer not null)',
    `insert into bench.item select id, 'item number ' || id, (id % 10007 * 7919) % 10007, id % 12 from generate_series(0, ${itemCount - 1}) id`,
    'create table bench.account (id integer primary key, balance bigint not null)',
    'insert into bench.account select id, 0 from generate_series(0, 9999) id',
    'vacuum (analyze) bench.item, bench.account',
    // Everything that is read lies in memory and is all-visible before anything is measured.
    'select count(*), sum(price) from bench.item',
  ]) {
    await session.rows(text)
  }
  await session.close()
}

/** Rows of 1,024 characters, for the scenario that fills memory. */
export async function createDocuments(address, documentCount) {
  const session = await Session.open(address)
  await session.rows('drop table if exists bench.document')
  await session.rows('create table bench.document (id integer primary key, body text not null)')
  await session.rows(
    `insert into bench.document select id, repeat(md5(id::text), 32) from generate_series(0, ${documentCount - 1}) id`,
  )
  await session.rows('vacuum (analyze) bench.document')
  await session.close()
}

export const pointSelect = (key) => `select id, name, price, stock from bench.item where id = ${key}`
export const documentSelect = 'select body from bench.document where id = $1'
