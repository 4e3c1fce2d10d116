// Stops the store at every numbered change of the disk, as a loss of power would, and opens what is left of it.
//
// While a random life goes on (test/support/store-history.ts), every write, sync, rename and so on is a moment at which
// the power may fail. The disk is then looked at as it might be found: all that was written, or any subset of what was not
// synced, each write whole, in its first half, or in any of its sectors. A few syncs and writes fail before. What opens must be the last acknowledged commit
// or the one that was under way, whole, and pass the check. Now and then life goes on from there.
//
// `npm run crash -- --rounds 5000` is the long run: that many lives, each stopped at each of its changes.

import { expect, it } from 'vitest'
import { Random } from '../../src/base/index.ts'
import { Store } from '../../src/storage/index.ts'
import { FaultyDisk, type Operation } from '../support/faulty-disk.ts'
import {
  drawnLife,
  expectSame,
  findingsOf,
  type HistoryOptions,
  type Remembered,
  StoreHistory,
} from '../support/store-history.ts'

const rounds = Number(process.env.ROUNDS ?? 25)
/** Further disks looked at per moment, beside the one of a killed process. */
const imagesPerMoment = 2
const stepsOfALife = 40

interface Tally {
  moments: number
  images: number
  newer: number
  older: number
  continued: number
}

it(`a crash at any numbered write leaves commit n or n - 1, whole (L2-6, L2-26, L2-43), ${rounds} lives`, async () => {
  const random = Random.fromEnvironment()
  const tally: Tally = { moments: 0, images: 0, newer: 0, older: 0, continued: 0 }
  for (let round = 0; round < rounds; round++) await live(random.fork(round), tally, round)
  console.log(tally)
  // A run that never met a commit under way would prove nothing.
  expect(tally.newer).toBeGreaterThan(rounds)
  expect(tally.older).toBeGreaterThan(rounds)
}, 3_600_000)

async function live(random: Random, tally: Tally, round: number): Promise<void> {
  const shape = { pageSizes: [1024, 1024, 2048], keyCounts: [12, 60, 300], chainPages: [2, 9], reserve: 4 }
  const options = drawnLife(random, { ...shape, onDamage: 'refuse' })
  const life = new Life(random, options, tally, `round ${round}`)
  await life.run(stepsOfALife)
  // Some lives go on from where a crash left them, on a disk that may still lose what the first one did not sync.
  for (const [index, { disk, before }] of life.survivors.entries()) {
    tally.continued++
    await new Life(random.fork(index), options, tally, `round ${round}, survivor ${index}`, disk, before).run(15)
  }
}

class Life {
  readonly survivors: { disk: FaultyDisk; before: Remembered }[] = []
  readonly #random: Random
  readonly #options: HistoryOptions
  readonly #tally: Tally
  readonly #name: string
  readonly #disk: FaultyDisk
  readonly #before: Remembered | undefined
  #history: StoreHistory | undefined
  /** Thrown where the store would take it for an error of the disk, it would be lost. */
  #failure: Error | undefined

  constructor(
    random: Random,
    options: HistoryOptions,
    tally: Tally,
    name: string,
    disk = new FaultyDisk(),
    before?: Remembered,
  ) {
    this.#random = random
    this.#options = options
    this.#tally = tally
    this.#name = name
    this.#disk = disk
    this.#before = before
  }

  async run(steps: number): Promise<void> {
    this.#disk.onOperation = (operation) => this.#stopAt(operation)
    const history = new StoreHistory(this.#random, this.#options, this.#disk, this.#before)
    this.#history = history
    for (let step = 0; step < steps && this.#failure === undefined; step++) {
      if (this.#random.chance(0.02)) this.#disk.failOnce('sync', 'EIO', this.#random.int(3))
      if (this.#random.chance(0.02))
        this.#disk.failOnce('write', this.#random.pick(['EIO', 'ENOSPC']), this.#random.int(8))
      await history.step()
    }
    this.#disk.rules.length = 0
    if (this.#failure === undefined) await history.verify()
    if (this.#failure === undefined) await history.store.close()
    if (this.#failure !== undefined) throw this.#failure
  }

  #stopAt({ kind, number }: Operation): void {
    if (kind === 'read' || this.#failure !== undefined) return
    this.#tally.moments++
    try {
      const killed = this.#disk.afterKill()
      if (this.#before === undefined && this.#history !== undefined && this.#random.chance(0.02)) {
        this.survivors.push({ disk: killed.afterKill(), before: this.#history.snapshot() })
      }
      this.#inspect(killed)
      for (let index = 0; index < imagesPerMoment; index++) this.#inspect(this.#disk.image(this.#random))
    } catch (error) {
      const what = `${this.#name}, stopped at change ${number} (${kind}): ${(error as Error).message}`
      this.#failure = new Error(what, { cause: error })
    }
  }

  #inspect(found: FaultyDisk): void {
    this.#tally.images++
    const history = this.#history ?? this.#before
    const [durable, sealed] = [history?.durable ?? 0, history?.sealed ?? 1]
    const store = Store.open(found, 'data/l2', this.#options.store)
    const { commit } = store.header
    expect(commit).toBeGreaterThanOrEqual(durable)
    expect(commit).toBeLessThanOrEqual(sealed)
    const held = history?.commits.get(commit)
    if (held !== undefined) expectSame(store, held)
    if (sealed > durable) this.#tally[commit === sealed ? 'newer' : 'older']++
    const pin = store.pin()
    expect(findingsOf(pin)).toEqual([])
    pin.release()
  }
}
