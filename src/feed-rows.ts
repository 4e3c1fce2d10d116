// Composition: rows of cache.feed, and what a relation may rely on.

import { type ChangeFeed, writeLsn } from './cdc/index.ts'
import type { ChangeFeeds, FollowedDatabase } from './change-feeds.ts'
import type { Relation } from './invalidation/index.ts'
import type { FeedRow, RelationRow } from './virtual/index.ts'

export function* feedRows(feeds: ChangeFeeds): Generator<FeedRow> {
  for (const followed of feeds.databases()) yield feedRow(followed, feeds.isOn)
}

function feedRow(followed: FollowedDatabase, isOn: boolean): FeedRow {
  const { feed, transactions, changes, gaps } = followed
  const { watch, following, slot } = feed ?? {}
  const position = following?.settled
  const originLsn = watch?.originLsn
  return {
    ...{ name: followed.name, transactions, changes, gaps },
    kind: isOn ? 'logical' : 'none',
    slot,
    plugin: slot === undefined ? undefined : feed?.plugin,
    state: feed === undefined ? (isOn ? 'apart' : 'off') : feed.state,
    position: position === undefined ? undefined : writeLsn(position),
    originLsn: originLsn === undefined ? undefined : writeLsn(originLsn),
    lagMs: following === undefined ? undefined : watch?.lagMs,
    lagBytes: position === undefined || originLsn === undefined ? undefined : Math.max(0, Number(originLsn - position)),
    watermarkAtMs: watch?.watermarkMs,
    retainedBytes: watch?.retainedBytes,
    sinceMs: feed?.sinceMs ?? followed.sinceMs,
    lastError: isOn ? feed && feedFailure(feed) : 'feed is off',
  }
}

/** A slot is there as soon as all that wrote when it was asked for has ended. */
const slotMs = 1000

/** Why it does not stream. */
export function feedFailure({ state, slot, sinceMs, reason }: ChangeFeed): string | undefined {
  if (state !== 'connecting' || slot === undefined || Date.now() - sinceMs < slotMs) return reason
  return 'waits for transactions that were writing, or prepared, when it began'
}

/** What foreign changes of its rows are bounded by: the feed, where one streams that can tell of them. */
export function proofOf(
  relation: Relation,
  database: string,
  feeds: ChangeFeeds,
): Pick<RelationRow, 'proof' | 'feed' | 'lagMs'> {
  const feed = relation.isUnfed ? undefined : feeds.feedOf(database)
  if (feed?.following === undefined || feed.watch?.isLate)
    return { proof: 'own_writes', feed: undefined, lagMs: undefined }
  return { proof: 'exact', feed: database, lagMs: feed.watch?.lagMs }
}
