// Composition: portals of our own statements, from their Bind to the end of the transaction.
//
// What a portal still has to give when its messages end is kept here, in whole frames: the system database forgets it with its own
// transaction. As at PostgreSQL, what is read later is as of the Bind.

import type { StatementText } from './cache/plans/index.ts'
import { type CommandResult, encodeNotice, encodeResult, type Formats, type Parameters } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import { type Aside, dropShadow, type Session } from './frontend/index.ts'
import type { OwnText } from './own-text.ts'
import { backend, commandCompleteFrame, framesIn, noDataFrame, portalSuspendedFrame, readTag } from './wire/index.ts'

/** A command's, which is run by its first Execute; `rest` is what it has answered. */
export interface CommandPortal {
  readonly kind: 'command'
  readonly text: StatementText
  readonly aside: Aside | undefined
  readonly own: OwnText
  readonly parameters: Parameters
  readonly formats: Formats
  rest: PortalRest | undefined
  shadowed: boolean
}

/** A query's, of which the system database has said all it would. */
interface QueryPortal {
  readonly kind: 'query'
  readonly rest: PortalRest
  shadowed: boolean
}

type OwnPortal = CommandPortal | QueryPortal

export function ownPortal(session: Session, name: string): OwnPortal | undefined {
  return session.portals.ours?.get(name) as OwnPortal | undefined
}

export function keepPortal(session: Session, name: string, portal: OwnPortal): void {
  session.portals.ours ??= new Map()
  session.portals.ours.set(name, portal)
  // The origin may still have one of that name, which this one has taken the place of.
  session.portals.forget(name)
}

/** Without a shadow the name stays ours: nobody is to find a portal of the origin's under it. */
export async function closePortal(session: Session, name: string): Promise<void> {
  const { ours } = session.portals
  if (!ours?.has(name)) return
  if (ours.get(name)?.shadowed) {
    await dropShadow(session, name)
    ours.delete(name)
  } else ours.set(name, undefined)
}

/** What is left of a portal's answer. */
export class PortalRest {
  description: Buffer | undefined
  readonly #rows: Buffer[] = []
  #next = 0
  /** CommandComplete, EmptyQuery, or the error that ended it. */
  #end: Buffer | undefined
  #hasRun = false

  /** Of an answer in whole frames. */
  static of(frames: Buffer): PortalRest {
    const rest = new PortalRest()
    for (const frame of framesIn(frames)) rest.add(frame)
    return rest
  }

  get isComplete(): boolean {
    return this.#end !== undefined
  }

  add(frame: Buffer): void {
    const type = frame[0]
    if (type === backend.rowDescription || type === backend.noData) this.description = frame
    else if (type === backend.dataRow) this.#rows.push(frame)
    else this.#end = frame
  }

  /** It cannot be told any more. */
  fail(error: Buffer): void {
    this.#rows.length = 0
    this.#end = error
  }

  /** The frames that answer one Execute, in order; false if they end with an error. */
  give(name: string, rowCountMax: number, output: (frame: Buffer) => void): boolean {
    const isAgain = this.#hasRun
    this.#hasRun = true
    if (isAgain && (this.description ?? noDataFrame)[0] === backend.noData) {
      throw new ServerError(conditions.portalHasRun, [name])
    }
    const left = this.#rows.length - this.#next
    const isPart = rowCountMax > 0 && rowCountMax <= left
    const count = isPart ? rowCountMax : left
    for (const row of this.#rows.slice(this.#next, this.#next + count)) output(row)
    this.#next += count
    if (isPart) output(portalSuspendedFrame)
    else output(this.#completion(count))
    return isPart || this.#end?.[0] !== backend.error
  }

  /** PostgreSQL counts what the last Execute gave. */
  #completion(count: number): Buffer {
    const end = this.#end as Buffer
    const tag = end[0] === backend.commandComplete ? readTag(end, 0, end.length) : ''
    return /^SELECT \d+$/.test(tag) ? commandCompleteFrame(`SELECT ${count}`) : end
  }
}

/** The answer of a command as a portal gives it; its notices go out at once. */
export function restOfCommand(session: Session, result: CommandResult, formats: Formats): PortalRest {
  for (const notice of result.notices ?? []) session.output.add(encodeNotice(notice))
  return PortalRest.of(encodeResult({ ...result, notices: [] }, formats))
}
