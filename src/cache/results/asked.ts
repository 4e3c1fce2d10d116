// The answer that a reader wants of the second tier.

import type { Entry, EntryOwner } from './entry.ts'

/** The statement an answer belongs to, as a reader has it. */
interface AskedText extends EntryOwner {
  readonly outdated: boolean
  find(contextId: number, parameters: string): unknown
  keep(entry: Entry): void
}

/** The answer a reader wants. */
export interface Asked {
  readonly text: AskedText
  readonly database: string
  readonly contextId: number
  readonly parameters: string
  /** In memory, for its reader. */
  readonly priority: number
}
