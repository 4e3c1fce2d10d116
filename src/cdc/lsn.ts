// Positions in the origin's log.

export type Lsn = bigint

/** `16/B374D848`. */
export function readLsn(text: string | null | undefined): Lsn {
  const [high, low] = (text ?? '').split('/')
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

export function writeLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffff_ffffn).toString(16).toUpperCase()}`
}
