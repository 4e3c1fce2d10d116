// Hints of ours that cannot be followed: a NOTICE with the statement, or an error in its place, as `hint_errors` says (SQL-32).
//
// A NOTICE goes out before anything of the statement's answer does, whoever answers: so a hit has it as a miss has, and it is never
// part of what is recorded.

import type { StatementText } from '../cache/plans/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import { noticeFrame, status } from '../wire/index.ts'
import type { Output } from './output.ts'
import type { Session } from './session.ts'
import type { Aside } from './source-text.ts'

interface Said {
  readonly text: StatementText
  readonly aside: Aside | undefined
  /** It goes on with a portal of an earlier message, which said what was to be said. */
  readonly boundBefore?: boolean
}

/** True if there is anything that could be wrong. */
export function hasHints({ text, aside }: Said): boolean {
  return text.hints !== undefined || aside?.hints !== undefined
}

/** What looking at a message comes to if its hints stop it; undefined if they do not. `synced`: it ends with ReadyForQuery. */
export function stoppedByHints(session: Session, said: readonly Said[], synced: boolean): boolean | undefined {
  const told = session.hintFaults.tell(session, said)
  if (told === 'go') return undefined
  return told === 'wait' ? false : session.services.own.refuse(session, told, synced)
}

/** What has been said, and what is still to be said, of the message at hand. */
export class HintFaults {
  #told = false
  readonly #late: Buffer[] = []

  /** `go`: the message may go its way; `wait`: it must wait for what is under way; else the error that stands for its answer. */
  tell(session: Session, said: readonly Said[]): 'go' | 'wait' | ServerError {
    if (this.#told) return 'go'
    const faults = faultsOf(said)
    const [first] = faults
    if (first === undefined) return 'go'
    if (!session.quiet) {
      session.waitForQuiet()
      return 'wait'
    }
    // In a failed block the origin refuses it first.
    if (session.status === status.failed) return 'go'
    if (session.settings.current.hintErrors === 'error') return hintFault(first)
    this.#told = true
    for (const fault of faults) session.output.add(faultNotice(fault))
    return 'go'
  }

  /** Of messages in a group that the origin has begun to answer: said at its end, and too late for an error. */
  tellLate(said: readonly Said[]): void {
    this.#late.push(...faultsOf(said).map(faultNotice))
  }

  /** The message ends. */
  end(output: Output): void {
    this.#told = false
    if (this.#late.length > 0) for (const notice of this.#late.splice(0)) output.add(notice)
  }
}

function faultsOf(said: readonly Said[]): string[] {
  return said.flatMap(({ text, aside, boundBefore }) => {
    // BEGIN and COMMIT are never stopped by a remark.
    if (boundBefore || text.shape.statement.kind === 'transaction') return []
    return [...(text.hints?.faults ?? []), ...(aside?.hints?.faults ?? [])]
  })
}

function hintFault(message: string): ServerError {
  return new ServerError(conditions.malformedHint, [message], { hint: hintAdvice })
}

function faultNotice(message: string): Buffer {
  return noticeFrame({ severity: 'NOTICE', sqlstate: '01000', message, hint: hintAdvice })
}

export const hintAdvice =
  'Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.'
