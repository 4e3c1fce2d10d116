// The service behind the statements: jobs, rows, counters, and what is refused before anything runs.

import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ArchiveWorker } from '../../../src/archive/archive-client.ts'
import type { ArchiveEvent } from '../../../src/archive/backup-requests.ts'
import { BackupService } from '../../../src/archive/backup-service.ts'
import { BackupTimer } from '../../../src/archive/backup-timer.ts'
import { JobList } from '../../../src/archive/jobs.ts'
import { ManualClock, Random } from '../../../src/base/index.ts'
import type { Scope } from '../../../src/cache/blob/l2-keys.ts'
import { extentsOf } from '../../../src/cache/blob/l2-record.ts'
import { createCounters } from '../../../src/observe/index.ts'
import { archiveSettings } from '../../support/archive.ts'
import { inProcessWorker } from '../../support/in-process-archive.ts'
import { RealStoreSide } from '../../support/real-store-side.ts'

let side: RealStoreSide
let pages: Scope
let values: Map<string, string>
let service: BackupService
let jobs: JobList
let clock: ManualClock
let events: ArchiveEvent[]
const counters = createCounters()
let url = ''
let allowed: string[] = []
const owner = 'ada'
const random = new Random(5)
const identity = () => ({
  ...{ serverVersion: '0.2.0', keyInputVersion: 1 },
  ...{ systemIdentifier: '7400000000000000001', database: 'shop' },
})
const never = new AbortController().signal

beforeEach(async () => {
  side = await RealStoreSide.open()
  pages = side.define('pages', 1)
  side.put(side.define('$results', 2), 'derived', 'rows')
  values = await side.fill(pages, 1_500_000, random)
  clock = new ManualClock()
  jobs = new JobList(clock, () => 5)
  events = []
  Object.assign(counters, createCounters())
  url = `file://${side.root}/data/backups`
  allowed = []
  service = serviceWith(inProcessWorker)
})
afterEach(() => side.close())

function serviceWith(worker: ArchiveWorker): BackupService {
  return new BackupService({
    settings: () => ({
      ...archiveSettings({ archiveAllow: allowed }),
      dataDir: join(side.root, 'data'),
      backupUrl: '',
    }),
    store: side,
    worker,
    jobs,
    counters,
    clock,
    identity,
    storeFormat: 1,
    onEvent: (event) => events.push(event),
  })
}

async function fails(doing: Promise<unknown>): Promise<Error & { sqlstate?: string }> {
  return await doing.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: Error) => error,
  )
}

it('what a task asked of its store, again and in vain, is counted as it is told (MET-2)', async () => {
  const worker: ArchiveWorker = {
    ...inProcessWorker,
    run: (task, settings, listener, signal) => {
      listener.onTraffic({ requests: 5, retries: 2, errors: 1 })
      return inProcessWorker.run(task, settings, listener, signal)
    },
  }
  const before = { ...counters }
  await serviceWith(worker).list(url, never)
  expect(counters.archive_retries - before.archive_retries).toBe(2)
  expect(counters.archive_errors - before.archive_errors).toBe(1)
  expect(counters.archive_requests - before.archive_requests).toBeGreaterThanOrEqual(5)
})

describe('a backup', () => {
  it('of a commit that the store could not keep, since it had to be read anew, fails and leaves nothing (ARC-6, L2-34)', async () => {
    const worker: ArchiveWorker = {
      ...inProcessWorker,
      async run(...given) {
        // The device fails, comes back, and the pages that were held are used again.
        side.syncFails = true
        for (const key of values.keys()) side.put(pages, key, random.bytes(3000))
        await expect(side.l2.commit()).rejects.toThrow('EIO')
        side.syncFails = false
        side.l2.store.reopen()
        await side.l2.commits.fallen()
        for (let round = 0; round < 3; round++) {
          for (const key of values.keys()) side.put(pages, key, random.bytes(3000))
          await side.l2.commit()
        }
        return await inProcessWorker.run(...given)
      },
    }
    const failing = serviceWith(worker)
    expect(await fails((await failing.backup({ owner })).result)).toMatchObject({ sqlstate: '55000' })
    expect((await service.list(url, never)).backups).toEqual([])
    expect(await readdir(join(side.root, 'data', 'backups'))).toEqual([])
    await (await service.backup({ owner })).result
    await (await service.restore({ url, id: 'LATEST', verifyOnly: true, owner })).result
  })

  it('of a store with a damaged page is none, says which page, and leaves what there was (ARC-10, L2-33)', async () => {
    const good = await (await service.backup({ owner })).result
    const { pageSize } = side.l2.store.header
    const large = [...side.l2.store.trees.records.scan({})].flatMap(([, row]) => extentsOf('records', row))
    const damages = [
      { pageOf: () => side.l2.store.header.trees[1]?.page ?? 0, byte: pageSize - 9 },
      { pageOf: () => large[3]?.page ?? 0, byte: 20 },
      { pageOf: () => side.l2.store.header.map.page, byte: 40 },
    ]
    for (const { pageOf, byte } of damages) {
      // A commit moves the map; the next one finds nothing to be done.
      await side.l2.store.commit()
      vi.spyOn(side.l2, 'commit').mockResolvedValue()
      const page = pageOf()
      const file = await open(join(side.path, 'store-000001', 'l2.pager'), 'r+')
      const flip = async (): Promise<void> => {
        const bytes = Buffer.alloc(1)
        await file.read(bytes, 0, 1, page * pageSize + byte)
        bytes.writeUInt8(bytes.readUInt8() ^ 4)
        await file.write(bytes, 0, 1, page * pageSize + byte)
      }
      expect(page).toBeGreaterThan(0)
      await flip()
      const failure = await fails(service.backup({ owner }).then(({ result }) => result))
      expect(failure).toMatchObject({
        sqlstate: 'XX001',
        message: expect.stringMatching(new RegExp(`page ${page}\\b|free map`)),
      })
      await flip()
      await file.close()
      vi.restoreAllMocks()
    }
    expect((await service.list(url, never)).backups).toMatchObject([{ id: good.id }])
    expect(side.pins.size).toBe(0)
    await (await service.backup({ owner })).result
    await (await service.restore({ url, id: 'LATEST', verifyOnly: true, owner })).result
  })

  it('and a restore bring the pair back, by way of jobs (ARC-1, ARC-9)', async () => {
    const job = await service.backup({ owner })
    expect(job.row).toMatchObject({ id: 1, kind: 'backup', owner, description: `backup to ${url}` })
    const result = await job.result
    const entries = values.size + 1
    expect(result).toMatchObject({ url, job: 1, files: 3, entries, encrypted: false })
    expect(result.bytes).toBeGreaterThan(1_500_000)
    expect(job.row).toMatchObject({ state: 'succeeded', fractionCompleted: 1 })
    expect(side.pins.size).toBe(0)

    for (const key of values.keys()) side.put(pages, key, 'overwritten')
    const restore = await service.restore({ url, id: 'LATEST', owner })
    const counts = { namespaces: 2, entries, leftOut: 0, unproven: 1 }
    expect(await restore.result).toMatchObject({ id: result.id, state: 'restored', ...counts })
    expect(side.calls).toEqual(['hold', 'activate store-000002'])
    for (const [key, value] of values) expect(side.get(pages, key) === value, key).toBe(true)
    expect(side.findings()).toEqual([])
  })

  it('is a row of cache.backups, with its progress, while it runs and afterwards (ARC-9)', async () => {
    const job = await service.backup({ owner })
    const seen: (readonly [number, number | undefined])[] = []
    job.listen(() => {
      const [row] = service.rows()
      seen.push([row?.bytesDone ?? -1, row?.bytes])
    })
    const { id, storedBytes } = await job.result
    expect(seen.some(([done, all]) => done > 0 && done < (all ?? 0))).toBe(true)
    expect(service.rows()).toEqual([
      {
        ...{ id, kind: 'backup', url, state: 'succeeded', namespaces: undefined, entries: values.size + 1, files: 3 },
        commit: side.l2.store.header.commit,
        ...{ bytes: storedBytes, bytesDone: storedBytes, error: undefined, job: 1 },
        ...{ startedAtMs: clock.nowMs(), finishedAtMs: clock.nowMs() },
      },
    ])
    expect(jobs.rows()[0]).toMatchObject({ detail: { bytes: storedBytes, bytes_done: storedBytes } })
  })

  it('moves the counters and is an event', async () => {
    const { id, storedBytes } = await (await service.backup({ owner })).result
    await (await service.restore({ url, id, owner })).result
    await (await service.restore({ url, id, owner, verifyOnly: true })).result
    await fails((await service.restore({ url, id: 'nonsense', owner })).result)
    expect(counters).toMatchObject({
      ...{ backups_completed: 1, backup_bytes: storedBytes, backups_failed: 0 },
      ...{ restores_completed: 1, restore_bytes: 2 * storedBytes, restores_failed: 1 },
    })
    expect(counters.archive_requests).toBeGreaterThan(10)
    expect(events.map(({ event, subject }) => [event, subject])).toEqual([
      ['backup_done', id],
      ['restore_done', id],
      ['restore_done', id],
      ['restore_failed', url],
    ])
  })

  it('of chosen namespaces says so in its rows (ARC-14)', async () => {
    await (await service.backup({ owner, namespaces: ['pages'] })).result
    expect(service.rows()[0]?.namespaces).toEqual(['pages'])
    expect((await service.list(url, never)).backups[0]?.selection).toEqual(['pages'])
  })

  it('is refused at once without a second tier (ARC-2), outside archive_allow and with a bad URL (ARC-17)', async () => {
    side.off = true
    expect(await fails(service.backup({ owner }))).toMatchObject({ sqlstate: '55000', message: 'the store is off' })
    expect(await fails(service.restore({ url, id: 'LATEST', owner }))).toMatchObject({ sqlstate: '55000' })
    side.off = false
    expect((await fails(service.backup({ owner, url: `file://${side.root}/elsewhere` }))).sqlstate).toBe('42501')
    expect((await fails(service.list('file:///etc', never))).sqlstate).toBe('42501')
    expect((await fails(service.drop('file:///etc', 'x', never))).sqlstate).toBe('42501')
    expect((await fails(service.backup({ owner, url: 's3://key:secret@bucket/x' }))).sqlstate).toBe('22023')
    expect((await fails(service.backup({ owner, passphrase: '' }))).sqlstate).toBe('22023')
    expect(jobs.rows()).toEqual([])
    expect(side.calls).toEqual([])
    allowed = [`file://${side.root}/elsewhere`]
    expect((await fails(service.backup({ owner }))).sqlstate).toBe('42501')
    await (await service.backup({ owner, url: `file://${side.root}/elsewhere/deep` })).result
  })

  it('runs alone: another backup, a restore, and dropping what it writes are 55006', async () => {
    const earlier = await (await service.backup({ owner })).result
    const job = await service.backup({ owner })
    const busy = { sqlstate: '55006', message: expect.stringContaining('while job 2 is running') }
    expect(await fails(service.backup({ owner }))).toMatchObject(busy)
    expect(await fails(service.restore({ url, id: 'LATEST', owner }))).toMatchObject(busy)
    expect(await fails(service.drop(url, earlier.id, never))).toMatchObject(busy)
    await new Promise<void>((resolve) => job.listen(() => resolve()))
    const id = service.rows().at(-1)?.id ?? ''
    expect(await fails(service.drop(url, id, never))).toMatchObject(busy)
    expect(await service.drop(url, earlier.id, never)).toMatchObject({ id: earlier.id, files: 3 })
    expect((await job.result).id).toBe(id)
    expect(await service.drop(url, id, never)).toMatchObject({ id, files: 3 })
  })

  it('that is cancelled ends with 57014, lets the commit go and leaves nothing (ARC-9)', async () => {
    const job = await service.backup({ owner })
    job.listen((row) => {
      if ((row.fractionCompleted ?? 0) > 0.5) job.cancel()
    })
    expect(await fails(job.result)).toMatchObject({
      sqlstate: '57014',
      message: 'canceling statement due to user request',
    })
    expect(job.row.state).toBe('cancelled')
    expect(side.pins.size).toBe(0)
    expect((await service.list(url, never)).backups).toEqual([])
    expect(await readdir(join(side.root, 'data/backups'))).toEqual([])
    expect(counters.backups_failed).toBe(1)
    expect(events.map(({ severity, event }) => [severity, event])).toEqual([['info', 'backup_failed']])
    await (await service.backup({ owner })).result
  })

  it('whose commit cannot be held fails as a job, and the next may run', async () => {
    side.before = () => {
      throw new Error('fenced')
    }
    const job = await service.backup({ owner })
    expect((await fails(job.result)).message).toBe('fenced')
    expect(job.row).toMatchObject({ state: 'failed', error: 'fenced' })
    side.before = () => undefined
    await (await service.backup({ owner })).result
  })

  it('with a passphrase hides it from rows, events and errors (SQL-22)', async () => {
    const passphrase = 'hush-hush'
    const { id } = await (await service.backup({ owner, passphrase })).result
    await fails((await service.restore({ url, id, owner, passphrase: 'hush-wrong' })).result)
    await (await service.restore({ url, id, owner, passphrase })).result
    expect(JSON.stringify([jobs.rows(), service.rows(), events])).not.toContain('hush')
    expect((await service.list(url, never)).backups[0]?.encrypted).toBe(true)
  })
})

describe('a restore', () => {
  it('that only verifies leaves the store alone (ARC-15)', async () => {
    await (await service.backup({ owner })).result
    const job = await service.restore({ url, id: 'LATEST', owner, verifyOnly: true })
    expect(await job.result).toMatchObject({ state: 'verified', notices: [] })
    expect(job.row.kind).toBe('verify')
    expect(side.calls.join()).not.toContain('activate')
    expect(await readdir(side.path)).toEqual(['CURRENT', 'LOCK', 'store-000001'])
  })

  it('says what it cannot bring back (ARC-11)', async () => {
    await (await service.backup({ owner })).result
    const { notices } = await (await service.restore({ url, id: 'LATEST', owner })).result
    expect(notices).toHaveLength(1)
    expect(notices[0]).toContain('invalidated one by one')
  })

  it('of a page file of a later format is refused by name before anything is fetched', async () => {
    await (await service.backup({ owner })).result
    const older = new BackupService({
      settings: () => ({ ...archiveSettings(), dataDir: join(side.root, 'data'), backupUrl: '' }),
      ...{
        store: side,
        worker: inProcessWorker,
        jobs,
        counters,
        clock,
        identity,
        storeFormat: 0,
        onEvent: () => undefined,
      },
    })
    const failure = await fails((await older.restore({ url, id: 'LATEST', owner })).result)
    expect(failure).toMatchObject({ sqlstate: '0A000', message: expect.stringContaining('page file format 1') })
  })

  it('that the store refuses fails with its error, and the live store goes on', async () => {
    await (await service.backup({ owner })).result
    side.before = (call) => {
      if (call === 'activate') throw new Error('fenced')
    }
    expect((await fails((await service.restore({ url, id: 'LATEST', owner })).result)).message).toContain('fenced')
    const [key = '', value] = [...values][0] ?? []
    expect(side.get(pages, key)).toBe(value)
  })

  it('of a pair that is not sound is XX001 and leaves no directory (ARC-10)', async () => {
    // A record whose index row is missing: every digest fits, and the trees do not.
    const [row] = [...side.l2.store.trees.queue.scan({})]
    side.l2.store.trees.queue.delete(row?.[0] ?? new Uint8Array())
    await (await service.backup({ owner })).result
    const failure = await fails((await service.restore({ url, id: 'LATEST', owner })).result)
    expect(failure).toMatchObject({ sqlstate: 'XX001', message: expect.stringContaining('has no row in "queue"') })
    expect(await readdir(side.path)).toEqual(['CURRENT', 'LOCK', 'store-000001'])
  })
})

describe('showing', () => {
  it('lists backups, oldest first, with the latest marked', async () => {
    const ids: string[] = []
    for (let index = 0; index < 3; index++) {
      clock.advance(1000)
      ids.push((await (await service.backup({ owner })).result).id)
    }
    const { backups } = await service.list(url, never)
    expect(backups.map(({ id, latest }) => [id, latest])).toEqual(ids.map((id, index) => [id, index === 2]))
    expect(backups[0]).toMatchObject({ serverVersion: '0.2.0', entries: values.size + 1, encrypted: false })
  })

  it('shows namespaces and files of a backup, and proves them when asked (ARC-15)', async () => {
    const { id } = await (await service.backup({ owner })).result
    const plain = await service.show(url, 'LATEST', { checkFiles: false }, never)
    expect(plain.summary.namespaces.map(({ name }) => name)).toEqual(['$results', 'pages'])
    expect(plain.files.map(({ path, segments, state }) => [path, segments, state])).toEqual([
      [`${id}/l2.pager`, 1, 'unchecked'],
      [`${id}/l2.ctl`, 1, 'unchecked'],
    ])
    const { writeFile } = await import('node:fs/promises')
    await writeFile(join(side.root, 'data/backups', id, 'l2.ctl'), 'damaged')
    const checked = await service.show(url, id, { checkFiles: true }, never)
    expect(checked.files.map(({ state }) => state)).toEqual(['ok', 'damaged'])
  })
})

describe('jobs', () => {
  it('can be waited for and cancelled by number; 42704 and 55000 else (SQL-23)', async () => {
    let letGo = (): void => undefined
    side.before = () => new Promise((resolve) => (letGo = resolve))
    const job = await service.backup({ owner })
    const waiting = jobs.whenComplete(job.id)
    const cancelled = jobs.cancel(job.id)
    setImmediate(() => letGo())
    expect(await cancelled).toMatchObject({ state: 'cancelled' })
    expect(await waiting).toMatchObject({ state: 'cancelled' })
    expect(await fails(jobs.cancel(job.id))).toMatchObject({ sqlstate: '55000', message: 'job 1 has ended' })
    expect(await fails(jobs.cancel(99))).toMatchObject({ sqlstate: '42704' })
    expect(await fails(jobs.whenComplete(99))).toMatchObject({ sqlstate: '42704' })
  })

  it('are kept up to a number, running ones always', async () => {
    let letGo = (): void => undefined
    const first = jobs.start({
      ...{ kind: 'check', description: 'a long one', owner },
      run: () => new Promise<void>((resolve) => (letGo = resolve)),
    })
    for (let index = 0; index < 9; index++) {
      await jobs.start({ kind: 'check', description: 'short', owner, run: async () => index }).result
    }
    expect(jobs.rows().map(({ id }) => id)).toEqual([1, 7, 8, 9, 10])
    letGo()
    await first.result
  })
})

describe('backups by the clock (ARC-18)', () => {
  let waits: number[]
  let ring: () => void
  let timer: BackupTimer
  let interval = 3_600_000

  beforeEach(() => {
    waits = []
    interval = 3_600_000
    timer = new BackupTimer({
      service,
      intervalMs: () => interval,
      after(ms, call) {
        waits.push(ms)
        ring = call
        return () => {
          ring = () => undefined
        }
      },
      onEvent: (event) => events.push(event),
    })
  })

  /** Lets the timer ring and the backup come to its end. */
  async function passes(): Promise<void> {
    const count = waits.length
    ring()
    while (waits.length === count) await new Promise((resolve) => setImmediate(resolve))
  }

  it('come one interval apart, and the setting 0 means never', async () => {
    timer.restart()
    await passes()
    await passes()
    expect(waits).toEqual([interval, interval, interval])
    expect((await service.list(url, never)).backups).toHaveLength(2)
    interval = 0
    timer.restart()
    expect(waits).toHaveLength(3)
  })

  it('are tried again sooner after a failure, which is an event', async () => {
    timer.restart()
    side.before = () => {
      throw new Error('fenced')
    }
    for (let index = 0; index < 8; index++) await passes()
    expect(waits.slice(1).map((ms) => ms / 60_000)).toEqual([1, 2, 4, 8, 16, 32, 60, 60])
    expect(events).toHaveLength(8)
    expect(events[0]).toMatchObject({ severity: 'error', event: 'backup_failed', detail: 'fenced' })
    side.before = () => undefined
    await passes()
    expect(waits.at(-1)).toBe(interval)
  })

  it('that do not even become a job are told of too', async () => {
    side.off = true
    timer.restart()
    await passes()
    expect(events).toEqual([{ severity: 'error', event: 'backup_failed', subject: url, detail: 'the store is off' }])
    timer.stop()
  })
})
