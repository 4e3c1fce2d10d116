// A pool of the `pg` driver for tests. Its end() does not wait for its connections: a server that closes meanwhile says goodbye to
// clients that have already gone, which nobody is there to hear: the client tells its pool, and a pool that nobody listens to
// throws. Whatever fails a query still rejects it.

import pg from 'pg'

export function openPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(config)
  pool.on('connect', (client) => void client.on('error', () => undefined))
  pool.on('error', () => undefined)
  return pool
}
