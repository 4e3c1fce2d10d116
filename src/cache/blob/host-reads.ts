// The reads that wait on the store thread: each is done as soon as the write it must see is done, large ones a step at a time in turn.

import { conditions, ServerError } from '../../errors/index.ts'
import type { HostReport } from './host-report.ts'
import { labelsOf, listing, readMany } from './host-requests.ts'
import type { L2 } from './l2.ts'
import { L2Readers } from './l2-readers.ts'
import type { FoundMessage, ListedMessage, ReadRequest, Results, StoreStatus } from './store-messages.ts'

type Answer = Results[keyof Results]

interface ReadTask {
  readonly request: ReadRequest
  steps: Iterator<ListedMessage[] | undefined, Answer, undefined> | undefined
  release: (() => void) | undefined
  stepCount: number
}

interface ReadParts {
  status(l2: L2): StoreStatus
  /** Makes durable what is done; a list reads a durable commit. */
  commit(): void
  /** What no read can deal with. */
  meet(error: unknown): void
}

const poolFull = { severity: 'warning', event: 'page_pool_full' } as const

export class HostReads {
  readonly #report: HostReport
  readonly #parts: ReadParts
  readonly #readers = new L2Readers()
  #tasks: ReadTask[] = []
  /** No task that waits for a write waits for an earlier one. */
  #leastAfter = Number.POSITIVE_INFINITY
  #someMayRun = false

  constructor(report: HostReport, parts: ReadParts) {
    this.#report = report
    this.#parts = parts
  }

  add(request: ReadRequest): void {
    // Also while there is no store, and before parts that nobody waits for.
    if (request.kind === 'end') this.#readers.end(request.reader)
    this.#tasks.push({ request, steps: undefined, release: undefined, stepCount: 0 })
    this.#someMayRun = true
  }

  /** Whether one of them could go on, with writes done up to that number. */
  hasWork(done: number): boolean {
    return this.#someMayRun || done >= this.#leastAfter
  }

  /** Those that wait for a commit may have it now. */
  committed(): void {
    this.#someMayRun = this.#tasks.length > 0
  }

  /** One step of each that need not wait; tells whether one was answered. Without a store everything is a miss. */
  step(l2: L2 | undefined, done: number, isCommitting: boolean): boolean {
    if (!this.hasWork(done)) return false
    const tasks = this.#tasks
    this.#tasks = []
    this.#someMayRun = false
    this.#leastAfter = Number.POSITIVE_INFINITY
    let answered = false
    this.#report.expect(tasks.length)
    for (const task of tasks) {
      const { after } = task.request
      if (after > done) this.#leastAfter = Math.min(this.#leastAfter, after)
      else if (this.#stepOne(l2, task, isCommitting)) {
        answered = true
        continue
      } else if (task.steps !== undefined) this.#someMayRun = true
      this.#tasks.push(task)
    }
    return answered
  }

  /** True when it is answered. */
  #stepOne(l2: L2 | undefined, task: ReadTask, isCommitting: boolean): boolean {
    let answered = true
    try {
      if (l2 === undefined) this.#answer(task.request, nothingFor(task.request))
      else answered = this.#goOn(l2, task, isCommitting)
    } catch (error) {
      this.#answer(task.request, nothingFor(task.request))
      // Nothing is wrong with the store when all of its memory of pages is held just now (SIV-17, G-2).
      if (!(error instanceof ServerError && error.condition === conditions.noUnpinnedBuffers)) this.#parts.meet(error)
      else this.#report.event({ ...poolFull, subject: undefined, detail: error.message })
    }
    if (answered) task.release?.()
    return answered
  }

  #goOn(l2: L2, task: ReadTask, isCommitting: boolean): boolean {
    const { id } = task.request
    task.steps ??= this.#start(l2, task, isCommitting)
    if (task.steps === undefined) return false
    const step = task.steps.next()
    if (step.done !== true) {
      for (const row of step.value ?? []) this.#report.move(row.value)
      // Now and then a word that it goes on, so that nobody takes it for lost.
      if (step.value !== undefined || ++task.stepCount % 16 === 0) this.#report.reply({ id, part: step.value ?? [] })
      return false
    }
    this.#answer(task.request, step.value)
    return true
  }

  #answer({ kind, id }: ReadRequest, result: Answer): void {
    if (kind === 'part') this.#report.move(result as Results['part'])
    if (kind === 'get') this.#report.found(id, result as Results['get'])
    else this.#report.reply({ id, result, durable: false })
  }

  /** Undefined while it has to wait for a commit. */
  #start(l2: L2, task: ReadTask, isCommitting: boolean): ReadTask['steps'] {
    const { request } = task
    switch (request.kind) {
      case 'get':
        return readMany(l2, request)
      case 'labels':
        return labelsOf(l2, request.scope)
      case 'catalog':
        return finished(l2.noted(request.of))
      case 'status':
        return finished(this.#parts.status(l2))
      case 'end':
        return finished(undefined)
      case 'begin':
        return finished(this.#readers.begin(l2, request.scope, request.keys))
      case 'part':
        return this.#readers.part(l2, request.reader, request.index)
      case 'list': {
        if (isCommitting || l2.commits.unsettledCount > 0) {
          this.#parts.commit()
          return undefined
        }
        const pin = l2.store.pin()
        task.release = () => pin.release()
        return listing(l2, pin.trees, request)
      }
    }
  }
}

function finished<T>(value: T): Iterator<undefined, T, undefined> {
  return { next: () => ({ done: true, value }) }
}

/** What a read finds in a store that is not there. */
function nothingFor(request: ReadRequest): Answer {
  if (request.kind === 'get') return request.keys.map((): FoundMessage | undefined => undefined)
  if (request.kind === 'list') return 0
  return request.kind === 'labels' || request.kind === 'catalog' ? [] : undefined
}
