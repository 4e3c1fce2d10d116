// The graph of what was derived from which rows, within a budget of memory: one partition per relation that answers are registered with.
//
//   below spill_threshold       everything is in memory
//   above it                    the coldest partitions go to files, until spill_target is reached (SPL-2, SPL-14)
//                               (of what changes often, nothing: while a file is read, nothing is served of its relation)
//   at graph_bytes_max          files cannot help, or not fast enough: answers that were not used leave, or who comes is not registered,
//                               and its answer depends on its relations as a whole (SPL-16)
//
// Invariants
//   1. `bytesInUse` is the sum over the partitions, and never above the budget (G-3, MEM-3); what is read or written is beside it: one segment.
//   2. `diskBytes` is the sum over the files, and never above its budget.
//   3. Files are touched one after the other, never in the turn of who waits for something else.

import { setImmediate } from 'node:timers/promises'
import { assert, systemClock } from '../base/index.ts'
import { type Counters, createCounters } from '../observe/index.ts'
import type { Footprinted } from './footprint-group.ts'
import { decodeSegment, type SpilledPrint } from './spill-format.ts'

export interface GraphLimits {
  readonly bytesMax: number
  readonly spillThreshold: number
  readonly spillTarget: number
  /** Less than so much of a partition is not spilled. */
  readonly spillBytesMin: number
  /** What a score becomes of itself in a second. */
  readonly spillDecay: number
  readonly diskBytesMax: number
}

/** Files by number: they are written once, read, and removed. */
export interface SpillFiles {
  write(number: number, bytes: Buffer): Promise<void>
  read(number: number): Promise<Buffer>
  remove(number: number): Promise<void>
}

/** What is registered with one relation. */
export interface Partition {
  readonly id: number
  readonly bytes: number
  readonly edges: number
  /** Of its bytes, those that could go to a file. */
  readonly spillableBytes: number
  score: number
  lastAccessAtMs: number
  /** Writes a segment of it to a file, of about so many bytes in memory; false if nothing was gained by that. */
  spill(bytesWanted: number): Promise<boolean>
  /** The next answer that is registered in memory; undefined at the end, and then from the first again. */
  next(changingOften: boolean): Footprinted | undefined
  decay(seconds: number): void
  /** Hides what is registered in files, and whoever is found by the same columns. */
  forget(): void
  verify(): void
}

interface GraphParts {
  readonly counters: GraphCounters
  readonly nowMs: () => number
  readonly onEvent: (event: 'partition_lost' | 'spill_failed', subject: string, detail: string) => void
}

type GraphCounters = Pick<
  Counters,
  | `graph_${'nodes' | 'edges' | 'bytes_in_use' | 'refusals' | 'evictions' | 'partitions_lost'}`
  | `spill_${'writes' | 'reloads' | 'bytes_written' | 'bytes_read' | 'disk_bytes' | 'failures'}`
  | 'invalidation_fanout'
>

const unwatched = (): GraphParts => ({
  counters: createCounters(),
  nowMs: () => systemClock.nowMs(),
  onEvent: () => undefined,
})

const scoreInitial = 100
const scorePerUse = 10
/** Registrations that one more may push out. */
const evictionsPerNewcomer = 64
const evictionsPerTurn = 1000
/** Answers that are looked at for one to leave. */
const looksMax = 1000
/** After a file could not be written. */
const pauseMs = 30_000

export class Graph {
  readonly counters: GraphCounters
  readonly partitions = new Set<Partition>()
  /** Finds an answer by its place and its id. */
  find: (place: number, id: number) => Footprinted | undefined = () => undefined
  files: SpillFiles | undefined
  #limits: GraphLimits
  readonly #parts: GraphParts
  #bytes = 0
  #peakBytes = 0
  #diskBytes = 0
  readonly #fileBytes = new Map<number, number>()
  #lastNumber = 0
  #lastPartition = 0
  #isRelieving = false
  #pausedUntilMs = 0
  /** Nothing could be spilled when it was last looked for; it is not looked for again in the same second. */
  #isSpent = false
  #decayedAtMs: number
  /** Looks for who leaves, once around all partitions and what they hold and again. */
  #hand: Iterator<Partition> | undefined
  #handIn: Partition | undefined
  /** The end of what was last to be done with a file. */
  #fileWork: Promise<unknown> = Promise.resolve()

  constructor(limits: GraphLimits, parts: GraphParts = unwatched()) {
    this.#limits = limits
    this.#parts = parts
    this.counters = parts.counters
    this.#decayedAtMs = parts.nowMs()
  }

  get bytesInUse(): number {
    return this.#bytes
  }

  /** The most that ever was. */
  get peakBytes(): number {
    return this.#peakBytes
  }

  get diskBytes(): number {
    return this.#diskBytes
  }

  configure(limits: GraphLimits): void {
    this.#limits = limits
    this.#isSpent = false
    this.#relieveSoon()
  }

  open(partition: Partition): void {
    this.partitions.add(partition)
    this.counters.graph_nodes++
    this.used(partition)
  }

  nextPartition(): number {
    return ++this.#lastPartition
  }

  used(partition: Partition): void {
    partition.score += partition.lastAccessAtMs === 0 ? scoreInitial : scorePerUse
    partition.lastAccessAtMs = this.#parts.nowMs()
  }

  account(bytes: number, edges: number): void {
    this.#bytes += bytes
    assert(this.#bytes >= 0, 'no more is refunded than was charged')
    if (this.#bytes > this.#peakBytes) this.#peakBytes = this.#bytes
    this.counters.graph_bytes_in_use = this.#bytes
    this.counters.graph_edges += edges
    if (bytes > 0) this.#relieveSoon()
  }

  /** True if there is room for so much, of a newcomer: others leave for it where files do not help. */
  makeRoom(bytes: number): boolean {
    if (this.clear(bytes)) return true
    this.counters.graph_refusals++
    return false
  }

  /** The same, of somebody who is there. */
  clear(bytes: number): boolean {
    const { bytesMax } = this.#limits
    for (let left = evictionsPerNewcomer; left > 0 && bytes <= bytesMax && this.#bytes + bytes > bytesMax; left--) {
      // While a file is written, of what will not go to one: there will be room soon for the others.
      if (!this.#evictOne(this.#isRelieving)) break
    }
    return this.#bytes + bytes <= bytesMax
  }

  /** True if there is room for so much, of what is let go sooner than anybody. */
  hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= this.#limits.bytesMax
  }

  /** True if so much may be taken back from a file without being spilled again at once. */
  hasRoomToInstall(bytes: number): boolean {
    return this.#bytes + bytes <= this.#limits.spillTarget * this.#limits.bytesMax
  }

  /** Called a few times a second. */
  turn(): void {
    const seconds = Math.floor((this.#parts.nowMs() - this.#decayedAtMs) / 1000)
    if (seconds < 1) return
    this.#decayedAtMs += seconds * 1000
    const factor = this.#limits.spillDecay ** seconds
    for (const partition of this.partitions) {
      partition.score = Math.max(1, partition.score * factor)
      partition.decay(seconds)
    }
    this.#isSpent = false
    this.#relieveSoon()
  }

  nextFile(): number {
    return ++this.#lastNumber
  }

  /** False if it is not there then, and never was. */
  async write(number: number, bytes: Buffer): Promise<boolean> {
    const { files } = this
    if (files === undefined || this.#diskBytes + bytes.length > this.#limits.diskBytesMax) return false
    this.#accountFile(number, bytes.length)
    try {
      await this.#inTurn(() => files.write(number, bytes))
      this.counters.spill_writes++
      this.counters.spill_bytes_written += bytes.length
      return true
    } catch (error) {
      this.#failed(error)
      this.discard(number)
      return false
    }
  }

  /** Undefined if it cannot be read, or is not what was written. */
  async read(number: number, subject: string): Promise<readonly SpilledPrint[] | undefined> {
    const { files } = this
    try {
      const bytes = await this.#inTurn(async () => await files?.read(number))
      const prints = bytes === undefined ? undefined : decodeSegment(number, bytes)
      if (prints === undefined) throw new Error('it is not what was written')
      this.counters.spill_reloads++
      this.counters.spill_bytes_read += bytes?.length ?? 0
      return prints
    } catch (error) {
      this.counters.spill_failures++
      this.lost(subject, `segment ${number}: ${(error as Error).message}`)
      return undefined
    }
  }

  /** What a partition knew is not known any more. */
  lost(subject: string, detail: string): void {
    this.counters.graph_partitions_lost++
    this.#parts.onEvent('partition_lost', subject, detail)
  }

  /** Of files in our own table alone (SPL-13). */
  discard(number: number): void {
    const bytes = this.#fileBytes.get(number)
    const { files } = this
    if (bytes === undefined || files === undefined) return
    const remove = async () => {
      await files.remove(number).catch(() => this.counters.spill_failures++)
      this.#accountFile(number, -bytes)
    }
    void this.#inTurn(remove)
  }

  /** Everything that was begun with files is done. */
  async settled(): Promise<void> {
    await this.#fileWork
  }

  /** Asserts that charges add up. */
  verify(): void {
    let [bytes, edges] = [0, 0]
    for (const partition of this.partitions) {
      partition.verify()
      bytes += partition.bytes
      edges += partition.edges
    }
    assert(bytes === this.#bytes, 'charges add up to the bytes in use')
    assert(edges === this.counters.graph_edges, 'edges are counted')
    assert(this.#bytes <= this.#limits.bytesMax, 'the budget holds')
    let disk = 0
    for (const size of this.#fileBytes.values()) disk += size
    assert(disk === this.#diskBytes && disk <= this.#limits.diskBytesMax, 'files add up to the bytes on disk')
  }

  #accountFile(number: number, bytes: number): void {
    if (bytes > 0) this.#fileBytes.set(number, bytes)
    else this.#fileBytes.delete(number)
    this.#diskBytes += bytes
    this.counters.spill_disk_bytes = this.#diskBytes
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#fileWork.then(work, work)
    this.#fileWork = done.catch(() => undefined)
    return done
  }

  #failed(error: unknown): void {
    this.counters.spill_failures++
    this.#pausedUntilMs = this.#parts.nowMs() + pauseMs
    this.#parts.onEvent('spill_failed', 'graph', String((error as Error).message))
  }

  #relieveSoon(): void {
    const { bytesMax, spillThreshold } = this.#limits
    if (this.#isRelieving || this.#bytes <= spillThreshold * bytesMax) return
    if (this.#bytes <= bytesMax && this.#coldestToSpill() === undefined) return
    this.#isRelieving = true
    void this.#relieve().finally(() => {
      this.#isRelieving = false
    })
  }

  async #relieve(): Promise<void> {
    // Not within the turn of who registers.
    await setImmediate()
    const bytesOver = () => this.#bytes - this.#limits.spillTarget * this.#limits.bytesMax
    for (
      let coldest = this.#coldestToSpill();
      coldest !== undefined && bytesOver() > 0;
      coldest = this.#coldestToSpill()
    ) {
      if (!(await coldest.spill(Math.max(bytesOver(), this.#limits.spillBytesMin)))) break
    }
    this.#isSpent = bytesOver() > 0
    // Only after the budget was lowered.
    while (this.#bytes > this.#limits.bytesMax) {
      for (let left = evictionsPerTurn; left > 0 && this.#bytes > this.#limits.bytesMax; left--) {
        if (this.#evictOne(false)) continue
        // What is left is what is known of files.
        for (const partition of this.partitions) if (bytesOver() > 0) partition.forget()
        return
      }
      await setImmediate()
    }
  }

  #coldestToSpill(): Partition | undefined {
    const { spillBytesMin, diskBytesMax } = this.#limits
    const isPaused = this.files === undefined || this.#parts.nowMs() < this.#pausedUntilMs
    if (this.#isSpent || isPaused || this.#diskBytes + spillBytesMin > diskBytesMax) return undefined
    const coldest = this.#coldest(({ spillableBytes }) => spillableBytes > 0 && spillableBytes >= spillBytesMin)
    this.#isSpent = coldest === undefined
    return coldest
  }

  #coldest(isMeant: (partition: Partition) => boolean): Partition | undefined {
    let coldest: Partition | undefined
    let most = 0
    for (const partition of this.partitions) {
      const coldness = partition.bytes / partition.score
      if (coldness <= most || !isMeant(partition)) continue
      most = coldness
      coldest = partition
    }
    return coldest
  }

  /** The next that was not used since it was looked at before: SIEVE, with a hand of ours. */
  #evictOne(changingOften: boolean): boolean {
    let owner = this.#nextHeld(changingOften)
    for (let looks = looksMax; looks > 0 && owner?.spare() === true; looks--) owner = this.#nextHeld(changingOften)
    if (owner === undefined) return false
    const bytes = this.#bytes
    owner.crowdedOut()
    this.counters.graph_evictions++
    return this.#bytes < bytes
  }

  #nextHeld(changingOften: boolean): Footprinted | undefined {
    for (let left = this.partitions.size + 2; left > 0; left--) {
      const owner = this.#handIn?.next(changingOften)
      if (owner !== undefined) return owner
      this.#hand ??= this.partitions.values()
      this.#handIn = this.#hand.next().value
      if (this.#handIn === undefined) this.#hand = undefined
    }
    return undefined
  }
}

/** Of a graph that is never asked to spill. */
export const boundless: GraphLimits = {
  bytesMax: Number.MAX_SAFE_INTEGER,
  spillThreshold: 1,
  spillTarget: 1,
  spillBytesMin: 0,
  spillDecay: 1,
  diskBytesMax: 0,
}
