// The statements a client has prepared, by name, and whether the origin knows them yet.
//
// A Parse that was answered here is replayed under the same name before the first message that needs it at the origin
// (origins.md section 7). The unnamed statement is one of them, under the empty name.

import type { StatementText } from '../cache/plans/index.ts'
import { parseFrame } from '../wire/index.ts'
import type { ParseStep, Step } from './batch.ts'
import type { Aside } from './source-text.ts'

/** Context of a statement prepared before the session's was asked for; and of one whose context has changed unknown. */
export const contextUnknown = -1
const contextLost = -2

export interface PreparedStatement {
  readonly name: string
  readonly text: StatementText
  /** Text, as the client sent it, and parameter types as latin1-carried bytes. */
  readonly source: string
  readonly types: string
  readonly aside: Aside | undefined
  /** Prepared here for good: the origin never hears of it, nor of the name. */
  ours?: boolean
  /** Of one of ours that SQL has prepared: what stood between its name and itself, types and AS. */
  readonly head?: string
  atOrigin: boolean
  /** Tick at which the origin last took it as it is, or would have: a later change of the catalogue may change its columns. */
  provenTick: number
  /** Context in which that was. */
  contextId: number
}

export class PreparedStatements {
  readonly #byName = new Map<string, PreparedStatement>()

  get count(): number {
    return this.#byName.size
  }

  get(name: string): PreparedStatement | undefined {
    return this.#byName.get(name)
  }

  add(step: ParseStep, text: StatementText, atOrigin: boolean, provenTick: number, contextId: number): void {
    const { name, source, types, aside } = step
    this.#byName.set(name, { name, text, source, types, aside, atOrigin, provenTick, contextId })
  }

  /** A statement of ours, prepared by SQL. */
  addOurs(name: string, text: StatementText, head: string, provenTick: number): void {
    const about = { source: text.text, types: '', aside: undefined, ours: true, head, atOrigin: true }
    this.#byName.set(name, { name, text, ...about, provenTick, contextId: contextUnknown })
  }

  /** The unnamed statement, parsed here alone and without parameter types. */
  addUnnamed(
    text: StatementText,
    source: string,
    aside: Aside | undefined,
    provenTick: number,
    contextId: number,
  ): void {
    this.#byName.set('', { name: '', text, source, types: '', aside, atOrigin: false, provenTick, contextId })
  }

  delete(name: string): void {
    this.#byName.delete(name)
  }

  /** The session's context may have changed: what was prepared in an unknown one is not known to be in the next. */
  loseContext(): void {
    for (const statement of this.#byName.values()) {
      if (statement.contextId === contextUnknown) statement.contextId = contextLost
    }
  }

  /** Which of the origin's there are is not known any more. */
  forgetOrigins(): void {
    for (const [name, statement] of this.#byName) if (!statement.ours) this.#byName.delete(name)
  }

  /** True if one of ours has been prepared. */
  get hasOurs(): boolean {
    for (const statement of this.#byName.values()) if (statement.ours) return true
    return false
  }

  clear(): void {
    this.#byName.clear()
  }

  /** Statements the origin must get before it gets these steps; they count as known there from now on. */
  replay(steps: readonly Step[]): readonly PreparedStatement[] {
    let replays = noReplays
    let parsed: Set<string> | undefined
    for (const step of steps) {
      if (step.kind === 'parse') {
        // A named statement that exists already is an error at the origin only if the origin knows of it.
        if (step.name !== '') replays = this.#withReplay(replays, step.name)
        parsed ??= new Set()
        parsed.add(step.name)
      } else if (step.kind === 'bind') {
        if (!parsed?.has(step.statement)) replays = this.#withReplay(replays, step.statement)
      } else if (
        (step.kind === 'describe' || step.kind === 'close') &&
        step.target === 'S' &&
        !parsed?.has(step.name)
      ) {
        replays = this.#withReplay(replays, step.name)
      }
    }
    return replays
  }

  /** Everything the origin does not know yet; before SQL that names prepared statements itself. */
  replayAll(): readonly PreparedStatement[] {
    let replays = noReplays
    for (const name of this.#byName.keys()) if (name !== '') replays = this.#withReplay(replays, name)
    return replays
  }

  /** `replays`, and the statement if the origin does not know it: from now on it does. */
  #withReplay(replays: readonly PreparedStatement[], name: string): readonly PreparedStatement[] {
    const statement = this.#byName.get(name)
    if (statement === undefined || statement.atOrigin) return replays
    statement.atOrigin = true
    return [...replays, statement]
  }
}

const noReplays: readonly PreparedStatement[] = []

/** The Parse frame of a statement, as its client sent it. */
export function parseFrameOf(statement: PreparedStatement): Buffer {
  const types = statement.types === '' ? undefined : Buffer.from(statement.types, 'latin1')
  return parseFrame(statement.name, statement.source, types, 'latin1')
}
