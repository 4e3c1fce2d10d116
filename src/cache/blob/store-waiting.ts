// Who waits on the wire thread for an answer of the store. Objects of classes, and not closures made for each request: code that was
// made fast for a closure is thrown away with the last of its kind at the next collection of garbage, and made fast anew.

import { ServerError } from '../../errors/index.ts'
import type { ErrorMessage, ListedMessage, Reply } from './store-messages.ts'

export interface Waiting {
  answer(reply: Reply): void
  /** No answer will come, or none in time. */
  giveUp(error: Error | undefined): void
  /** Of reads with a limit. */
  deadlineUs: number
}

/** A read: what it found, or undefined if nobody can say. */
export class WaitingRead implements Waiting {
  readonly promise: Promise<unknown>
  deadlineUs: number
  readonly #resolve: (result: unknown) => void

  constructor(deadlineUs: number) {
    this.promise = new Promise(keepSettlers)
    this.#resolve = keptResolve
    this.deadlineUs = deadlineUs
  }

  answer(reply: Reply): void {
    if (!('part' in reply)) this.#resolve('result' in reply ? reply.result : undefined)
  }

  giveUp(): void {
    this.#resolve(undefined)
  }
}

/** A list: all parts joined. */
export class WaitingList implements Waiting {
  readonly promise: Promise<unknown>
  deadlineUs = Number.POSITIVE_INFINITY
  readonly #resolve: (result: unknown) => void
  readonly #rows: ListedMessage[] = []

  constructor() {
    this.promise = new Promise(keepSettlers)
    this.#resolve = keptResolve
  }

  answer(reply: Reply): void {
    if ('part' in reply) this.#rows.push(...reply.part)
    else this.#resolve(this.#rows)
  }

  giveUp(): void {
    this.#resolve(this.#rows)
  }
}

/** A write or a chore: its result and whether it is durable, or why it was not done. */
export class WaitingWrite implements Waiting {
  readonly promise: Promise<unknown>
  deadlineUs = Number.POSITIVE_INFINITY
  readonly #resolve: (result: unknown) => void
  readonly #reject: (error: Error) => void

  constructor() {
    this.promise = new Promise(keepSettlers)
    this.#resolve = keptResolve
    this.#reject = keptReject
  }

  answer(reply: Reply): void {
    if ('error' in reply) this.#reject(errorOf(reply.error))
    else if ('result' in reply) this.#resolve(reply)
  }

  giveUp(error: Error | undefined): void {
    this.#reject(error ?? lostError())
  }
}

let keptResolve: (result: unknown) => void
let keptReject: (error: Error) => void

/** Promises call it at once. */
function keepSettlers(resolve: (result: unknown) => void, reject: (error: Error) => void): void {
  keptResolve = resolve
  keptReject = reject
}

export function lostError(): Error {
  return errorOf({ sqlstate: '55000', message: 'the store of the cache is not open', detail: undefined })
}

function errorOf({ sqlstate, message, detail }: ErrorMessage): ServerError {
  return new ServerError({ sqlstate, severity: 'ERROR', message: '%s' }, [message], { detail })
}
