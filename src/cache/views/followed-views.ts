// The views that follow changes, by database: one stream for all of a database, which ends with the last of them.

import { conditions, ServerError } from '../../errors/index.ts'
import type { OriginTarget } from '../../origin/index.ts'
import type { Parser } from '../../sql/index.ts'
import { FollowedQueries } from './followed-queries.ts'
import type { Made, ViewWish } from './view.ts'

export interface FollowedViewsParts {
  readonly target: (database: string) => OriginTarget
  readonly parser: Parser
  /** What names a life of the origin, column `life`. */
  readonly lifeQuestion: string
  readonly limits: () => { readonly bytesMax: number }
  readonly feed: {
    /** Why nobody would hear of changes; undefined if they are heard of. */
    refusal(database: string): string | undefined
  }
}

/** A view that cannot follow within that time is refused. */
const followMsMax = 60_000

export class FollowedViews {
  readonly #parts: FollowedViewsParts
  readonly #byDatabase = new Map<string, FollowedQueries>()
  readonly #closing = new Set<Promise<void>>()

  constructor(parts: FollowedViewsParts) {
    this.#parts = parts
  }

  of(database: string): FollowedQueries | undefined {
    return this.#byDatabase.get(database)
  }

  /** Resolves when it follows. Throws 55000 where there is no feed or it takes too long, 0A000 with the reason for a query that cannot. */
  async begin(wish: ViewWish, id: string, signal: AbortSignal, closing: AbortSignal): Promise<void> {
    const { database, name } = wish
    const refusal = this.#parts.feed.refusal(database)
    if (refusal !== undefined) throw new ServerError(conditions.cannotFollow, [name, refusal])
    const over = AbortSignal.any([signal, closing, AbortSignal.timeout(followMsMax)])
    const queries = this.#open(database)
    const giveUp = () => queries.remove(id)
    over.addEventListener('abort', giveUp, { once: true })
    const { state, reason } = await queries.add(wishOf(wish, id))
    over.removeEventListener('abort', giveUp)
    signal.throwIfAborted()
    if (state === 'following') return
    throw over.aborted
      ? new ServerError(conditions.cannotFollow, [name, 'it was not filled in time'])
      : new ServerError(conditions.featureNotSupported, ['a view that follows changes by this query'], {
          detail: reason,
          hint: "Make it with refresh = 'on change'.",
        })
  }

  /** One that did so before: as soon as the origin can be reached, and again whenever it can. */
  resume(view: Made): void {
    this.#open(view.database)
      .add(wishOf(view, view.id))
      .catch(() => undefined)
  }

  /** With the last one goes the stream. */
  end(database: string, id: string): void {
    const queries = this.#byDatabase.get(database)
    queries?.remove(id)
    if (queries === undefined || !queries.status().next().done) return
    this.#byDatabase.delete(database)
    this.#closing.add(queries.close().catch(() => undefined))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#closing, ...[...this.#byDatabase.values()].map((queries) => queries.close())])
  }

  #open(database: string): FollowedQueries {
    const { target, parser, limits, lifeQuestion } = this.#parts
    const open = this.#byDatabase.get(database)
    if (open !== undefined) return open
    const queries = new FollowedQueries({
      ...{ target: () => target(database), parser, lifeQuestion },
      bytesMax: () => limits().bytesMax,
    })
    this.#byDatabase.set(database, queries)
    return queries
  }
}

function wishOf({ query: text, searchPath, owner }: ViewWish, id: string) {
  return { id, text, searchPath, owner }
}
