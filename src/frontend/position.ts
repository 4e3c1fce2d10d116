// Asks the origin where it stands, for the proof that answers in L2 still hold (L2-30).

import { positionQuestion } from '../cache/results/index.ts'
import { bindFrame, closeFrame, executeFrame, parseFrame } from '../wire/index.ts'
import type { Session } from './session.ts'

const name = '_larder_position'

const frames = Buffer.concat([
  closeFrame('S', name),
  parseFrame(name, positionQuestion),
  bindFrame('', name, []),
  executeFrame(''),
  closeFrame('S', name),
])

/** Only outside a block: the snapshot of a transaction may be old. True if the answer may prove something later. */
export async function askPosition(session: Session): Promise<boolean> {
  const { secondTier, clock } = session.services
  const { rows, error } = await session.ask(frames)
  if (session.ended || session.link.closed) return false
  if (error === undefined) return secondTier.heard(rows[0], clock.nowMs())
  secondTier.refused()
  return false
}
