// Long work that statements start: it has a number, a state and a progress, and can be cancelled (sql.md 2.5).
//
//   pending -> running -> succeeded | failed | cancelled
//
// A statement that waits takes its job along when it is cancelled; a detached one leaves it running. Past jobs are kept up
// to a number, the oldest are forgotten first; running ones never are.

import type { Clock } from '../base/index.ts'
import { conditions, ServerError } from '../errors/index.ts'

type JobState = 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled'

/** A row of cache.jobs. */
interface JobRow {
  readonly id: number
  readonly kind: string
  readonly description: string
  readonly owner: string
  readonly state: JobState
  readonly fractionCompleted: number | undefined
  readonly detail: Readonly<Record<string, unknown>> | undefined
  readonly createdAtMs: number
  readonly startedAtMs: number | undefined
  readonly finishedAtMs: number | undefined
  readonly error: string | undefined
}

interface JobRequest<T> {
  readonly kind: string
  /** For people; holds no secrets. */
  readonly description: string
  readonly owner: string
  run(control: JobControl): Promise<T>
}

/** What a running job has in its hands. */
export interface JobControl {
  readonly id: number
  readonly signal: AbortSignal
  progress(fraction: number, detail: Readonly<Record<string, unknown>>): void
}

export interface Job<T> {
  readonly id: number
  readonly row: JobRow
  /** Rejects with the error of the statement; 57014 if it was cancelled. Nobody has to listen. */
  readonly result: Promise<T>
  /** `listener` is called after each change, until it is taken off again. */
  listen(listener: (row: JobRow) => void): () => void
  /** Does nothing if it has ended. */
  cancel(): void
}

export class JobList {
  readonly #clock: Pick<Clock, 'nowMs'>
  readonly #countMax: () => number
  readonly #jobs = new Map<number, RunningJob<unknown>>()
  #lastId = 0

  constructor(clock: Pick<Clock, 'nowMs'>, countMax: () => number) {
    this.#clock = clock
    this.#countMax = countMax
  }

  /** Begins in a later turn. */
  start<T>(request: JobRequest<T>): Job<T> {
    const job = new RunningJob(++this.#lastId, request, this.#clock)
    this.#jobs.set(job.id, job)
    this.#forgetOldest()
    return job
  }

  rows(): JobRow[] {
    return [...this.#jobs.values()].map((job) => job.row)
  }

  /** Throws 42704. */
  find(id: number): Job<unknown> {
    const job = this.#jobs.get(id)
    if (job === undefined) throw new ServerError(conditions.undefinedObject, [`job ${id}`])
    return job
  }

  /** Resolves when the job has come to its end. Throws 42704, and 55000 if it had ended before. */
  async cancel(id: number): Promise<JobRow> {
    const job = this.find(id)
    if (hasEnded(job.row)) throw new ServerError(conditions.jobEnded, [id])
    job.cancel()
    return await this.whenComplete(id)
  }

  async whenComplete(id: number): Promise<JobRow> {
    const job = this.find(id)
    await job.result.catch(() => undefined)
    return job.row
  }

  #forgetOldest(): void {
    for (const job of this.#jobs.values()) {
      if (this.#jobs.size <= this.#countMax()) return
      if (hasEnded(job.row)) this.#jobs.delete(job.id)
    }
  }
}

function hasEnded(row: JobRow): boolean {
  return row.finishedAtMs !== undefined
}

class RunningJob<T> implements Job<T> {
  readonly id: number
  readonly result: Promise<T>
  #row: JobRow
  readonly #stop = new AbortController()
  readonly #listeners = new Set<(row: JobRow) => void>()
  readonly #clock: Pick<Clock, 'nowMs'>

  constructor(id: number, { kind, description, owner, run }: JobRequest<T>, clock: Pick<Clock, 'nowMs'>) {
    this.id = id
    this.#clock = clock
    this.#row = {
      ...{ id, kind, description, owner, state: 'pending', createdAtMs: clock.nowMs() },
      ...{ fractionCompleted: undefined, detail: undefined, error: undefined },
      ...{ startedAtMs: undefined, finishedAtMs: undefined },
    }
    this.result = this.#run(run)
    this.result.catch(() => undefined)
  }

  get row(): JobRow {
    return this.#row
  }

  listen(listener: (row: JobRow) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  cancel(): void {
    if (!hasEnded(this.#row)) this.#stop.abort()
  }

  async #run(run: JobRequest<T>['run']): Promise<T> {
    await Promise.resolve()
    const { signal } = this.#stop
    const progress: JobControl['progress'] = (fractionCompleted, detail) => {
      if (!hasEnded(this.#row)) this.#change({ fractionCompleted, detail: { ...this.#row.detail, ...detail } })
    }
    try {
      signal.throwIfAborted()
      this.#change({ state: 'running', startedAtMs: this.#clock.nowMs() })
      const result = await run({ id: this.id, signal, progress })
      this.#change({ state: 'succeeded', fractionCompleted: 1, finishedAtMs: this.#clock.nowMs() })
      return result
    } catch (error) {
      throw this.#fail(error)
    }
  }

  #fail(error: unknown): unknown {
    const cancelled = this.#stop.signal.aborted
    const told = cancelled ? new ServerError(conditions.queryCanceled, ['user request']) : error
    const state = cancelled ? 'cancelled' : 'failed'
    const message = told instanceof Error ? told.message : String(told)
    this.#change({ state, error: message, finishedAtMs: this.#clock.nowMs() })
    return told
  }

  #change(fields: Partial<JobRow>): void {
    this.#row = { ...this.#row, ...fields }
    for (const listener of this.#listeners) listener(this.#row)
  }
}
