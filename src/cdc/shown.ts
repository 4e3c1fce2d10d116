// What the origin shows at a moment, and who it is: for what has been read elsewhere, at a standby of it.

import type { SideClient } from '../origin/index.ts'

export interface Shown {
  /** Identifier of the cluster, and its timeline. */
  readonly system: string
  readonly timeline: number
  /** No transaction from this id on has ended as far as this shows. */
  readonly xmax: bigint
  /** Of those before it, the ones that have not. */
  readonly running: readonly bigint[]
}

const question = `SELECT pg_current_snapshot()::text AS snapshot, (pg_control_system()).system_identifier::text AS system,
  pg_catalog.left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) AS timeline`

export async function askShown(side: Pick<SideClient, 'query'>): Promise<Shown> {
  const [row] = await side.query(question)
  const [, xmax = '', running = ''] = (row?.snapshot ?? '').split(':')
  return {
    system: row?.system ?? '',
    timeline: Number.parseInt(row?.timeline ?? '', 16),
    xmax: BigInt(xmax),
    running: running === '' ? [] : running.split(',').map(BigInt),
  }
}
