// One logical replication stream: a slot, the messages the walsender sends, and our word of how far we have come.
//
//   w  start LSN int64, end LSN int64, sent at int64, payload     one line or message of the plugin
//   k  end LSN int64, sent at int64, reply int8                   the walsender has nothing before this position left to send
//   r  written, flushed, applied LSN int64, at int64, reply int8  from us; with `reply` the walsender answers at once (a ping)
//
// A slot is temporary, and goes with the connection, unless it is to be kept (persistent-slot.ts). While there is one the origin keeps the log from where we said we have come to, or
// from the beginning of the oldest transaction that writes; and of whom it has heard nothing for `wal_sender_timeout` it ends.
// What was committed while there is no slot is never heard of.
//
// Source: PostgreSQL documentation, "Streaming Replication Protocol", "Logical Streaming Replication Parameters".

import { randomBytes } from 'node:crypto'
import { type OriginTarget, SideClient } from '../origin/index.ts'
import { type Decoder, testDecoding } from './feed-line.ts'
import { type Lsn, readLsn, writeLsn } from './lsn.ts'

interface StreamListener {
  /** A payload of the plugin, or its beginning if it is very long; valid until this returns. `end` is the position behind it. */
  data(head: Buffer, isWhole: boolean, end: Lsn): void
  /** Everything before this position has been sent. */
  keepalive(end: Lsn): void
  /** The stream is over, and so is the slot; called once. */
  lost(reason: Error): void
}

interface StreamOptions {
  readonly slot?: string
  /** The slot is there, and everything before this position was heard of. */
  readonly from?: Lsn | undefined
  readonly decoder?: Decoder
  /** A slot that is made outlives the connection. */
  readonly isKept?: boolean
  /** Rows are told whole up to so many bytes; else their heads are. */
  readonly rowBytesMax?: number
  readonly signal?: AbortSignal | undefined
  /** Throws if the connection is not where it should be. */
  readonly check?: (client: SideClient) => Promise<void>
}

/** How often the origin hears how far we have come, unless it asks. */
const statusEveryMs = 2000
/** Microseconds from 1970 to 2000, where PostgreSQL's clock begins. */
const epochUs = 946_684_800_000_000n
const dataHeaderBytes = 25

/** As values are read in (sql/time-values.ts), whatever the role's own settings say. */
export const valueSettings = {
  ...{ DateStyle: 'ISO', TimeZone: 'UTC', IntervalStyle: 'postgres', extra_float_digits: '1', bytea_output: 'hex' },
} as const

const settings = {
  ...valueSettings,
  // Whoever stops hearing from us lets go of the log, whatever the server's own setting says.
  wal_sender_timeout: '60s',
  // A slot that waits for a transaction is not to outlive us.
  client_connection_check_interval: '5s',
  ...{ statement_timeout: '0', lock_timeout: '0', idle_session_timeout: '0' },
}

export function slotName(): string {
  return `larder_${randomBytes(8).toString('hex')}`
}

export class ReplicationStream {
  /** Where decoding began: every transaction that commits behind it is heard of. */
  readonly start: Lsn
  readonly slot: string
  readonly #client: SideClient
  readonly #decoder: Decoder
  #listener: StreamListener | undefined
  #seen: Lsn
  #timer: NodeJS.Timeout | undefined
  #isOver = false

  /** Connects and makes the slot: waits for the write transactions that run at the origin. Throws what the origin says. */
  static async open(target: OriginTarget, options: StreamOptions = {}): Promise<ReplicationStream> {
    const { slot = slotName(), signal, check, from, isKept = false, decoder = testDecoding, rowBytesMax } = options
    const about = { applicationName: 'larder feed', replication: true, copyBytesMax: rowBytesMax, signal, settings }
    const client = await SideClient.open(target, about)
    const abort = () => void client.leave()
    signal?.addEventListener('abort', abort, { once: true })
    try {
      await check?.(client)
      if (from !== undefined) return new ReplicationStream(client, slot, from, decoder)
      const kind = isKept ? '' : 'TEMPORARY '
      const [made] = await client.query(
        `CREATE_REPLICATION_SLOT ${slot} ${kind}LOGICAL ${decoder.plugin} NOEXPORT_SNAPSHOT`,
      )
      return new ReplicationStream(client, slot, readLsn(made?.consistent_point), decoder)
    } catch (error) {
      await client.leave()
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  private constructor(client: SideClient, slot: string, start: Lsn, decoder: Decoder) {
    this.#client = client
    this.slot = slot
    this.start = start
    this.#decoder = decoder
    this.#seen = start
    void client.over.then((reason) => this.#lose(reason))
  }

  /** All that commits before this position has been heard of. */
  get seen(): Lsn {
    return this.#seen
  }

  /** Begins to send what was committed since `start`. Resolves when the origin has begun. */
  async begin(listener: StreamListener): Promise<void> {
    this.#listener = listener
    await this.#client.copyBoth(
      `START_REPLICATION SLOT ${this.slot} LOGICAL ${writeLsn(this.start)} (${this.#decoder.options})`,
      (head, payloadBytes) => this.#take(head, payloadBytes),
    )
    this.#timer = setInterval(() => this.#status(false), statusEveryMs)
    this.#timer.unref()
  }

  /** Asks the walsender to say at once how far it has come: it answers behind all that was flushed before. */
  ping(): void {
    this.#status(true)
  }

  /** Resolves when the origin has let go of the slot. */
  async close(): Promise<void> {
    this.#listener = undefined
    this.#lose(new Error('closed'))
    await this.#client.leave()
  }

  #take(head: Buffer, payloadBytes: number): void {
    if (this.#isOver) return
    try {
      if (head[0] === 0x77) this.#data(head, payloadBytes)
      else if (head[0] === 0x6b) this.#keepalive(head)
      else throw new Error(`unexpected replication message ${head[0]}`)
    } catch (error) {
      this.#lose(error as Error)
    }
  }

  #data(head: Buffer, payloadBytes: number): void {
    const end = head.readBigUInt64BE(9)
    this.#listener?.data(head.subarray(dataHeaderBytes), head.length === payloadBytes, end)
    if (end > this.#seen) this.#seen = end
  }

  #keepalive(head: Buffer): void {
    const end = head.readBigUInt64BE(1)
    if (end > this.#seen) this.#seen = end
    this.#listener?.keepalive(end)
    if (head[17] === 1) this.#status(false)
  }

  #status(wantsReply: boolean): void {
    if (this.#isOver) return
    const status = Buffer.allocUnsafe(34)
    status[0] = 0x72
    for (const at of [1, 9, 17]) status.writeBigUInt64BE(this.#seen, at)
    status.writeBigInt64BE(BigInt(Date.now()) * 1000n - epochUs, 25)
    status[33] = wantsReply ? 1 : 0
    this.#client.copy(status)
  }

  #lose(reason: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    clearInterval(this.#timer)
    this.#listener?.lost(reason)
    void this.#client.leave()
  }
}
