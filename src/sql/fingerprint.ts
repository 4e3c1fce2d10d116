// The short name of a normal form, as cache.queries shows it: `q_` and 16 hexadecimal digits.

import { createHash } from 'node:crypto'

export function fingerprintOf(normalised: string): string {
  return `q_${createHash('sha256').update(normalised, 'utf8').digest('hex').slice(0, 16)}`
}

/** The same as a number of 64 bits: what pg_stat_statements calls a queryid, though not its own. */
export function fingerprintNumber(fingerprint: string): bigint {
  return BigInt.asIntN(64, BigInt(`0x${fingerprint.slice(2)}`))
}
