// The archive thread: carries tasks out and says how they go. It lives as long as there is something to do.
//
// A thread of its own, because a backup hashes, encrypts and sends everything it copies: neither a client's statement nor a
// read of the store may wait for that.

import { constants, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { assert, Random, systemClock } from '../base/index.ts'
import { pace } from './pace.ts'
import { runTask } from './runner.ts'
import type { StoreQuestions } from './task.ts'
import {
  type Answer,
  type ArchiveThreadData,
  type FromArchive,
  type Question,
  receiveError,
  sendError,
  type ToArchive,
} from './thread-messages.ts'

const port = parentPort
assert(port !== null, 'the archive thread is a thread')

yieldToOthers()
pace.follow((workerData as ArchiveThreadData).serving)

const random = new Random(systemClock.nowMs())
const tasks = new Map<number, AbortController>()
const questions = new Map<number, (answer: Answer) => void>()
let lastQuestion = 0

port.on('message', (message: ToArchive) => {
  if (message.type === 'start') void start(message)
  else if (message.type === 'cancel') tasks.get(message.number)?.abort()
  else questions.get(message.question)?.(message.answer)
})

/** Linux counts niceness by thread: one that wakes from a rest does not interrupt who serves clients. Elsewhere it is the process's. */
function yieldToOthers(): void {
  if (process.platform !== 'linux') return
  try {
    setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // Forbidden here: then it is as nice as the rest.
  }
}

function tell(message: FromArchive): void {
  port?.postMessage(message)
}

async function start({ number, task, settings }: Extract<ToArchive, { type: 'start' }>): Promise<void> {
  const stop = new AbortController()
  tasks.set(number, stop)
  const traffic = { requests: 0, retries: 0, errors: 0 }
  let answer: Answer
  try {
    const value = await runTask(task, {
      settings,
      signal: stop.signal,
      patience: { clock: systemClock, random, meter: traffic, wait },
      onProgress: (progress) => tell({ type: 'progress', number, progress }),
      onLeftover: (id, error) => tell({ type: 'leftover', number, id, error: sendError(error) }),
      store: {
        assertHeld: (hold) => ask(number, { kind: 'held', hold }) as Promise<void>,
        activate: (name, keepDerived) =>
          ask(number, { kind: 'activate', name, keepDerived }) as ReturnType<StoreQuestions['activate']>,
        load: (name, wishes) => ask(number, { kind: 'load', name, wishes }) as ReturnType<StoreQuestions['load']>,
      },
    })
    answer = { value }
  } catch (error) {
    answer = { error: sendError(error) }
  }
  tasks.delete(number)
  tell({ type: 'ended', number, answer, traffic })
}

async function ask(number: number, about: Question): Promise<unknown> {
  const question = ++lastQuestion
  const answer = await new Promise<Answer>((resolve) => {
    questions.set(question, resolve)
    tell({ type: 'ask', number, question, about })
  })
  questions.delete(question)
  if ('error' in answer) throw receiveError(answer.error)
  return answer.value
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
