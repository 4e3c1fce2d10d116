// Composition: rows of cache.feed, and what a relation may rely on.

import { type ChangeFeed, writeLsn } from './cdc/index.ts'
import type { ChangeFeeds, FollowedDatabase } from './change-feeds.ts'
import type { Epochs, Relation } from './invalidation/index.ts'
import type { Standby } from './standby.ts'
import type { FeedRow, RelationRow } from './virtual/index.ts'

export function* feedRows(feeds: ChangeFeeds, standby: Standby | undefined, epochs: Epochs): Generator<FeedRow> {
  for (const followed of feeds.databases()) yield feedRow(followed, feeds.isOn)
  if (standby !== undefined) yield standbyRow(standby, epochs)
}

/** What is read in place of the origin, and how far it has come. */
function standbyRow({ watch }: Standby, { databases }: Epochs): FeedRow {
  const { last, reason, sinceMs, strangeness } = watch
  const marks = [...databases.values()].map(({ horizon }) => horizon.marks)
  const heard = marks.flatMap((each) => each.last?.lsn ?? []).reduce((one, other) => (one > other ? one : other), 0n)
  const behind = last === undefined ? [] : marks.flatMap((each) => each.firstBeyond(last.replayed)?.atMs ?? [])
  return {
    ...{ name: 'read_origin', kind: 'physical', slot: undefined, plugin: undefined },
    state: reason === undefined ? (strangeness === undefined ? 'streaming' : 'refused') : last ? 'refused' : 'lost',
    position: last === undefined ? undefined : writeLsn(last.replayed),
    originLsn: heard === 0n ? undefined : writeLsn(heard),
    lagMs: last === undefined ? undefined : behind.length === 0 ? 0 : Math.max(0, Date.now() - Math.min(...behind)),
    lagBytes: last === undefined || heard === 0n ? undefined : Math.max(0, Number(heard - last.replayed)),
    ...{ watermarkAtMs: undefined, transactions: 0, changes: 0, gaps: 0, retainedBytes: undefined, sinceMs },
    lastError: reason ?? strangeness,
  }
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
