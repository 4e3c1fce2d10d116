// What travels between the wire thread and the archive thread.
//
//   wire -> archive   start, cancel, and the reply to a question
//   archive -> wire   progress, questions about the store, leftovers, and once per task: done or failed
//
// Errors travel as what a client would see of them; the rest of an error stays in the log of its thread.

import type { LoadWish } from '../cache/blob/index.ts'
import { ServerError } from '../errors/index.ts'
import type { RunnerSettings } from './runner.ts'
import type { ArchiveTask, TaskProgress } from './task.ts'

/** What the thread is given at its start: memory that says whether clients are being served. */
export interface ArchiveThreadData {
  readonly serving: SharedArrayBuffer
}

export type ToArchive =
  | { readonly type: 'start'; readonly number: number; readonly task: ArchiveTask; readonly settings: RunnerSettings }
  | { readonly type: 'cancel'; readonly number: number }
  | { readonly type: 'reply'; readonly question: number; readonly answer: Answer }

export type FromArchive =
  | { readonly type: 'progress'; readonly number: number; readonly progress: TaskProgress }
  | { readonly type: 'ask'; readonly number: number; readonly question: number; readonly about: Question }
  | { readonly type: 'leftover'; readonly number: number; readonly id: string; readonly error: SentError }
  | { readonly type: 'ended'; readonly number: number; readonly answer: Answer; readonly traffic: Traffic }

export type Question =
  | { readonly kind: 'held'; readonly hold: number }
  | { readonly kind: 'activate'; readonly name: string; readonly keepDerived: boolean }
  | { readonly kind: 'load'; readonly name: string; readonly wishes: readonly LoadWish[] }

export type Answer = { readonly value: unknown } | { readonly error: SentError }

/** What a task asked of its store. */
export interface Traffic {
  readonly requests: number
  readonly retries: number
  readonly errors: number
}

interface SentError {
  readonly sqlstate: string | undefined
  readonly severity: ServerError['severity']
  readonly message: string
  readonly detail: string | undefined
  readonly hint: string | undefined
}

export function sendError(error: unknown): SentError {
  if (error instanceof ServerError) {
    const { sqlstate, severity, message, detail, hint } = error
    return { sqlstate, severity, message, detail, hint }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { sqlstate: undefined, severity: 'ERROR', message, detail: undefined, hint: undefined }
}

export function receiveError({ sqlstate, severity, message, detail, hint }: SentError): Error {
  if (sqlstate === undefined) return new Error(message)
  return new ServerError({ sqlstate, severity, message: '%s' }, [message], { detail, hint })
}
