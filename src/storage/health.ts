// How the store is: what may still be done with it, and what went wrong last.
//
//   open      everything works
//   full      the disk has no room: nothing grows, but what makes room and what invalidates still commits (L2-35)
//   fenced    a sync failed, or three writes in a row: nothing is read or written until it was reopened (L2-34)
//   closed    closed by its owner

import { conditions, ServerError } from '../errors/index.ts'

export type StoreState = 'open' | 'full' | 'fenced' | 'closed'

/** What the owner of a store hears of it. */
export interface StoreObserver {
  /** A commit's contents are fixed; it is being written. */
  sealed?(commit: number): void
  durable?(commit: number): void
  stateChanged?(state: StoreState, reason: string): void
  pageCorrupt?(page: number, tree: string | undefined, problem: string): void
}

const failuresMax = 3

export class Health {
  readonly observer: StoreObserver
  #state: StoreState = 'open'
  #failures = 0
  #lastError = ''

  constructor(observer: StoreObserver) {
    this.observer = observer
  }

  get state(): StoreState {
    return this.#state
  }

  get lastError(): string {
    return this.#lastError
  }

  /** Throws unless the store may be used (55000). */
  assertUsable(): void {
    if (this.#state === 'fenced' || this.#state === 'closed') {
      throw new ServerError(conditions.storeNotOpen, [this.#state], { detail: this.#lastError })
    }
  }

  become(state: StoreState, reason: string): void {
    if (this.#state === state || this.#state === 'closed') return
    if (this.#state === 'fenced' && state === 'full') return
    this.#state = state
    this.#failures = 0
    if (reason !== '') this.#lastError = reason
    this.observer.stateChanged?.(state, reason)
  }

  /** A write succeeded. */
  wrote(): void {
    this.#failures = 0
  }

  /** A write failed: three in a row fence the store. Returns the error to throw. */
  writeFailed(error: unknown): ServerError {
    const cause = error as NodeJS.ErrnoException
    this.#lastError = cause.message
    if (cause.code === 'ENOSPC' || cause.code === 'EDQUOT') {
      this.become('full', cause.message)
      return new ServerError(conditions.diskFull, [cause.message], { cause })
    }
    if (++this.#failures >= failuresMax) this.become('fenced', cause.message)
    return new ServerError(conditions.ioError, ['write the store', cause.message], { cause })
  }

  readFailed(error: unknown): ServerError {
    const cause = error as NodeJS.ErrnoException
    this.#lastError = cause.message
    return new ServerError(conditions.ioError, ['read the store', cause.message], { cause })
  }

  /** A failed sync leaves nobody knowing what is on the device. */
  syncFailed(error: unknown): ServerError {
    const cause = error as NodeJS.ErrnoException
    this.become('fenced', cause.message)
    return new ServerError(conditions.ioError, ['sync the store', cause.message], { cause })
  }
}
