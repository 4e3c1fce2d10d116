// What queries that follow the stream are given, and what they answer with.

import type { Lsn } from '../../cdc/index.ts'
import type { OriginTarget, SideColumn } from '../../origin/index.ts'
import type { Parser } from '../../sql/index.ts'
import type { FollowedState } from './followed-query.ts'

export interface FollowedParts {
  readonly target: () => OriginTarget
  readonly parser: Parser
  /** Of each query, about. */
  readonly bytesMax: () => number
  /** What names a life of the server, column `life`: another for another server, or after a fall. */
  readonly lifeQuestion: string
  /** Rules that a test leaves out: visible, marks. */
  readonly broken?: ReadonlySet<string>
}

export interface FollowedAnswer {
  readonly columns: readonly { readonly name: string; readonly typeOid: number; readonly modifier: number }[]
  /** As PostgreSQL prints them with DateStyle ISO and TimeZone UTC. */
  readonly rows: readonly (readonly (string | null)[])[]
  /** All that was committed before it is in them, and nothing else. */
  readonly position: Lsn
  readonly relations: readonly number[]
  /** As the origin describes an answer to the same query. */
  readonly description: readonly SideColumn[]
  /** Of the server that has told of it. */
  readonly life: string
}

/** What its answers are of, while it follows. */
export interface FollowedSubject {
  /** OIDs. */
  readonly relations: readonly number[]
  /** They hang on the TimeZone. */
  readonly isZoned: boolean
  /** Of groups of all rows of one relation, from which other statements can be answered. */
  readonly keyCount: number | undefined
}

export interface FollowedStatus {
  readonly id: string
  readonly state: FollowedState
  readonly reason: string | undefined
  /** Of memory, about. */
  readonly bytes: number
}
