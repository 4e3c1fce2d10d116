// Which transactions had ended when the origin was asked, by pg_current_snapshot().

/** Transaction ids modulo 2^32, as the feed has them. */
export interface Snapshot {
  /** All before it have ended. */
  readonly xmin: number
  /** None from here on has ended. */
  readonly xmax: number
  /** Running, of those between. */
  readonly running: ReadonlySet<number>
}

/** `100:104:100,102`, of 64 bits each. */
export function readSnapshot(text: string | null | undefined): Snapshot {
  const [xmin = '', xmax = '', running = ''] = (text ?? '').split(':')
  const ids = running === '' ? [] : running.split(',')
  return { xmin: narrow(xmin), xmax: narrow(xmax), running: new Set(ids.map(narrow)) }
}

/** True if the transaction has left the list of the running. */
export function isVisible(xid: number, { xmin, xmax, running }: Snapshot): boolean {
  if (precedes(xid, xmin)) return true
  return precedes(xid, xmax) && !running.has(xid)
}

/** Transaction ids go round: half of them lie behind any other. */
function precedes(one: number, other: number): boolean {
  return ((one - other) | 0) < 0
}

function narrow(xid: string): number {
  return Number(BigInt.asUintN(32, BigInt(xid)))
}
