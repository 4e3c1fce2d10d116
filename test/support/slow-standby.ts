// A synchronous standby that confirms late, or when it is told to: until then commits are flushed, sent and decoded, and visible to nobody.
//
// It is a physical replication stream that keeps nothing of what it is sent. A walsender decodes as soon as the log is flushed, so with it the
// microseconds between the arrival of a commit at a feed and its visibility last as long as a test likes.

import { SideClient } from '../../src/origin/index.ts'
import type { TestPostgres } from './postgres.ts'

const epochUs = 946_684_800_000_000n

export class SlowStandby {
  readonly #client: SideClient
  #received = 0n
  #isHolding = false
  #timer: NodeJS.Timeout | undefined

  private constructor(client: SideClient) {
    this.#client = client
  }

  /** `delayMs` behind each piece of log; commits of the server wait for it from now on. */
  static async open(origin: TestPostgres, delayMs: number): Promise<SlowStandby> {
    const admin = await origin.connect()
    const { rows } = await admin.query('select pg_current_wal_flush_lsn()::text as lsn')
    const client = await SideClient.open(origin.target, { applicationName: 'slow', replication: true })
    const standby = new SlowStandby(client)
    await client.copyBoth(`START_REPLICATION PHYSICAL ${rows[0].lsn}`, (head, payloadBytes) => {
      if (head[0] === 0x77) {
        const end = head.readBigUInt64BE(1) + BigInt(payloadBytes - 25)
        if (end > standby.#received) standby.#received = end
        if (!standby.#isHolding) standby.#confirmIn(delayMs)
      } else if (head[17] === 1 && !standby.#isHolding) standby.#confirm()
    })
    await admin.query("alter system set synchronous_standby_names = 'slow'")
    await admin.query('select pg_reload_conf()')
    await admin.end()
    return standby
  }

  /** Nothing that is committed from now on becomes visible. */
  hold(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isHolding = true
  }

  release(): void {
    this.#isHolding = false
    this.#confirm()
  }

  close(): Promise<void> {
    clearTimeout(this.#timer)
    return this.#client.leave()
  }

  #confirmIn(delayMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#confirm()
    }, delayMs)
  }

  #confirm(): void {
    const status = Buffer.alloc(34)
    status[0] = 0x72
    for (const at of [1, 9, 17]) status.writeBigUInt64BE(this.#received, at)
    status.writeBigInt64BE(BigInt(Date.now()) * 1000n - epochUs, 25)
    this.#client.copy(status)
  }
}
