// Whether the name of our schema is free in a database, or a schema that is not ours has it (SQL-12).
//
// The origin is asked at the first connection to a database and with every question for a session's context. What changes the
// catalogue makes the answer old: then the next statement of ours asks first.

import type { DatabaseEpochs } from '../invalidation/index.ts'

interface Finding {
  readonly taken: boolean
  /** Tick of the clock before it was asked. */
  readonly tick: number
}

export class SchemaWatch {
  readonly #findings = new Map<string, Finding>()
  readonly #changed: (database: string, taken: boolean) => void

  /** `changed`: what names of our schema mean in that database is another thing from now on. */
  constructor(changed: (database: string, taken: boolean) => void) {
    this.#changed = changed
  }

  /** True if anybody has looked. */
  isKnown(database: string): boolean {
    return this.#findings.has(database)
  }

  /** As last seen; free where nobody has looked. */
  isTaken(database: string): boolean {
    return this.#findings.get(database)?.taken ?? false
  }

  /** True if it was looked at after the last change of the catalogue that we know of. */
  isCurrent(database: DatabaseEpochs): boolean {
    const finding = this.#findings.get(database.name)
    return finding !== undefined && finding.tick >= database.schemaStamp
  }

  note(database: string, taken: boolean, tick: number): void {
    const before = this.isTaken(database)
    this.#findings.set(database, { taken, tick })
    if (taken !== before) this.#changed(database, taken)
  }

  /** Databases in which a schema that is not ours has the name. */
  *conflicts(): Iterable<string> {
    for (const [database, { taken }] of this.#findings) if (taken) yield database
  }
}
