// Composition: what readers of a relation can rely on now, as cache.guarantees has it, and why it is no more than that.

import type { ChangeFeeds, FollowedDatabase } from './change-feeds.ts'
import { feedFailure, proofOf } from './feed-rows.ts'
import type { Epochs, Horizon, Relation } from './invalidation/index.ts'
import { precisionOf } from './row-precision.ts'
import type { GuaranteeRow } from './virtual/index.ts'

interface GuaranteeParts {
  readonly epochs: Epochs
  readonly feeds: ChangeFeeds
  readonly resultTtlMs: number
  /** invalidation_precision is `row`. */
  readonly isInRows: boolean
}

/** Of relations that an answer was derived from since the start. */
export function* guaranteeRows({ epochs, feeds, resultTtlMs, isInRows }: GuaranteeParts): Generator<GuaranteeRow> {
  for (const { name: database, relations, horizon } of epochs.databases.values()) {
    const followed = feeds.followed(database)
    const broken = whyNoFeed(feeds, followed)
    for (const relation of relations.values()) {
      if (relation.name === undefined) continue
      const { proof, feed, lagMs } = proofOf(relation, database, feeds)
      const isCovered = feed !== undefined
      const rows = precisionOf(relation, isCovered, isInRows)
      yield {
        ...{ oid: relation.oid, name: relation.name, proof, feed },
        consistency: strongestOf(relation, horizon),
        stalenessMs: isCovered ? lagMs : resultTtlMs,
        reason: isCovered ? rows.remedy : (whyUnfed(relation, followed) ?? broken),
        sinceMs: followed?.feed?.sinceMs ?? followed?.sinceMs,
        precision: rows.precision,
      }
    }
  }
}

/** The strongest level at which hits are served now. */
function strongestOf({ isUnfed }: Relation, { state }: Horizon): GuaranteeRow['consistency'] {
  if (state === 'streaming' && !isUnfed) return 'strict'
  // Where nothing ever told of foreign writes, `session` is about what is written through this server.
  return state === 'unheard' || isUnfed ? 'session' : 'eventual'
}

/** Why nobody tells of what is written past this server to a database at all. */
function whyNoFeed(feeds: ChangeFeeds, followed: FollowedDatabase | undefined): string | undefined {
  if (!feeds.isOn) return 'feed is off; set feed = auto and restart'
  const feed = followed?.feed
  if (followed === undefined) return 'no session uses the database now, so nobody follows it'
  if (feed === undefined) return 'the feed has let go of the database: somebody wanted it without other connections'
  if (feed.state === 'connecting') return feedFailure(feed) ?? 'the feed is about to begin'
  if (feed.state === 'lost') return `the feed was lost and is begun again: ${feed.reason}`
  if (feed.state !== 'streaming') return feed.reason
  if (feed.watch?.isLate !== true) return undefined
  const seconds = ((feed.watch.lagMs ?? 0) / 1000).toFixed(1)
  return `the feed is ${seconds} seconds behind: a large transaction, or an origin that is busy`
}

/** Why no feed could tell of this relation. */
function whyUnfed({ oid, unlogged, isUnfed }: Relation, followed: FollowedDatabase | undefined): string | undefined {
  if (unlogged) return 'unlogged: what is written to it is in no log; ALTER TABLE … SET LOGGED'
  if (followed?.feed?.isTold(oid) === false)
    return 'not published in full (no row filter, no column list, insert, update, delete and truncate, not by its root); ALTER PUBLICATION … ADD TABLE'
  return isUnfed ? 'materialized: a REFRESH is in no stream; run it through this server' : undefined
}
