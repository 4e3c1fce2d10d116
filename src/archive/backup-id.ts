// The id of a backup: UTC time to the millisecond and a random suffix, `20261123T021420.123Z-9f3c2a1b`.
//
// Ids ascend with time. When the clock has stepped back since the newest backup of the collection, the id takes that one's
// time and a millisecond, so that the newest backup stays the one with the highest id (G-4).

import { randomBytes } from 'node:crypto'
import { idPattern } from './manifest.ts'

export function newBackupId(nowMs: number, newest: string | undefined): string {
  const newestMs = newest === undefined ? 0 : (timeOf(newest) ?? 0)
  const time = new Date(Math.max(nowMs, newestMs + 1)).toISOString().replace(/[-:]/g, '')
  return `${time}-${randomBytes(4).toString('hex')}`
}

export function isBackupId(text: string): boolean {
  return idPattern.test(text)
}

function timeOf(id: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d\.\d{3})Z-/.exec(id)
  if (parts === null) return undefined
  const ms = Date.parse(`${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}Z`)
  return Number.isNaN(ms) ? undefined : ms
}
