// Tells a client how its statement was answered, if it asked to be told.

import { noticeFrame, parameterStatusFrame } from '../wire/index.ts'
import type { DecisionRecord } from './decisions.ts'

/** The verdict of the last statement (SQL-34): `hit;age_ms=120;entry=0000000b;consistency=session`. */
export function signalFrame(
  kind: 'notice' | 'parameter',
  decision: DecisionRecord,
  consistency: string,
  schemaName: string,
): Buffer {
  const pairs: string[] = []
  if (decision.reason !== undefined) pairs.push(`reason=${withArgument(decision.reason, decision.argument)}`)
  if (decision.verdict === 'hit' || decision.verdict === 'coalesced') {
    pairs.push(`age_ms=${Math.round(decision.ageMs)}`)
    if (decision.entry !== undefined) pairs.push(`entry=${entryName(decision.entry)}`)
    pairs.push(`consistency=${consistency}`)
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
