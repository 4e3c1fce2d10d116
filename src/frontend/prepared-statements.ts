// The statements a client has prepared, by name, and whether the origin knows them yet.
//
// A Parse that was answered here is replayed under the same name before the first message that needs it at the origin
// (origins.md section 7). The unnamed statement is one of them, under the empty name.
//
// A name may also be unclear: the origin may have a statement under it that we do not know. Whatever uses it is the origin's to answer.

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
  /** False while the origin may still say that it did not take it. */
  answered: boolean
}

/** There is none under the name, or (`unclear`) it is not known whether there is. */
interface NoStatement {
  readonly text: undefined
  readonly unclear: boolean
}

/** What a name stands for: another object each time it is given something to stand for. */
export type Meaning = PreparedStatement | NoStatement

/** The origin cuts longer names off. */
const nameBytesMax = 63

/** So many unclear names are remembered one by one. */
const unclearMax = 1000

export class PreparedStatements {
  readonly #meanings = new Map<string, Meaning>()
  #unclearCount = 0
  /** Any name of which nothing is known is unclear. */
  #anyUnclear = false
  /** Code that the origin ran may have changed what names stand for there (name-doubts.ts). */
  inDoubt = false

  get count(): number {
    let count = 0
    for (const { text } of this.#meanings.values()) if (text !== undefined) count++
    return count
  }

  get(name: string): PreparedStatement | undefined {
    const meaning = this.#meanings.get(name)
    return meaning?.text === undefined ? undefined : meaning
  }

  /** True if no statement is under the name, here or at the origin. */
  isFree(name: string): boolean {
    return name === '' || !(this.#anyUnclear || this.#meanings.has(name))
  }

  add(
    step: ParseStep,
    text: StatementText,
    atOrigin: boolean,
    provenTick: number,
    contextId: number,
  ): PreparedStatement {
    const { name, source, types, aside } = step
    const statement = { name, text, source, types, aside, atOrigin, provenTick, contextId, answered: true }
    this.#meanings.set(name, statement)
    return statement
  }

  /** A statement of ours, prepared by SQL. */
  addOurs(name: string, text: StatementText, head: string, provenTick: number): void {
    const about = { source: text.text, types: '', aside: undefined, ours: true, head, atOrigin: true, answered: true }
    this.#meanings.set(name, { name, text, ...about, provenTick, contextId: contextUnknown })
  }

  /** The unnamed statement, parsed here alone and without parameter types. */
  addUnnamed(
    text: StatementText,
    source: string,
    aside: Aside | undefined,
    provenTick: number,
    contextId: number,
  ): void {
    const atOrigin = false
    const answered = true
    this.#meanings.set('', { name: '', text, source, types: '', aside, atOrigin, provenTick, contextId, answered })
  }

  /** None is under the name any more. */
  delete(name: string): void {
    this.#meanings.delete(name)
  }

  meaningOf(name: string): Meaning | undefined {
    return this.#meanings.get(name)
  }

  give(name: string, meaning: Meaning | undefined): void {
    if (meaning === undefined) this.#meanings.delete(name)
    else this.#meanings.set(name, meaning)
  }

  /** What the name stands for is not known any more, unless it is ours. */
  forget(name: string): void {
    if (this.get(name)?.ours) return
    if (name === '' || this.#unclearCount >= unclearMax) {
      this.#meanings.delete(name)
      if (name !== '') this.#anyUnclear = true
      return
    }
    this.#unclearCount++
    this.#meanings.set(name, { text: undefined, unclear: true })
  }

  /** The same of every name. */
  forgetAll(): void {
    for (const [name, meaning] of this.#meanings) {
      if (meaning.text === undefined || !meaning.ours) this.#meanings.delete(name)
    }
    this.#unclearCount = 0
    this.#anyUnclear = true
  }

  /** What the origin has prepared, by name; true of what SQL has, and nobody's Parse. */
  reconcile(there: ReadonlyMap<string, boolean>): void {
    for (const [name, meaning] of this.#meanings) {
      if (meaning.text === undefined || name === '' || meaning.ours || !meaning.atOrigin) continue
      const bySql = there.get(name.slice(0, nameBytesMax))
      if (bySql === undefined) this.#meanings.delete(name)
      else if (bySql) this.forget(name)
    }
    for (const [name, bySql] of there) {
      const meaning = this.#meanings.get(name)
      const isUnclear = meaning === undefined ? this.#anyUnclear : meaning.text === undefined && meaning.unclear
      if (bySql && !isUnclear) this.forget(name)
    }
  }

  /** Names of which nothing is known may stand for something. */
  doubtOthers(): void {
    this.#anyUnclear = true
  }

  /** The session's context may have changed: what was prepared in an unknown one is not known to be in the next. */
  loseContext(): void {
    for (const statement of this.#meanings.values()) {
      if (statement.text !== undefined && statement.contextId === contextUnknown) statement.contextId = contextLost
    }
  }

  /** What the origin has prepared by name. */
  *atOrigin(): Generator<StatementText> {
    for (const meaning of this.#meanings.values()) {
      if (meaning.text !== undefined && meaning.name !== '' && meaning.atOrigin && !meaning.ours) yield meaning.text
    }
  }

  /** True if one of ours has been prepared. */
  get hasOurs(): boolean {
    for (const meaning of this.#meanings.values()) if (meaning.text !== undefined && meaning.ours) return true
    return false
  }

  /** None is under any name. */
  clear(): void {
    this.#meanings.clear()
    this.#unclearCount = 0
    this.#anyUnclear = false
    this.inDoubt = false
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

  /** Everything the origin does not know yet; before SQL that names prepared statements itself, and before a Bind that was not read. */
  replayAll(unnamed = false): readonly PreparedStatement[] {
    let replays = noReplays
    for (const name of this.#meanings.keys()) if (unnamed || name !== '') replays = this.#withReplay(replays, name)
    return replays
  }

  /** `replays`, and the statement if the origin does not know it: from now on it does. */
  #withReplay(replays: readonly PreparedStatement[], name: string): readonly PreparedStatement[] {
    const statement = this.get(name)
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
