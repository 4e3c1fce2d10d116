// What the result cache asks of L2.

import type { PartStore } from './large-answer.ts'

/** What L2 does for it: one namespace, and a few rows beside it. */
export interface AnswerStore extends PartStore {
  /** Another number each time it was opened; undefined while it is not open. */
  readonly incarnation: number | undefined
  /** True if nothing is there. */
  readonly isEmpty: boolean
  /** False for what is certainly not there. */
  mayHold(key: string): boolean
  get(key: string): Promise<Buffer | undefined>
  /** Neither waited for nor promised. */
  put(key: string, value: Buffer, about: { expiresAtMs: number; costUs: number; tags: readonly string[] }): void
  /** Durable when it returns. */
  empty(): Promise<void>
  /** Takes out what carries the tag. Durable when it returns. */
  forgetTag(tag: string): Promise<void>
  note(text: string): Promise<void>
  noted(): Promise<string | undefined>
}
