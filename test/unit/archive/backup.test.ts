// Backups over a store in memory: what is written in which order, and what is left when a step fails.

import { describe, expect, it } from 'vitest'
import { type Progress, writeBackup } from '../../../src/archive/backup.ts'
import { newBackupId } from '../../../src/archive/backup-id.ts'
import { Collection } from '../../../src/archive/collection.ts'
import { proveBackup } from '../../../src/archive/prove.ts'
import { type ManualClock, Random } from '../../../src/base/index.ts'
import { fakeSource } from '../../support/archive-source.ts'
import { type Fault, ScriptedArchiveStore } from '../../support/scripted-archive-store.ts'

const segmentBytes = 8 * 1024 * 1024
const random = new Random(11)
/** Two segments and a bit. */
const large = fakeSource(random, { pages: 1030, holeChance: 0.3 })
const small = fakeSource(random, { pages: 3 })

async function fails(doing: Promise<unknown>): Promise<Error & { sqlstate?: string; detail?: string }> {
  return await doing.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: Error) => error,
  )
}

/** All segments of a backup fit their digests. */
async function proven(store: ScriptedArchiveStore, id = 'LATEST'): Promise<string> {
  const collection = new Collection(store)
  const read = await collection.open(id)
  expect(await proveBackup(collection, read, { lanes: 2 })).toEqual(['ok', 'ok'])
  return read.manifest.id
}

describe('writing', () => {
  it('puts pager, control file, manifest and then LATEST, and reads nothing but LATEST before (ARC-8)', async () => {
    const store = new ScriptedArchiveStore()
    const steps: string[] = []
    store.onStep = (name) => steps.push(name)
    const { id } = await writeBackup(new Collection(store), large)
    expect(steps).toEqual([
      'read LATEST',
      ...[`chunk of ${id}/l2.pager`, `chunk of ${id}/l2.pager`, `chunk of ${id}/l2.pager`, `write ${id}/l2.pager`],
      ...[`chunk of ${id}/l2.ctl`, `write ${id}/l2.ctl`],
      `writeIf ${id}/manifest.json`,
      ...['read LATEST', 'writeIf LATEST'],
    ])
    expect([...store.objects.keys()]).toEqual([`${id}/l2.pager`, `${id}/l2.ctl`, `${id}/manifest.json`, 'LATEST'])
    expect(store.objects.get('LATEST')?.toString()).toBe(`${id}\n`)
  })

  it('stores free pages as holes (ARC-6) and says so in the manifest (ARC-7)', async () => {
    const store = new ScriptedArchiveStore()
    const manifest = await writeBackup(new Collection(store), large)
    const object = store.objects.get(`${manifest.id}/l2.pager`) as Buffer
    const expected = large.expected.get('l2.pager') as Buffer
    expect(object.length).toBeLessThan(expected.length * 0.8)
    expect(object.includes(Buffer.alloc(64, 0xdd))).toBe(false)
    const [pager, control] = manifest.files
    expect(pager).toMatchObject({ name: 'l2.pager', size: expected.length, storedSize: object.length })
    expect(pager?.segments.map(({ offset, length }) => [offset, length])).toEqual([
      [0, segmentBytes],
      [segmentBytes, segmentBytes],
      [2 * segmentBytes, expected.length - 2 * segmentBytes],
    ])
    expect(control).toMatchObject({ name: 'l2.ctl', size: 8192, storedSize: 8192 })
    expect(manifest).toMatchObject(large.facts)
    expect((await new Collection(store).open(manifest.id)).manifest).toEqual(manifest)
  })

  it('an empty pair is a backup (ARC-2)', async () => {
    const store = new ScriptedArchiveStore()
    const manifest = await writeBackup(new Collection(store), fakeSource(random, { pages: 0 }))
    expect(manifest.files[0]).toMatchObject({ size: 0, storedSize: 0, segments: [] })
    expect(await proven(store)).toBe(manifest.id)
  })

  it('reads no more than two segments ahead of the store', async () => {
    const store = new ScriptedArchiveStore()
    const source = fakeSource(random, { pages: 5 * 512 })
    let readTo = 0
    let taken = 0
    let mostAhead = 0
    source.onRead = (name, at, length) => {
      if (name !== 'l2.pager') return
      readTo = at + length
      mostAhead = Math.max(mostAhead, readTo - taken)
    }
    store.onStep = (name) => {
      if (name.startsWith('chunk') && name.endsWith('pager')) taken += segmentBytes
    }
    await writeBackup(new Collection(store), source)
    expect(readTo).toBe(5 * segmentBytes)
    expect(mostAhead).toBeLessThanOrEqual(3 * segmentBytes)
  })

  it('tells its progress, up to all bytes (ARC-9)', async () => {
    const told: Progress[] = []
    const manifest = await writeBackup(new Collection(new ScriptedArchiveStore()), large, {
      onProgress: (progress) => told.push(progress),
    })
    const bytes = manifest.files.reduce((sum, { storedSize }) => sum + storedSize, 0)
    expect(told[0]).toEqual({ id: manifest.id, bytes, bytesDone: 0 })
    expect(told.at(-1)).toEqual({ id: manifest.id, bytes, bytesDone: bytes })
    expect(told.map(({ bytesDone }) => bytesDone)).toEqual(told.map(({ bytesDone }) => bytesDone).sort((a, b) => a - b))
  })

  it('overwrites nothing: a second backup lies beside the first, and LATEST names it (ARC-8)', async () => {
    const store = new ScriptedArchiveStore()
    const first = await writeBackup(new Collection(store), large)
    const before = new Map(store.objects)
    const second = await writeBackup(new Collection(store), small)
    for (const [name, bytes] of before) if (name !== 'LATEST') expect(store.objects.get(name)).toBe(bytes)
    expect(await proven(store)).toBe(second.id)
    expect(await proven(store, first.id)).toBe(first.id)
    expect(second.id > first.id).toBe(true)
  })

  it('two at once are both backups, and LATEST names the higher', async () => {
    const store = new ScriptedArchiveStore()
    const both = await Promise.all([1, 2, 3, 4].map(() => writeBackup(new Collection(store), small)))
    const ids = both.map(({ id }) => id).sort()
    expect(new Set(ids).size).toBe(4)
    expect(await proven(store)).toBe(ids.at(-1))
    for (const id of ids) expect(await proven(store, id)).toBe(id)
  })

  it('ids ascend also when the clock steps back (G-4)', async () => {
    const store = new ScriptedArchiveStore()
    const clock = store.patience.clock as ManualClock
    const first = await writeBackup(new Collection(store), small)
    clock.setWall(clock.nowMs() - 3_600_000)
    const second = await writeBackup(new Collection(store), small)
    expect(second.id > first.id).toBe(true)
    expect(second.createdAt < first.createdAt).toBe(true)
    expect(await proven(store)).toBe(second.id)
    expect(newBackupId(Date.UTC(2026, 10, 23, 2, 14, 20, 123), undefined)).toMatch(
      /^20261123T021420\.123Z-[0-9a-f]{8}$/,
    )
  })

  it('a write of the manifest whose answer was lost is found to be ours', async () => {
    const store = new ScriptedArchiveStore()
    const writeIf = store.writeIf.bind(store)
    store.writeIf = async (name, bytes, expected, signal) => {
      if (name.endsWith('manifest.json')) await writeIf(name, bytes, expected, signal)
      return await writeIf(name, bytes, expected, signal)
    }
    expect(await proven(store, (await writeBackup(new Collection(store), small)).id)).toBeDefined()
  })

  it('a store that cannot compare gets LATEST written plainly', async () => {
    const store = new ScriptedArchiveStore()
    store.writeIf = async () => 'unsupported'
    const { id } = await writeBackup(new Collection(store), small)
    expect(await proven(store)).toBe(id)
  })
})

describe('a failure', () => {
  async function stepsOf(source: typeof small): Promise<number> {
    const store = await withOneBackup()
    const before = store.steps
    await writeBackup(new Collection(store), source)
    return store.steps - before
  }

  async function withOneBackup(): Promise<ScriptedArchiveStore> {
    const store = new ScriptedArchiveStore()
    await writeBackup(new Collection(store), small)
    return store
  }

  it.each(['before', 'after'] as const)(
    'at any step, told %s it took effect, leaves the older backup and none of its own parts (ARC-8, ARC-9)',
    async (when) => {
      const count = await stepsOf(large)
      expect(count).toBe(10)
      for (let step = 0; step < count; step++) {
        const store = await withOneBackup()
        const older = await proven(store)
        const before = [...store.objects.keys()].sort()
        store.fault = { step: store.steps + step, when }
        const failure = await fails(writeBackup(new Collection(store), large))
        expect(failure.message, `step ${step}`).toMatch(/^step \d+ failed|could not/)
        expect([...store.objects.keys()].sort(), `step ${step}`).toEqual(before)
        expect(await proven(store, older)).toBe(older)
        // The answer to the last step may be lost: LATEST then names what is gone, and the newest there is counts.
        expect(await proven(store)).toBe(older)
      }
    },
  )

  it('that is a kill at any step leaves the older backup, and what is new is whole or no backup (ARC-8)', async () => {
    const count = await stepsOf(large)
    const outcomes = new Set<string>()
    for (let step = 0; step < count; step++) {
      for (const when of ['before', 'after'] as const) {
        const store = await withOneBackup()
        const older = await proven(store)
        const fault: Fault = { step: store.steps + step, when, forGood: true }
        store.fault = fault
        await fails(writeBackup(new Collection(store), large))
        store.fault = undefined
        expect(await proven(store, older)).toBe(older)
        const { backups, unreadable } = await new Collection(store).list()
        expect(unreadable).toEqual([])
        for (const { manifest } of backups) expect(await proven(store, manifest.id)).toBe(manifest.id)
        outcomes.add(`${backups.length} ${(await proven(store)) === older}`)
      }
    }
    // Killed after the manifest: two backups, with LATEST naming the older or the newer.
    expect([...outcomes].sort()).toEqual(['1 true', '2 false', '2 true'])
  })

  it('of the source takes the parts away too', async () => {
    const store = await withOneBackup()
    const before = [...store.objects.keys()]
    const source = fakeSource(random, { pages: 1030 })
    source.onRead = (_, at) => {
      if (at >= segmentBytes) throw new Error('page 512 cannot be read')
    }
    expect((await fails(writeBackup(new Collection(store), source))).message).toContain('page 512 cannot be read')
    expect([...store.objects.keys()]).toEqual(before)
  })

  it('to clean up is told, and the first failure stays the one that is thrown', async () => {
    const store = await withOneBackup()
    store.fault = { step: store.steps + 4, when: 'before', forGood: true }
    const leftovers: string[] = []
    const failure = await fails(
      writeBackup(new Collection(store), large, { onLeftover: (id, error) => leftovers.push(`${id}: ${error}`) }),
    )
    expect(failure.message).toMatch(/^step/)
    expect(leftovers).toHaveLength(1)
    expect(leftovers[0]).toContain('the store is gone')
  })

  it.each(['chunk', 'write', 'writeIf', 'read'])(
    'cancelled at a step of kind %s, it leaves nothing (ARC-9)',
    async (kind) => {
      const store = await withOneBackup()
      const before = [...store.objects.keys()]
      const stop = new AbortController()
      let seen = 0
      store.onStep = (name) => {
        if (name.startsWith(kind) && ++seen === 2) stop.abort()
      }
      const failure = await fails(writeBackup(new Collection(store), large, { signal: stop.signal }))
      expect(failure.name).toBe('AbortError')
      expect([...store.objects.keys()]).toEqual(before)
      store.onStep = () => undefined
      await proven(store)
    },
  )
})

describe('a collection', () => {
  it('lists its backups oldest first, with which is the latest, and what cannot be read', async () => {
    const store = new ScriptedArchiveStore()
    const collection = new Collection(store)
    const ids: string[] = []
    for (let index = 0; index < 6; index++) ids.push((await writeBackup(collection, small)).id)
    store.objects.delete(`${ids[1]}/manifest.json`)
    store.objects.set(`${ids[2]}/manifest.json`, Buffer.from('{}'))
    store.objects.set(`${ids[3]}/manifest.json`, Buffer.from('{\n "magic": "larder archive",\n "format": 9,\n'))
    store.objects.set(`${ids[4]}/manifest.json`, store.objects.get(`${ids[5]}/manifest.json`) as Buffer)
    store.objects.set('notes.txt', Buffer.from('not ours'))
    const { backups, unreadable } = await collection.list()
    expect(backups.map(({ manifest, latest }) => [manifest.id, latest])).toEqual([
      [ids[0], false],
      [ids[5], true],
    ])
    expect(unreadable).toEqual([
      { id: ids[2], reason: 'damaged: the manifest: does not begin as one' },
      { id: ids[3], reason: 'of a later version: format 9' },
      { id: ids[4], reason: 'damaged: id: is another one' },
    ])
  })

  it('that is empty, or has no such backup, says 42704 and changes nothing (ARC-3)', async () => {
    const store = new ScriptedArchiveStore()
    const collection = new Collection(store)
    const missing = '20261123T021420.123Z-9f3c2a1b'
    for (const id of ['LATEST', missing, 'nonsense', '../etc', '']) {
      expect((await fails(collection.open(id))).sqlstate).toBe('42704')
      if (id !== 'LATEST') expect((await fails(collection.drop(id))).sqlstate).toBe('42704')
    }
    expect((await collection.list()).backups).toEqual([])
    expect(store.objects.size).toBe(0)
  })

  it('says XX001 of a damaged manifest and 0A000 of a later format, before anything else', async () => {
    const store = new ScriptedArchiveStore()
    const collection = new Collection(store)
    const { id } = await writeBackup(collection, small)
    const manifest = store.objects.get(`${id}/manifest.json`) as Buffer
    store.objects.set(`${id}/manifest.json`, manifest.subarray(0, -100))
    const damaged = await fails(collection.open(id))
    expect(damaged).toMatchObject({ sqlstate: 'XX001' })
    expect(damaged.message).toContain('manifest.json')
    store.objects.set(`${id}/manifest.json`, Buffer.from('{\n "magic": "larder archive",\n "format": 2,\n'))
    expect(await fails(collection.open(id))).toMatchObject({
      sqlstate: '0A000',
      message: `format 2 of backup "${id}" is not supported`,
    })
  })

  it('finds the newest backup also when LATEST is absent, of nonsense, or names none', async () => {
    const store = new ScriptedArchiveStore()
    const collection = new Collection(store)
    await writeBackup(collection, small)
    const { id } = await writeBackup(collection, small)
    for (const latest of [undefined, 'nonsense', '../../etc/passwd', '20991123T021420.123Z-9f3c2a1b']) {
      if (latest === undefined) store.objects.delete('LATEST')
      else store.objects.set('LATEST', Buffer.from(latest))
      expect((await collection.open('LATEST')).manifest.id).toBe(id)
    }
  })

  it('drops a backup: LATEST moves on first, the manifest goes before the files', async () => {
    const store = new ScriptedArchiveStore()
    const collection = new Collection(store)
    const first = await writeBackup(collection, small)
    const second = await writeBackup(collection, large)
    const steps: string[] = []
    store.onStep = (name) => {
      if (/^(write|delete)/.test(name)) steps.push(name)
    }
    const bytes = second.files.reduce((sum, { storedSize }) => sum + storedSize, 0)
    expect(await collection.drop(second.id)).toEqual({ files: 3, bytes })
    expect(steps).toEqual([
      'write LATEST',
      ...['manifest.json', 'l2.ctl', 'l2.pager', 'writer'].map((name) => `delete ${second.id}/${name}`),
    ])
    expect(await proven(store)).toBe(first.id)
    await collection.drop(first.id)
    expect([...store.objects.keys()]).toEqual([])
  })

  it('drops what was left of a backup that was never finished', async () => {
    const store = new ScriptedArchiveStore()
    const collection = new Collection(store)
    const { id } = await writeBackup(collection, small)
    store.objects.delete(`${id}/manifest.json`)
    expect(await collection.drop(id)).toEqual({ files: 2, bytes: 0 })
    expect([...store.objects.keys()].filter((name) => name.startsWith(id))).toEqual([])
  })
})
