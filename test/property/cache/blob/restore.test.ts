// Backups, restores of everything and of chosen namespaces, flushes, drops, puts, kills and losses of power in any order, against a model
// of what must be there (ARC-4, ARC-11, ARC-14): nothing that was flushed or dropped comes back, nothing else is lost, and what was
// not restored stays as it is. After every round the trees are checked against each other.

import { expect, it } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import { CacheStage } from '../../../support/blob.ts'

const random = Random.fromEnvironment()
const roundsCount = Number(process.env.ROUNDS ?? 6)
const stepsPerRound = 60
const names = ['a', 'b', 'c']
const keys = ['k1', 'k2', 'k3', 'large']

/** A namespace as the model has it. A flush makes `flushes` grow; one that was dropped and made anew is another line. */
interface Line {
  readonly line: number
  readonly flushes: number
  readonly entries: ReadonlyMap<string, string>
}

interface Backup {
  readonly pager: Uint8Array
  readonly control: Uint8Array
  readonly lines: ReadonlyMap<string, Line>
}

class Play {
  readonly random: Random
  stage!: CacheStage
  readonly lines = new Map<string, Line>()
  readonly backups: Backup[] = []
  readonly done = new Map<string, number>()
  #lastLine = 0
  #lastValue = 0
  #lastStore = 1000

  constructor(seed: Random) {
    this.random = seed
  }

  async begin(): Promise<void> {
    this.stage = await CacheStage.open()
    await this.stage.cache.dropNamespace('shop')
  }

  async step(): Promise<void> {
    const moves = [
      ...[this.put, this.put, this.put, this.put, this.flush, this.drop, this.invalidate],
      ...[
        this.backUp,
        this.restoreAll,
        this.restoreSome,
        this.restoreSome,
        this.restoreAs,
        this.restart,
        this.kill,
        this.sweep,
      ],
    ]
    const move = this.random.pick(moves)
    this.done.set(move.name, (this.done.get(move.name) ?? 0) + 1)
    await move.call(this)
  }

  async put(): Promise<void> {
    const name = this.random.pick(names)
    if (!this.lines.has(name)) {
      await this.stage.cache.createNamespace(name)
      this.lines.set(name, { line: ++this.#lastLine, flushes: 0, entries: new Map() })
    }
    const key = this.random.pick(keys)
    const value = `${++this.#lastValue} `.repeat(key === 'large' ? 3000 : 1)
    await this.stage.cache.put([{ namespace: name, key, value: Buffer.from(value), tags: [key] }], true)
    this.#change(name, (entries) => entries.set(key, value))
  }

  async flush(): Promise<void> {
    const name = this.random.pick(names)
    const line = this.lines.get(name)
    if (line === undefined) return
    await this.stage.cache.flush(name)
    this.lines.set(name, { ...line, flushes: line.flushes + 1, entries: new Map() })
  }

  async drop(): Promise<void> {
    const name = this.random.pick([...names, 'd'])
    if (!this.lines.has(name)) return
    await this.stage.cache.dropNamespace(name)
    this.lines.delete(name)
  }

  async invalidate(): Promise<void> {
    const name = this.random.pick(names)
    const key = this.random.pick(keys)
    await this.stage.cache.invalidate({ kind: 'tag', namespace: name, subjects: [key] })
    if (this.lines.has(name)) this.#change(name, (entries) => entries.delete(key))
  }

  async backUp(): Promise<void> {
    const { cache, disk } = this.stage
    const { hold, pagerPath, pagerBytes, control } = await cache.hold()
    const pager = new Uint8Array(pagerBytes)
    const file = disk.open(pagerPath)
    file.read(pager, 0)
    file.close()
    cache.release(hold)
    this.backups.push({ pager, control: Uint8Array.from(control), lines: new Map(this.lines) })
  }

  async restoreAll(backup = this.#anyBackup()): Promise<void> {
    if (backup === undefined) return
    await this.stage.cache.activate(await this.#stageBackup(backup), true)
    for (const [name, line] of this.lines) {
      const there = backup.lines.get(name)
      this.lines.set(name, { ...line, entries: isSame(there, line) ? there.entries : new Map() })
    }
  }

  async restoreSome(backup = this.#anyBackup(), isChosen = () => this.random.int(2) === 0): Promise<void> {
    const chosen = [...(backup?.lines ?? [])].filter(isChosen)
    if (backup === undefined || chosen.length === 0) return
    const wishes = chosen.map(([name]) => ({ from: name, as: name }))
    const { gone } = await this.#load(backup, wishes)
    const gones = gone.map(({ namespace }) => namespace)
    for (const [name, line] of chosen) {
      const here = this.lines.get(name)
      expect(gones.includes(name), name).toBe(!isSame(line, here))
      if (isSame(line, here)) this.lines.set(name, line)
    }
  }

  async restoreAs(): Promise<void> {
    const backup = this.#anyBackup()
    const from = this.random.pick(names)
    const line = backup?.lines.get(from)
    if (backup === undefined || line === undefined || this.lines.has('d')) return
    await this.#load(backup, [{ from, as: 'd' }])
    if (isSame(line, this.lines.get(from))) {
      this.lines.set('d', { line: ++this.#lastLine, flushes: 0, entries: line.entries })
    }
  }

  async restart(): Promise<void> {
    await this.stage.restart()
  }

  async kill(): Promise<void> {
    await this.stage.kill()
  }

  async sweep(): Promise<void> {
    await this.stage.cache.sweep({ entriesMax: this.random.int(50) })
  }

  async verify(): Promise<void> {
    const { cache } = this.stage
    cache.verify()
    expect(await cache.check()).toEqual([])
    expect([...cache.namespaces()].map(({ name }) => name).sort()).toEqual([...this.lines.keys()].sort())
    for (const [name, { entries }] of this.lines) {
      for (const key of keys) expect(await this.stage.value(key, name), `${name} ${key}`).toBe(entries.get(key))
    }
  }

  async #load(backup: Backup, wishes: readonly { from: string; as: string }[]) {
    const store = await this.#stageBackup(backup)
    const outcome = await this.stage.cache.load(store, wishes)
    this.stage.disk.remove(`l2/${store}`)
    return outcome
  }

  async #stageBackup({ pager, control }: Backup): Promise<string> {
    const name = `store-00${++this.#lastStore}`
    const { disk } = this.stage
    disk.makeDirectory(`l2/${name}`)
    for (const [file, bytes] of [
      ['l2.pager', pager],
      ['l2.ctl', control],
    ] as const) {
      const handle = disk.open(`l2/${name}/${file}`, { create: true })
      handle.write(bytes, 0)
      await handle.sync()
      handle.close()
    }
    for (const directory of ['l2', `l2/${name}`]) disk.syncDirectory(directory)
    return name
  }

  #anyBackup(): Backup | undefined {
    return this.backups.length === 0 ? undefined : this.random.pick(this.backups)
  }

  #change(name: string, change: (entries: Map<string, string>) => void): void {
    const line = this.lines.get(name) as Line
    const entries = new Map(line.entries)
    change(entries)
    this.lines.set(name, { ...line, entries })
  }
}

function isSame(one: Line | undefined, other: Line | undefined): one is Line {
  return one !== undefined && one.line === other?.line && one.flushes === other.flushes
}

it('restores bring back what the model says, and nothing that was flushed or dropped since (ARC-11, ARC-14)', async () => {
  const done = new Map<string, number>()
  for (let round = 0; round < roundsCount; round++) {
    const play = new Play(random)
    await play.begin()
    for (let step = 0; step < stepsPerRound; step++) {
      await play.step()
      await play.verify()
    }
    for (const [move, count] of play.done) done.set(move, (done.get(move) ?? 0) + count)
    await play.stage.cache.close()
  }
  for (const move of ['restoreAll', 'restoreSome', 'restoreAs', 'flush', 'drop', 'kill']) {
    expect(done.get(move), move).toBeGreaterThan(0)
  }
})

it('backups of before and after a restore by name come back whole, one after the other (ARC-11, ARC-14)', async () => {
  // Once found under SEED=132556105: the generation that the first of them brought along hid what the second one holds.
  const play = new Play(new Random(1))
  await play.begin()
  for (let puts = 0; puts < 12; puts++) await play.put()
  await play.backUp()
  const [before] = play.backups
  await play.restoreSome(before, () => true)
  await play.put()
  await play.backUp()
  for (const backup of [before, play.backups[1], before, play.backups[1]]) {
    await play.restoreAll(backup)
    await play.verify()
    await play.restart()
    await play.verify()
  }
  await play.flush()
  await play.flush()
  await play.restoreAll(before)
  await play.verify()
  await play.stage.cache.close()
})
