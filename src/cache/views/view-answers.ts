// Views as answers to statements that do not name them: those that ask the same, and those that have gathered what a statement needs.

import { EvaluationError, NotMaintainable } from '../../deltas/index.ts'
import type { FollowedAnswer, FollowedSubject } from './followed-parts.ts'
import type { FollowedViews } from './followed-views.ts'
import type { Made, View } from './view.ts'
import { ViewShapes } from './view-shapes.ts'

interface Rewrite {
  readonly atMs: number
  readonly view: string
  readonly fingerprint: string
  readonly statement: string
}

/** So many are kept of each database. */
const rewritesMax = 500

export class ViewAnswers {
  readonly #followed: FollowedViews
  readonly #views: (database: string) => ReadonlyMap<string, Made> | undefined
  /** By database, to find them by what they ask. */
  readonly #shapes = new Map<string, ViewShapes<Made>>()
  readonly #rewrites = new Map<string, Rewrite[]>()

  constructor(followed: FollowedViews, views: (database: string) => ReadonlyMap<string, Made> | undefined) {
    this.#followed = followed
    this.#views = views
  }

  add(view: Made): void {
    const shapes = this.#shapes.get(view.database) ?? new ViewShapes<Made>()
    this.#shapes.set(view.database, shapes)
    shapes.add(view)
  }

  remove(view: Made): void {
    this.#shapes.get(view.database)?.remove(view)
  }

  /** A view has answered a statement that does not name it. */
  noteAnswer({ database, name, id }: View, about: Pick<Rewrite, 'fingerprint' | 'statement'>, atMs: number): void {
    for (const view of this.#views(database)?.values() ?? []) if (view.id === id) view.answered++
    const rewrites = this.#rewrites.get(database) ?? []
    this.#rewrites.set(database, rewrites)
    rewrites.push({ atMs, view: name, ...about })
    if (rewrites.length > 2 * rewritesMax) rewrites.splice(0, rewritesMax)
  }

  /** The latest. */
  rewrites(database: string): readonly Rewrite[] {
    return this.#rewrites.get(database)?.slice(-rewritesMax) ?? []
  }

  /** False if there are no views. */
  isOpen(database: string): boolean {
    return (this.#views(database)?.size ?? 0) > 0
  }

  /** Views that ask just what a statement asks; `shape` is the normal form of its text. */
  alike(database: string, shape: string, text: () => string): readonly View[] {
    return this.#shapes.get(database)?.find(shape, text) ?? []
  }

  /** Views that have gathered all rows of this relation, the coarsest first. */
  gathering(database: string, relation: number): readonly View[] {
    const found: { readonly view: Made; readonly keyCount: number }[] = []
    for (const view of this.#views(database)?.values() ?? []) {
      const { relations, keyCount } = (view.policy.kind === 'incremental' && this.subject(view)) || { relations: [] }
      if (keyCount !== undefined && relations[0] === relation) found.push({ view, keyCount })
    }
    return found.sort((one, other) => one.keyCount - other.keyCount).map(({ view }) => view)
  }

  /** Why a statement over that relation is not answered from what a view has gathered; undefined if it is. */
  whyNot({ database, id }: View, statement: unknown): string | undefined {
    return this.#followed.of(database)?.whyNot(id, statement) ?? undefined
  }

  /** What the answers of a view that follows changes are of; undefined while it does not. */
  subject({ database, id }: View): FollowedSubject | undefined {
    return this.#followed.of(database)?.subject(id)
  }

  /** The rows of a view that follows changes, when they have all that was committed before this position; undefined if that is not in time. */
  async answer(
    { database, id }: View,
    atLeast: bigint,
    waitMs: number,
    signal: AbortSignal,
    statement?: unknown,
  ): Promise<FollowedAnswer | undefined> {
    const read = this.#followed.of(database)?.read(id, atLeast, waitMs, signal, statement)
    return await read?.catch((error: unknown): FollowedAnswer | undefined => {
      // PostgreSQL says it in its own words.
      if (error instanceof EvaluationError || error instanceof NotMaintainable) return undefined
      throw error
    })
  }
}
