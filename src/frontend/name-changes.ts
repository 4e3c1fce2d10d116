// What the Parses and Closes of a unit make of names, until the origin has answered them.
//
// They count from the moment they are sent, so that what the client sends behind them is understood. The origin answers each message, in
// order, and ignores what comes behind an error: those names stand for what they did before, unless a later message has changed that again.

import type { StatementText } from '../cache/plans/index.ts'
import type { ParseStep } from './batch.ts'
import type { Meaning } from './prepared-statements.ts'
import type { Missed } from './request.ts'
import type { Session } from './session.ts'

interface Change {
  readonly name: string
  readonly before: Meaning | undefined
  readonly now: Meaning
}

export class NameChanges {
  readonly #session: Session
  /** For each message that is not answered what it changes, if it changes anything. */
  readonly #waiting: (Change | undefined)[] = []
  /** Nobody knows which answer is whose. */
  #lost = false

  constructor(session: Session) {
    this.#session = session
  }

  /** A Parse goes to the origin; of a text that was not kept all that is known is that it may be there. */
  parse(step: ParseStep, text: StatementText | undefined): void {
    const { statements } = this.#session
    const { name } = step
    if (this.#lost) {
      statements.forget(name)
      return
    }
    const before = statements.meaningOf(name)
    const now = text === undefined ? { text, unclear: true } : this.#session.prepare(step, text, true)
    if (now.text === undefined) statements.give(name, now)
    else now.answered = false
    this.#waiting.push({ name, before, now })
  }

  close(name: string): void {
    const { statements } = this.#session
    if (this.#lost) {
      statements.forget(name)
      return
    }
    const before = statements.meaningOf(name)
    const now = { text: undefined, unclear: false }
    statements.give(name, now)
    this.#waiting.push({ name, before, now })
  }

  /** A message that changes no name. */
  other(): void {
    this.#waiting.push(undefined)
  }

  /** A message was not looked at. */
  miss(missed: Missed): void {
    if (missed === 'bind') this.other()
    else if (missed === 'text') this.#session.statements.doubtOthers()
    else {
      this.#session.statements.forgetAll()
      this.#waiting.length = 0
      this.#lost = true
    }
  }

  /** The origin has done what the next message asked for. */
  answered(): void {
    const change = this.#waiting.shift()
    if (change === undefined) return
    const { name, now } = change
    if (now.text !== undefined) now.answered = true
    else if (!now.unclear && this.#session.statements.meaningOf(name) === now) this.#session.statements.delete(name)
  }

  /** The next message was an error, and what comes behind it is ignored. */
  failed(): void {
    const { statements } = this.#session
    const [first] = this.#waiting
    for (const change of this.#waiting.splice(0).reverse()) {
      if (change === undefined) continue
      const { name, before, now } = change
      // A Parse that fails leaves no unnamed statement, and a named one as it was.
      const isDropped = change === first && name === ''
      if (statements.meaningOf(name) === now && !isDropped) statements.give(name, before)
      else statements.forget(name)
    }
  }
}

/** Behind it a prepared statement's name may stand for another text than its Parse gave. */
export function forgetRenamed(session: Session, text: StatementText): void {
  const { renamed } = text.shape.statement
  const isReadable = session.readsTexts || !/[\\\x80-\xff]/.test(text.text)
  if (renamed === undefined || (renamed.length > 0 && !isReadable)) session.statements.forgetAll()
  // Names are kept as bytes.
  else for (const name of renamed) session.statements.forget(Buffer.from(name).toString('latin1'))
}
