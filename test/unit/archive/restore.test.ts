// Restoring over a store in memory and a disk that fails: every byte proven, all or nothing.

import { beforeAll, describe, expect, it } from 'vitest'
import { type Progress, writeBackup } from '../../../src/archive/backup.ts'
import { Collection } from '../../../src/archive/collection.ts'
import type { Manifest } from '../../../src/archive/manifest.ts'
import { proveBackup } from '../../../src/archive/prove.ts'
import { restoreBackup } from '../../../src/archive/restore.ts'
import { Random } from '../../../src/base/index.ts'
import { type FakeSource, fakeSource } from '../../support/archive-source.ts'
import { digestsOf, pairOf, requireLive, type TestTarget, testTarget } from '../../support/restore-target.ts'
import { ScriptedArchiveStore } from '../../support/scripted-archive-store.ts'

const random = new Random(12)
const large = fakeSource(random, { pages: 1030, holeChance: 0.3 })
const small = fakeSource(random, { pages: 3, holeChance: 0.5 })
const passphrase = 'correct horse battery staple'

type Failure = Error & { sqlstate?: string; detail?: string; hint?: string }

async function fails(doing: Promise<unknown>): Promise<Failure> {
  return await doing.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: Failure) => error,
  )
}

/** The work of making keys is what makes them safe; what is done with them is the same for less. */
const derivation = { cost: 1 << 10, blockSize: 8, parallelism: 1 }

/** A store that holds backups, ready to be copied for each test; their bytes are shared, so a test replaces what it harms. */
async function backedUp(...sources: (readonly [FakeSource, string?])[]) {
  const store = new ScriptedArchiveStore()
  const manifests: Manifest[] = []
  for (const [source, secret] of sources) {
    manifests.push(await writeBackup(new Collection(store), source, { passphrase: secret, derivation }))
  }
  return { objects: store.objects, manifests }
}

function copyOf({ objects }: { readonly objects: Map<string, Buffer> }): ScriptedArchiveStore {
  return new ScriptedArchiveStore(new Map(objects))
}

function requireNothingNew(target: TestTarget): void {
  requireLive(target.disk)
  expect(target.disk.list('l2')).toEqual(['CURRENT', 'LOCK', 'store-000001'])
}

let plain: Awaited<ReturnType<typeof backedUp>>
let sealed: Awaited<ReturnType<typeof backedUp>>
beforeAll(async () => {
  plain = await backedUp([small], [large])
  sealed = await backedUp([large, passphrase], [large, passphrase])
})

describe('a restore', () => {
  it.each([1, 2, 4, 100])('brings the pair back byte for byte, in %i lanes (ARC-1, ARC-6)', async (lanes) => {
    const target = await testTarget()
    const collection = new Collection(copyOf(plain))
    const { manifest, outcome } = await restoreBackup(collection, 'LATEST', target, { lanes })
    expect(manifest).toEqual(plain.manifests[1])
    expect(target.pairIn('l2/store-000002')).toEqual(digestsOf(large.expected))
    expect(target.calls).toEqual(['admit', 'prepare l2/store-000002', 'activate l2/store-000002'])
    expect(outcome).toBe(`live after checked ${manifest.id}`)
    requireLive(target.disk)
  })

  it('of an older backup, by its id', async () => {
    const target = await testTarget()
    const id = plain.manifests[0]?.id ?? ''
    await restoreBackup(new Collection(copyOf(plain)), id, target, { lanes: 4 })
    expect(target.pairIn('l2/store-000002')).toEqual(digestsOf(small.expected))
  })

  it('from an empty collection says 42704 and makes no directory (ARC-3)', async () => {
    const target = await testTarget()
    const failure = await fails(
      restoreBackup(new Collection(new ScriptedArchiveStore()), 'LATEST', target, { lanes: 4 }),
    )
    expect(failure).toMatchObject({ sqlstate: '42704', message: 'a backup in "memory://collection" does not exist' })
    expect(target.calls).toEqual([])
    requireNothingNew(target)
  })

  it('has everything on the device before it is checked (ARC-10)', async () => {
    const target = await testTarget()
    let images = 0
    target.refuses = (step) => {
      if (step !== 'prepare') return
      for (; images < 20; images++) {
        const image = target.disk.image(random)
        expect(pairOf(image, 'l2/store-000002')).toEqual(digestsOf(large.expected))
      }
    }
    await restoreBackup(new Collection(copyOf(plain)), 'LATEST', target, { lanes: 4 })
    expect(images).toBe(20)
  })

  it('compares the space with the manifest first (ARC-10)', async () => {
    const target = await testTarget()
    const needed = [...large.expected.values()].reduce((sum, { length }) => sum + length, 0)
    target.free = 1_000_000
    const store = copyOf(plain)
    const failure = await fails(restoreBackup(new Collection(store), 'LATEST', target, { lanes: 4 }))
    expect(failure.sqlstate).toBe('53100')
    expect(failure.detail).toMatch(/^It takes \d+ bytes, and 1000000 are free\.$/)
    requireNothingNew(target)
    target.free = needed
    await restoreBackup(new Collection(store), 'LATEST', target, { lanes: 4 })
  })

  it('that is only to verify does everything but the switch, and leaves nothing (ARC-15)', async () => {
    const target = await testTarget()
    const options = { lanes: 4, verifyOnly: true }
    const { prepared, outcome } = await restoreBackup(new Collection(copyOf(plain)), 'LATEST', target, options)
    expect(prepared).toBe(`checked ${plain.manifests[1]?.id}`)
    expect(outcome).toBeUndefined()
    expect(target.calls).toEqual(['admit', 'prepare l2/store-000002'])
    requireNothingNew(target)
  })

  it.each(['admit', 'prepare'] as const)('that the store refuses at %s leaves nothing (ARC-10)', async (at) => {
    const target = await testTarget()
    target.refuses = (step) => {
      if (step === at) throw new Error('refused')
    }
    expect((await fails(restoreBackup(new Collection(copyOf(plain)), 'LATEST', target, { lanes: 4 }))).message).toBe(
      'refused',
    )
    requireNothingNew(target)
  })

  it('never takes a directory away once the switch has begun', async () => {
    const target = await testTarget()
    target.refuses = (step) => {
      if (step === 'activate') throw new Error('after CURRENT was renamed')
    }
    await fails(restoreBackup(new Collection(copyOf(plain)), 'LATEST', target, { lanes: 4 }))
    expect(target.pairIn('l2/store-000002')).toEqual(digestsOf(large.expected))
  })

  it('tells its progress, up to all bytes (ARC-9)', async () => {
    const told: Progress[] = []
    const target = await testTarget()
    await restoreBackup(new Collection(copyOf(plain)), 'LATEST', target, {
      lanes: 4,
      onProgress: (progress) => told.push(progress),
    })
    expect(told[0]?.bytesDone).toBe(0)
    expect(told.at(-1)?.bytesDone).toBe(told[0]?.bytes)
    expect(told).toHaveLength(5)
  })
})

describe('damage', () => {
  /** Each way to harm an object of the large backup, with what the message must name. */
  const harms: Record<string, readonly [harm: (store: ScriptedArchiveStore, id: string) => void, named: RegExp]> = {
    'a bit flipped in the first segment': [
      (store, id) => flip(store, `${id}/l2.pager`, 100),
      /segment 0 of "l2\.pager"/,
    ],
    'a bit flipped in the last segment': [(store, id) => flip(store, `${id}/l2.pager`, -1), /segment 2 of "l2\.pager"/],
    'a bit flipped in the control file': [(store, id) => flip(store, `${id}/l2.ctl`, 5), /segment 0 of "l2\.ctl"/],
    'a file cut short': [(store, id) => cut(store, `${id}/l2.pager`, 1_000_000), /segment 0 of "l2\.pager" is missing/],
    'a file gone': [(store, id) => store.objects.delete(`${id}/l2.ctl`), /segment 0 of "l2\.ctl" is missing/],
    'a byte too many at the beginning': [
      (store, id) =>
        store.objects.set(
          `${id}/l2.ctl`,
          Buffer.concat([Buffer.from('x'), store.objects.get(`${id}/l2.ctl`) as Buffer]),
        ),
      /segment 0 of "l2\.ctl"/,
    ],
  }

  function flip(store: ScriptedArchiveStore, name: string, at: number): void {
    const bytes = Buffer.from(store.objects.get(name) as Buffer)
    const index = at < 0 ? bytes.length + at : at
    bytes[index] = (bytes[index] ?? 0) ^ 1
    store.objects.set(name, bytes)
  }

  function cut(store: ScriptedArchiveStore, name: string, length: number): void {
    store.objects.set(name, (store.objects.get(name) as Buffer).subarray(0, length))
  }

  const cases = Object.keys(harms).flatMap((harm) => [
    [harm, 'plain'],
    [harm, 'sealed'],
  ])

  it.each(cases)('%s, %s: XX001 with file and segment, and nothing changes (ARC-15)', async (harm, kind) => {
    const [apply, named] = harms[harm] as (typeof harms)[string]
    const origin = kind === 'plain' ? plain : sealed
    const store = copyOf(origin)
    const { id } = origin.manifests[1] as Manifest
    apply(store, id)
    const secret = kind === 'plain' ? {} : { passphrase }
    for (const lanes of [1, 4]) {
      const target = await testTarget()
      const failure = await fails(restoreBackup(new Collection(store), id, target, { lanes, ...secret }))
      expect(failure).toMatchObject({ sqlstate: 'XX001' })
      expect(failure.message).toMatch(named)
      expect(failure.message).toContain(id)
      expect(target.calls).toEqual(['admit'])
      requireNothingNew(target)
    }
    const collection = new Collection(store)
    const states = await proveBackup(collection, await collection.open(id), { lanes: 2 })
    expect(states).toEqual(named.source.includes('pager') ? ['damaged', 'ok'] : ['ok', 'damaged'])
  })

  it('of one backup leaves the others whole', async () => {
    const store = copyOf(plain)
    flip(store, `${plain.manifests[1]?.id}/l2.pager`, 100)
    const target = await testTarget()
    await restoreBackup(new Collection(store), plain.manifests[0]?.id ?? '', target, { lanes: 4 })
    expect(target.pairIn('l2/store-000002')).toEqual(digestsOf(small.expected))
  })
})

describe('a failure', () => {
  it('of the archive at any step leaves the live store and no directory (ARC-10)', async () => {
    const counting = copyOf(plain)
    await restoreBackup(new Collection(counting), 'LATEST', await testTarget(), { lanes: 2 })
    expect(counting.steps).toBeGreaterThanOrEqual(5)
    for (let step = 0; step < counting.steps; step++) {
      const store = copyOf(plain)
      store.fault = { step, when: 'before' }
      const target = await testTarget()
      expect((await fails(restoreBackup(new Collection(store), 'LATEST', target, { lanes: 2 }))).message).toContain(
        'failed',
      )
      requireNothingNew(target)
    }
  })

  it.each(['ENOSPC', 'EIO'])('of the disk at any operation, %s, leaves the live store (ARC-10)', async (code) => {
    const counting = await testTarget()
    const before = counting.disk.operations
    await restoreBackup(new Collection(copyOf(plain)), plain.manifests[0]?.id ?? '', counting, { lanes: 2 })
    const count = counting.disk.operations - before
    expect(count).toBeGreaterThanOrEqual(9)
    for (let operation = 0; operation < count; operation++) {
      const target = await testTarget()
      target.disk.failAt(target.disk.operations + operation, code)
      const failure = await fails(
        restoreBackup(new Collection(copyOf(plain)), plain.manifests[0]?.id ?? '', target, { lanes: 2 }),
      )
      expect(failure.sqlstate).toBe(code === 'ENOSPC' ? '53100' : '58030')
      expect(target.calls).toEqual(['admit'])
      requireNothingNew(target)
    }
  })

  it('of the machine at any operation finds the live store again (ARC-10)', async () => {
    const counting = await testTarget()
    const before = counting.disk.operations
    let checked = 0
    counting.disk.onOperation = () => {
      for (let round = 0; round < 5; round++) requireLive(counting.disk.image(random))
      requireLive(counting.disk.afterKill())
      checked++
    }
    await restoreBackup(new Collection(copyOf(plain)), plain.manifests[0]?.id ?? '', counting, { lanes: 2 })
    expect(checked).toBe(counting.disk.operations - before)
  })

  it.each(['before anything', 'while it fetches', 'while it is checked'])(
    'cancelled %s, it leaves the live store and no directory (ARC-9)',
    async (when) => {
      const stop = new AbortController()
      const store = copyOf(plain)
      const target = await testTarget()
      if (when === 'before anything') stop.abort()
      store.onStep = (name) => {
        if (when === 'while it fetches' && name.endsWith('l2.ctl')) stop.abort()
      }
      target.refuses = (step) => {
        if (when === 'while it is checked' && step === 'prepare') stop.abort()
      }
      const failure = await fails(
        restoreBackup(new Collection(store), 'LATEST', target, { lanes: 4, signal: stop.signal }),
      )
      expect(failure.name).toBe('AbortError')
      expect(target.calls.join()).not.toContain('activate')
      requireNothingNew(target)
    },
  )
})

describe('an encrypted backup (ARC-16)', () => {
  const [first, second] = [0, 1]
  const idOf = (index: number): string => sealed.manifests[index]?.id ?? ''

  it('comes back byte for byte with the passphrase', async () => {
    const target = await testTarget()
    await restoreBackup(new Collection(copyOf(sealed)), 'LATEST', target, { lanes: 4, passphrase })
    expect(target.pairIn('l2/store-000002')).toEqual(digestsOf(large.expected))
  })

  it('holds nothing of what was stored, and no two segments alike', async () => {
    const pager = large.expected.get('l2.pager') as Buffer
    const objects = [first, second].map((index) => sealed.objects.get(`${idOf(index)}/l2.pager`) as Buffer)
    for (const object of objects) expect(object.includes(pager.subarray(0, 32))).toBe(false)
    expect(objects[0]?.equals(objects[1] as Buffer)).toBe(false)
    const digests = sealed.manifests.flatMap(({ files }) =>
      files.flatMap((file) => file.segments.map(({ sha256 }) => sha256)),
    )
    expect(new Set(digests).size).toBe(digests.length)
    for (const object of sealed.objects.values()) expect(object.includes(passphrase)).toBe(false)
  })

  it.each([
    ['a wrong passphrase', 'wrong', /Give the one/],
    ['none', undefined, /give encryption_passphrase/],
    ['an empty one', '', /Give the one/],
  ])('with %s is 22023 before anything else is read or written', async (_, given, hint) => {
    const target = await testTarget()
    const store = copyOf(sealed)
    const steps: string[] = []
    store.onStep = (name) => steps.push(name)
    const secret = given === undefined ? {} : { passphrase: given }
    const failure = await fails(restoreBackup(new Collection(store), 'LATEST', target, { lanes: 4, ...secret }))
    expect(failure).toMatchObject({
      sqlstate: '22023',
      message: `the passphrase is not that of backup "${idOf(second)}"`,
    })
    expect(failure.hint).toMatch(hint)
    expect(steps).toEqual(['read LATEST', `read ${idOf(second)}/manifest.json`])
    expect(target.calls).toEqual([])
    requireNothingNew(target)
  })

  it('a passphrase for a backup that has none is 22023', async () => {
    const doing = restoreBackup(new Collection(copyOf(plain)), 'LATEST', await testTarget(), { lanes: 4, passphrase })
    expect(await fails(doing)).toMatchObject({ sqlstate: '22023', hint: expect.stringContaining('not encrypted') })
  })

  it('the same passphrase, typed with other code points, opens it', async () => {
    const written = await backedUp([small, 'caf\u00e9'])
    const target = await testTarget()
    await restoreBackup(new Collection(copyOf(written)), 'LATEST', target, { lanes: 1, passphrase: 'cafe\u0301' })
  })

  it('a manifest changed by somebody without the passphrase is found out', async () => {
    const { createHash } = await import('node:crypto')
    const store = copyOf(sealed)
    const name = `${idOf(second)}/manifest.json`
    const text = (store.objects.get(name) as Buffer).toString()
    const body = text.slice(0, text.lastIndexOf(',\n "sha256"')).replace('"generation": 7', '"generation": 6')
    const sha256 = createHash('sha256').update(body).digest('hex')
    store.objects.set(name, Buffer.from(`${body},\n "sha256": "${sha256}"\n}\n`))
    const collection = new Collection(store)
    expect((await collection.open('LATEST')).manifest.namespaces[0]?.generation).toBe(6)
    const target = await testTarget()
    const failure = await fails(restoreBackup(collection, 'LATEST', target, { lanes: 4, passphrase }))
    expect(failure).toMatchObject({ sqlstate: 'XX001', message: expect.stringContaining('without the passphrase') })
    requireNothingNew(target)
  })

  it('a segment put in the place of another is found out, though all digests fit', async () => {
    const { Seal } = await import('../../../src/archive/seal.ts')
    const seal = await Seal.create('20261123T021420.123Z-9f3c2a1b', passphrase)
    expect(seal.encryption).toMatchObject({ kdf: 'scrypt', cost: 32_768, blockSize: 8, parallelism: 3 })
    const into = Buffer.alloc(200)
    const bytes = random.bytes(100)
    const place = { file: 'l2.pager', index: 3 }
    const box = Buffer.from(seal.seal(place, bytes, into))
    const out = Buffer.alloc(200)
    expect(seal.unseal(place, box, out)).toEqual(out.subarray(0, 100))
    expect(out.subarray(0, 100)).toEqual(bytes)
    expect(seal.unseal({ ...place, index: 4 }, box, out)).toBeUndefined()
    expect(seal.unseal({ ...place, file: 'l2.ctl' }, box, out)).toBeUndefined()
    const other = await Seal.create('20261123T021420.123Z-00000000', passphrase, derivation)
    expect(other.unseal(place, box, out)).toBeUndefined()
    for (let at = 0; at < box.length; at++) {
      const changed = Buffer.from(box)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(seal.unseal(place, changed, out)).toBeUndefined()
    }
  })

  it('can be proven whole without the passphrase, and with it', async () => {
    const collection = new Collection(copyOf(sealed))
    const read = await collection.open('LATEST')
    expect(await proveBackup(collection, read, { lanes: 4 })).toEqual(['ok', 'ok'])
    expect(await proveBackup(collection, read, { lanes: 4, passphrase })).toEqual(['ok', 'ok'])
    expect(await fails(proveBackup(collection, read, { lanes: 4, passphrase: 'x' }))).toMatchObject({
      sqlstate: '22023',
    })
  })
})
