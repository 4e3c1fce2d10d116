// What a stream that is followed is given.

import type { Clock } from '../base/index.ts'
import type { DatabaseEpochs } from '../invalidation/index.ts'
import type { SideClient } from '../origin/index.ts'
import type { Decoder } from './feed-line.ts'
import type { ForeignCommits } from './foreign-commits.ts'
import type { RelationNames } from './relation-names.ts'
import type { ReplicationStream } from './replication-stream.ts'

export interface FollowingParts {
  readonly epochs: DatabaseEpochs
  readonly commits: ForeignCommits
  readonly clock: Clock
  readonly side: SideClient
  readonly stream: ReplicationStream
  readonly decoder: Decoder
  /** Names as a stream knew them that broke off where this one goes on: nothing was missed. */
  readonly names?: RelationNames | undefined
  /** What was started at this tick or later holds, for nothing was committed since then (asked after the stream began). */
  readonly unmovedSince: (side: SideClient) => Promise<number | undefined>
  readonly tally: FeedTally
  /** Somebody changes the catalogue. */
  readonly onDdl: () => void
  /** Rules of consistency left out on purpose. */
  readonly broken: ReadonlySet<string>
}

/** Told of what is heard. */
export interface FeedTally {
  transaction(): void
  change(): void
}
