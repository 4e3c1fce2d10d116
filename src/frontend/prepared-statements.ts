// The statements a client has prepared, by name, and whether the origin knows them yet.
//
// A Parse that was answered here is replayed under the same name before the first message that needs it at the origin
// (origins.md section 7). The unnamed statement is one of them, under the empty name.

import type { StatementText } from '../cache/plans/index.ts'
import { parseFrame } from '../wire/index.ts'
import type { ParseStep, Step } from './batch.ts'

export interface PreparedStatement {
  readonly name: string
  readonly text: StatementText
  /** Text and parameter types as latin1-carried bytes. */
  readonly source: string
  readonly types: string
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
    const { name, text: source, types } = step
    this.#byName.set(name, { name, text, source, types, atOrigin, provenTick, contextId })
  }

  /** The unnamed statement, parsed here alone and without parameter types. */
  addUnnamed(text: StatementText, provenTick: number, contextId: number): void {
    this.#byName.set('', { name: '', text, source: text.text, types: '', atOrigin: false, provenTick, contextId })
  }

  delete(name: string): void {
    this.#byName.delete(name)
  }

  clear(): void {
    this.#byName.clear()
  }

  /** Parse frames the origin must get before it gets these steps; the statements count as known there from now on. */
  replay(steps: readonly Step[]): Buffer[] {
    const frames: Buffer[] = []
    const parsed = new Set<string>()
    for (const step of steps) {
      if (step.kind === 'parse') {
        // A named statement that exists already is an error at the origin only if the origin knows of it.
        if (step.name !== '') this.#replayOne(step.name, frames)
        parsed.add(step.name)
      } else if (step.kind === 'bind' && !parsed.has(step.statement)) this.#replayOne(step.statement, frames)
      else if ((step.kind === 'describe' || step.kind === 'close') && step.target === 'S' && !parsed.has(step.name)) {
        this.#replayOne(step.name, frames)
      }
    }
    return frames
  }

  /** Everything the origin does not know yet; before SQL that names prepared statements itself. */
  replayAll(): Buffer[] {
    const frames: Buffer[] = []
    for (const name of this.#byName.keys()) if (name !== '') this.#replayOne(name, frames)
    return frames
  }

  #replayOne(name: string, frames: Buffer[]): void {
    const statement = this.#byName.get(name)
    if (statement === undefined || statement.atOrigin) return
    statement.atOrigin = true
    const types = statement.types === '' ? undefined : Buffer.from(statement.types, 'latin1')
    frames.push(parseFrame(name, statement.source, types, 'latin1'))
  }
}
