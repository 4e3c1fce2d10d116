// Asks, on a healthy connection, which backends of lost commits still run (R8).

import { bindFrame, closeFrame, executeFrame, parseFrame } from '../wire/index.ts'
import type { Session } from './session.ts'

/** Some commit's fate is unknown: this session's connection asks whether its backend still runs. */
export function askForLost(session: Session): void {
  const { services } = session
  void services.outcomes.resolve(
    async (pids) => {
      const answer = await session.ask(lostBackendsFrames(pids))
      if (answer.error !== undefined) return undefined
      return new Set(answer.rows.map((row) => Number(row[0])))
    },
    () => services.clock.nowMs(),
  )
}

function lostBackendsFrames(pids: readonly number[]): Buffer {
  const question = `SELECT a.pid FROM pg_catalog.pg_stat_activity a WHERE a.pid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.int4[])
 UNION SELECT l.pid FROM pg_catalog.pg_locks l WHERE l.pid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.int4[])`
  const name = '_larder_lost'
  return Buffer.concat([
    parseFrame(name, question),
    bindFrame('', name, [`{${pids.join(',')}}`]),
    executeFrame(''),
    closeFrame('S', name),
  ])
}
