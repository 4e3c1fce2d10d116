// Tells a client how its statement was answered, if it asked to be told.

import { noticeFrame, parameterStatusFrame } from '../wire/index.ts'
import type { DecisionRecord } from './decisions.ts'
import { feedModeNotice } from './feed-mode.ts'
import type { Session } from './session.ts'

/** Answers of others, as old as the mark they were asked for at. */
const aged: ReadonlySet<string> = new Set(['standby', 'view', 'rollup', 'aggregate'])

/** A statement ends, of a session that wants to be told; `decision` if there was one. */
export function signalEnd(session: Session, decision: DecisionRecord | undefined): void {
  const { responseSignal } = session.settings.current
  if (responseSignal === 'off') return
  const notice = responseSignal === 'notice' ? feedModeNotice(session) : undefined
  if (notice !== undefined) session.output.add(notice)
  if (decision === undefined) return
  const { ourSchema } = session.services.contexts
  session.output.add(signalFrame(responseSignal, decision, ourSchema))
}

/** The verdict of the last statement (SQL-34): `hit;age_ms=120;entry=0000000b;consistency=session`. */
function signalFrame(kind: 'notice' | 'parameter', decision: DecisionRecord, schemaName: string): Buffer {
  const pairs: string[] = []
  if (decision.reason !== undefined) pairs.push(`reason=${withArgument(decision.reason, decision.argument)}`)
  if (decision.verdict === 'hit' || decision.verdict === 'coalesced' || aged.has(decision.verdict)) {
    pairs.push(`age_ms=${Math.round(decision.ageMs)}`)
    if (decision.entry !== undefined) pairs.push(`entry=${entryName(decision.entry)}`)
    pairs.push(`consistency=${decision.consistency}`)
  }
  if (decision.unstored !== undefined) pairs.push(`unstored=${decision.unstored}`)
  const { verdict } = decision
  if (kind === 'parameter') return parameterStatusFrame(`${schemaName}.last`, [verdict, ...pairs].join(';'))
  return noticeFrame({ severity: 'NOTICE', sqlstate: '00000', message: verdict, detail: pairs.join(';') })
}

/** The identity of an entry as relations show it. */
export function entryName(entry: { readonly id: number }): string {
  return entry.id.toString(16).padStart(8, '0')
}

function withArgument(code: string, argument: string | undefined): string {
  return argument === undefined ? code : `${code}(${argument})`
}
