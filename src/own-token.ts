// Composition: tokens, by which what one session has seen is carried to another, at another Larder of the same origin (sql.md 5).
//
//   7391283712837:1:0/16B3748      system identifier, timeline, position in the log
//
// Whatever the session has seen was written before its token was made. So the origin has it when the token is presented, and what is asked for
// from then on has it too: a session that was given `min_lsn` treats it like something it was told itself (level.ts).

import type { TokenAccess } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import type { Session } from './frontend/index.ts'
import { ask, type OwnParts, originError } from './own-parts.ts'
import { status } from './wire/index.ts'

interface Place {
  readonly system: string
  readonly timeline: string
  readonly lsn: string
}

const questionText = `SELECT (pg_catalog.pg_control_system()).system_identifier::text, pg_catalog.left(pg_catalog.pg_walfile_name(l.inserted), 8), l.inserted::text
 FROM (SELECT pg_catalog.pg_current_wal_insert_lsn() AS inserted OFFSET 0) l`

export function tokensOf(session: Session, parts: OwnParts): TokenAccess {
  return {
    async token() {
      const { system, timeline, lsn } = await whereNow(session, 'token')
      return `${system}:${timeline}:${lsn}`
    },
    check: (value) => check(session, parts, value),
    async waitFor(value, msMax) {
      await check(session, parts, value)
      const { horizon } = session.epochs
      if (horizon.state !== 'streaming') throw new ServerError(conditions.noFeed, [session.databaseName])
      const { clock } = parts.epochs
      horizon.request(clock)
      await new Promise<void>((resolve) => {
        const settle = () => {
          session.cancelWait = undefined
          resolve()
        }
        const leave = horizon.wait(() => horizon.visible > clock, Math.min(msMax, 0x7fff_ffff), settle)
        session.cancelWait = () => {
          leave()
          settle()
        }
      })
      return horizon.state === 'streaming' && horizon.visible > clock
    },
  }
}

/** Throws 22023 for what is no place in the log of this origin. */
async function check(session: Session, parts: OwnParts, value: string): Promise<void> {
  const { ourSchema } = parts.contexts
  const invalid = (detail: string) => {
    const options = { detail, hint: `SHOW ${ourSchema}.token makes one.` }
    return new ServerError(conditions.invalidParameterValue, [`${ourSchema}.min_lsn`, value.slice(0, 100)], options)
  }
  const [lsn = '', timeline, system] = value.split(':').reverse()
  const position = positionOf(lsn)
  if (position === undefined) throw invalid('It is neither a position in a log nor a token.')
  // In a block the question would take the block's snapshot before its time.
  if (session.identity.admin || session.status !== status.idle) return
  const here = await whereNow(session, 'min_lsn')
  if (system !== undefined && system !== here.system) throw invalid(`The origin here is another one, ${here.system}.`)
  if (timeline !== undefined && timeline !== here.timeline)
    throw invalid(`The origin here is on timeline ${here.timeline}.`)
  if (position > (positionOf(here.lsn) ?? 0n)) throw invalid(`The log of the origin here ends at ${here.lsn}.`)
}

async function whereNow(session: Session, what: string): Promise<Place> {
  const { ourSchema } = session.services.contexts
  if (session.identity.admin)
    throw new ServerError(conditions.featureNotSupported, [`${ourSchema}.${what} in an admin database`])
  const { rows, error } = await ask(session, questionText, [])
  if (error !== undefined) throw originError(error)
  const [system, timeline, lsn] = rows[0] ?? []
  return { system: system ?? '', timeline: String(Number.parseInt(timeline ?? '0', 16)), lsn: lsn ?? '' }
}

function positionOf(lsn: string): bigint | undefined {
  const found = /^([0-9a-f]{1,8})\/([0-9a-f]{1,8})$/i.exec(lsn)
  return found === null ? undefined : (BigInt(`0x${found[1]}`) << 32n) | BigInt(`0x${found[2]}`)
}
