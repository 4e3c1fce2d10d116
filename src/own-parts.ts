// Composition: what our own statements are given of the rooms, and how they ask the origin.

import type { L1 } from './cache/blob/index.ts'
import type { ContextTable, PlanCache } from './cache/plans/index.ts'
import type { ResultCache, SecondTier } from './cache/results/index.ts'
import type { Views } from './cache/views/index.ts'
import type { ChangeFeeds } from './change-feeds.ts'
import type { SettingsStore } from './config/index.ts'
import { ServerError } from './errors/index.ts'
import type { Audits, Decisions, SchemaWatch, Session } from './frontend/index.ts'
import type { Epochs, InvalidationRing } from './invalidation/index.ts'
import type { EventRing, Log, Metrics } from './observe/index.ts'
import type { StoreDoor } from './own-store.ts'
import type { Parser } from './sql/index.ts'
import type { Standby } from './standby.ts'
import type { OpenSystemServer } from './virtual/index.ts'
import { bindFrame, closeFrame, executeFrame, parseFrame } from './wire/index.ts'

export interface OwnParts {
  readonly directoryPath: string
  readonly store: SettingsStore
  readonly log: Log
  readonly metrics: Metrics
  readonly events: EventRing
  readonly parser: Parser
  readonly epochs: Epochs
  readonly feeds: ChangeFeeds
  readonly standby: Standby | undefined
  readonly results: ResultCache
  readonly invalidations: InvalidationRing
  readonly audits: Audits
  readonly secondTier: SecondTier
  readonly decisions: Decisions
  readonly contexts: ContextTable
  readonly schemas: SchemaWatch
  readonly cache: StoreDoor
  readonly views: Views
  readonly l1: L1
  readonly openSystemServer?: OpenSystemServer | undefined
  plans(): PlanCache
  sessions(): Iterable<Session>
}

/** Name of the statement that a question of ours is prepared as. */
export const question = '_larder_question'

/** What the origin said to a question of ours, in its words. */
export function originError(
  fields: ReadonlyMap<string, string>,
  positionOf: (position: number) => number | undefined = () => undefined,
): ServerError {
  const condition = { sqlstate: fields.get('C') ?? 'XX000', severity: 'ERROR', message: '%s' } as const
  const position = fields.get('P')
  return new ServerError(condition, [fields.get('M') ?? 'the origin did not answer'], {
    detail: fields.get('D'),
    hint: fields.get('H'),
    position: position === undefined ? undefined : positionOf(Number(position)),
  })
}

/** A statement of ours cannot go on, and the client knows why: what ran for it has failed, and its error has been passed on. */
export class ToldError extends Error {
  override readonly name = 'ToldError'
}

/**
 * One question with text parameters, asked on the session's own connection. One that failed before this has left its statement behind; and in a
 * block the unnamed portal may be the client's.
 */
export function ask(session: Session, text: string, values: readonly (string | null)[]) {
  return session.ask(
    Buffer.concat([
      closeFrame('S', question),
      parseFrame(question, text),
      bindFrame(question, question, values),
      executeFrame(question),
      closeFrame('P', question),
      closeFrame('S', question),
    ]),
  )
}
