// Archive tasks carried out in the test's own thread, and a store's side made of files: what the service sees of both.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ArchiveWorker } from '../../src/archive/archive-client.ts'
import type { StoreSide } from '../../src/archive/backup-requests.ts'
import { runTask } from '../../src/archive/runner.ts'
import type { BackupSummary, HeldCommit } from '../../src/archive/task.ts'
import type { Random } from '../../src/base/index.ts'
import { conditions, ServerError } from '../../src/errors/index.ts'
import { impatience } from './archive.ts'
import { type FakeShape, fakeSource } from './archive-source.ts'

export const inProcessWorker: ArchiveWorker = {
  async run(task, settings, listener, signal) {
    const patience = impatience()
    try {
      // As if it had been sent to another thread and back.
      const done = await runTask(structuredClone(task), { settings, patience, signal, ...listener })
      return structuredClone(done)
    } finally {
      listener.onTraffic({ ...patience.meter })
    }
  },
  close: async () => undefined,
}

export interface FileStoreSide extends StoreSide {
  readonly root: string
  /** What must come back. */
  readonly expected: ReadonlyMap<string, Buffer>
  /** Holds not yet released. */
  readonly held: Set<number>
  readonly calls: string[]
  off: boolean
  /** Awaited before each answer. */
  before: (call: string) => void | Promise<void>
  close(): Promise<void>
}

/** A second tier of random pages; a restore into it lands in `l2/store-…`. */
export async function fileStoreSide(random: Random, shape: FakeShape): Promise<FileStoreSide> {
  const root = await mkdtemp(join(tmpdir(), 'larder-side-'))
  const source = fakeSource(random, shape)
  const [pager, control] = source.files
  const bytes = Buffer.alloc(pager?.size ?? 0)
  await pager?.read(bytes, 0)
  await writeFile(join(root, 'l2.pager'), bytes)
  const controlBytes = Buffer.alloc(control?.size ?? 0)
  await control?.read(controlBytes, 0)
  const side: FileStoreSide = {
    root,
    expected: source.expected,
    held: new Set(),
    calls: [],
    off: false,
    before: () => undefined,
    directory() {
      if (side.off) throw new ServerError(conditions.storeNotOpen, ['off'])
      return join(root, 'l2')
    },
    async hold(namespaces): Promise<HeldCommit> {
      await side.before('hold')
      side.calls.push(`hold ${namespaces ?? 'all'}`)
      const hold = side.calls.length
      side.held.add(hold)
      return {
        hold,
        pagerPath: join(root, 'l2.pager'),
        pagerBytes: bytes.length,
        holes: Float64Array.from(
          (pager?.holes(0, bytes.length) ?? []).flatMap(({ offset, length }) => [offset, length]),
        ),
        control: controlBytes,
        facts: { ...source.facts, selection: namespaces },
      }
    },
    release(hold) {
      side.held.delete(hold)
    },
    async prepare(directory: string, summary: BackupSummary) {
      await side.before('prepare')
      side.calls.push(`prepare ${directory.slice(root.length + 1)}`)
      return { namespaces: summary.namespaces.length, entries: summary.entries, leftOut: 0, unproven: 0 }
    },
    async activate(directory) {
      await side.before('activate')
      side.calls.push(`activate ${directory.slice(root.length + 1)}`)
    },
    close: () => rm(root, { recursive: true }),
  }
  return side
}
