// Composition: what our own statements are given of the rooms, and how they ask the origin.

import type { ContextTable, PlanCache } from './cache/plans/index.ts'
import type { ResultCache } from './cache/results/index.ts'
import type { SettingsStore } from './config/index.ts'
import type { Decisions, Session } from './frontend/index.ts'
import type { Epochs } from './invalidation/index.ts'
import type { EventRing, Log, Metrics } from './observe/index.ts'
import type { Parser } from './sql/index.ts'
import { bindFrame, closeFrame, executeFrame, parseFrame } from './wire/index.ts'

export interface OwnParts {
  readonly directoryPath: string
  readonly store: SettingsStore
  readonly log: Log
  readonly metrics: Metrics
  readonly events: EventRing
  readonly parser: Parser
  readonly epochs: Epochs
  readonly results: ResultCache
  readonly decisions: Decisions
  readonly contexts: ContextTable
  plans(): PlanCache
  sessions(): Iterable<Session>
}

/** Name of the statement that a question of ours is prepared as. */
export const question = '_larder_question'

/** One question with text parameters, asked on the session's own connection. */
export function ask(session: Session, text: string, values: readonly (string | null)[]) {
  return session.ask(
    Buffer.concat([
      parseFrame(question, text),
      bindFrame('', question, values),
      executeFrame(''),
      closeFrame('S', question),
    ]),
  )
}
