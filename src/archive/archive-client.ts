// The wire thread's side of the archive thread: starts it with the first task, lets it end when none is left.
//
// The S3 client and what it has loaded go with the thread, so a server that backs up once an hour does not carry them. It
// stays for a few seconds after the last task, since statements about backups come in rows.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { RunnerSettings } from './runner.ts'
import { ServingWatch } from './serving-watch.ts'
import type { ArchiveResults, ArchiveTask, StoreQuestions, TaskProgress } from './task.ts'
import {
  type Answer,
  type ArchiveThreadData,
  type FromArchive,
  receiveError,
  sendError,
  type ToArchive,
  type Traffic,
} from './thread-messages.ts'

export interface TaskListener {
  readonly store: StoreQuestions
  onProgress(progress: TaskProgress): void
  onLeftover(id: string, error: Error): void
  onTraffic(traffic: Traffic): void
}

/** Something that carries tasks out: the archive thread, or in a program without one, runTask itself. */
export interface ArchiveWorker {
  run<T extends ArchiveTask>(
    task: T,
    settings: RunnerSettings,
    listener: TaskListener,
    signal: AbortSignal,
  ): Promise<ArchiveResults[T['kind']]>
  close(): Promise<void>
}

const idleMs = 5000

interface RunningTask {
  readonly worker: Worker
  readonly listener: TaskListener
  settle(answer: Answer): void
}

export class ArchiveThread implements ArchiveWorker {
  #worker: Worker | undefined
  readonly #running = new Map<number, RunningTask>()
  #lastNumber = 0
  #idle: NodeJS.Timeout | undefined
  readonly #watch: ServingWatch

  /** `asked` grows with everything that clients send. */
  constructor(asked: () => number = () => 0) {
    this.#watch = new ServingWatch(asked)
  }

  async run<T extends ArchiveTask>(
    task: T,
    settings: RunnerSettings,
    listener: TaskListener,
    signal: AbortSignal,
  ): Promise<ArchiveResults[T['kind']]> {
    signal.throwIfAborted()
    const number = ++this.#lastNumber
    const worker = this.#awake()
    const answered = new Promise<Answer>((settle) => this.#running.set(number, { worker, listener, settle }))
    const cancel = (): void => worker.postMessage({ type: 'cancel', number } satisfies ToArchive)
    this.#watch.start()
    worker.postMessage({ type: 'start', number, task, settings } satisfies ToArchive)
    signal.addEventListener('abort', cancel)
    const answer = await answered
    signal.removeEventListener('abort', cancel)
    this.#running.delete(number)
    if (this.#running.size === 0) this.#rest()
    if ('error' in answer) {
      signal.throwIfAborted()
      throw receiveError(answer.error)
    }
    return answer.value as ArchiveResults[T['kind']]
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle)
    this.#watch.stop()
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  #awake(): Worker {
    clearTimeout(this.#idle)
    this.#worker ??= this.#open()
    this.#worker.ref()
    return this.#worker
  }

  /** An idle thread keeps no process alive. */
  #rest(): void {
    this.#watch.stop()
    this.#worker?.unref()
    this.#idle = setTimeout(() => void this.close(), idleMs).unref()
  }

  #open(): Worker {
    const workerData: ArchiveThreadData = { serving: this.#watch.shared }
    const worker = new Worker(threadFile(), { workerData })
    worker.on('message', (message: FromArchive) => void this.#receive(worker, message))
    worker.on('error', (error) => this.#lost(worker, error))
    worker.on('exit', () => this.#lost(worker, new Error('the archive thread ended')))
    return worker
  }

  async #receive(worker: Worker, message: FromArchive): Promise<void> {
    const running = this.#running.get(message.number)
    if (running === undefined) return
    if (message.type === 'progress') running.listener.onProgress(message.progress)
    else if (message.type === 'leftover') running.listener.onLeftover(message.id, receiveError(message.error))
    else if (message.type === 'ask') {
      const answer = await answerOf(running.listener.store, message.about)
      worker.postMessage({ type: 'reply', question: message.question, answer } satisfies ToArchive)
    } else {
      running.listener.onTraffic(message.traffic)
      running.settle(message.answer)
    }
  }

  /** Whatever it was doing has failed; the next task starts another. */
  #lost(worker: Worker, error: Error): void {
    if (this.#worker === worker) this.#worker = undefined
    for (const running of this.#running.values()) {
      if (running.worker === worker) running.settle({ error: sendError(error) })
    }
  }
}

async function answerOf(store: StoreQuestions, about: Extract<FromArchive, { type: 'ask' }>['about']): Promise<Answer> {
  try {
    if (about.kind === 'held') return { value: await store.assertHeld(about.hold) }
    if (about.kind === 'load') return { value: await store.load(about.name, about.wishes) }
    return { value: await store.activate(about.name, about.keepDerived) }
  } catch (error) {
    return { error: sendError(error) }
  }
}

/** Beside this file where it is built; a tree of sources has its build in dist/. */
function threadFile(): string {
  const built = fileURLToPath(new URL('./archive-thread.js', import.meta.url))
  return existsSync(built) ? built : fileURLToPath(new URL('../../dist/archive/archive-thread.js', import.meta.url))
}
