// Writes a backup: (1) l2.pager, (2) l2.ctl, (3) the manifest, (4) LATEST (ARC-8). Before (1) goes who writes it, and away
// again after (4): what a writer left who was killed, the next one takes away (leftovers.ts).
//
// Nothing that is there is overwritten. Until (3) is done there is no backup, and whatever goes wrong before the end, a
// cancellation included, takes the parts written so far away again.

import { conditions, ServerError } from '../errors/index.ts'
import { newBackupId } from './backup-id.ts'
import type { Collection } from './collection.ts'
import { archiveFailure } from './failures.ts'
import { sweepLeftovers } from './leftovers.ts'
import { formatVersion, type Manifest, type ManifestFile, manifestMagic, manifestName } from './manifest.ts'
import { encodeManifest } from './manifest-text.ts'
import { TransferError } from './retry.ts'
import { type Derivation, Seal } from './seal.ts'
import { SegmentStream } from './segment-stream.ts'
import type { ArchiveSource } from './source.ts'
import { type ArchiveStore, contentOf, readSmall } from './store.ts'

interface BackupOptions {
  readonly passphrase?: string | undefined
  /** For tests: keys that cost less to make. */
  readonly derivation?: Derivation
  readonly signal?: AbortSignal | undefined
  /** Hears of the id and the bytes to come, then of the bytes stored. */
  readonly onProgress?: (progress: Progress) => void
  /** Who this is; without it nobody can tell later that it has died. */
  readonly writer?: string | undefined
  /** Asked when the files are written: throws if what was read of the source cannot be relied on. */
  readonly confirm?: () => Promise<void>
  /** Hears of parts that could not be taken away after a failure. */
  readonly onLeftover?: (id: string, error: unknown) => void
}

export interface Progress {
  readonly id: string
  readonly bytes: number
  readonly bytesDone: number
}

/** Time for taking parts away, when the backup itself was cancelled. */
const cleanUpMs = 60_000

export async function writeBackup(
  collection: Collection,
  source: ArchiveSource,
  options: BackupOptions = {},
): Promise<Manifest> {
  const { store } = collection
  const { signal } = options
  const doing = `write a backup to "${store.url}"`
  let id: string | undefined
  try {
    const nowMs = store.patience.clock.nowMs()
    id = newBackupId(nowMs, (await collection.latest(signal)).id)
    const seal =
      options.passphrase === undefined ? undefined : await Seal.create(id, options.passphrase, options.derivation)
    const files = await writeFiles(collection, source, id, seal, options).catch(async (error: unknown) => {
      // What looks like damage may be pages of a later commit, where this one is held no more.
      if (error instanceof ServerError && error.condition === conditions.dataCorrupted) await options.confirm?.()
      throw error
    })
    await options.confirm?.()
    const manifest: Manifest = {
      magic: manifestMagic,
      format: formatVersion,
      id,
      createdAt: new Date(nowMs).toISOString(),
      ...source.facts,
      encryption: seal?.encryption,
      files,
    }
    await writeManifest(collection, manifest, seal, signal)
    if (options.writer !== undefined && !(await collection.isMarked(id, signal))) {
      throw new TransferError('parts of it were taken away meanwhile')
    }
    await collection.advanceLatest(id, signal)
    if (options.writer !== undefined) await collection.unmark(id)
    return manifest
  } catch (error) {
    if (id !== undefined) await takeAway(collection, id, options)
    throw archiveFailure(error, doing, signal)
  }
}

async function writeFiles(
  collection: Collection,
  source: ArchiveSource,
  id: string,
  seal: Seal | undefined,
  options: BackupOptions,
): Promise<ManifestFile[]> {
  const { signal, onProgress, writer } = options
  let bytesDone = 0
  const tell = (stored: number): void => {
    bytesDone += stored
    onProgress?.({ id, bytes, bytesDone })
  }
  const streams = source.files.map((file) => new SegmentStream(file, seal, tell))
  const bytes = streams.reduce((sum, { size }) => sum + size, 0)
  tell(0)
  if (writer !== undefined) {
    await collection.mark(id, writer, signal)
    await sweep(collection, id, options)
  }
  const files: ManifestFile[] = []
  for (const [index, stream] of streams.entries()) {
    await collection.store.write(`${id}/${source.files[index]?.name}`, stream, signal)
    files.push(stream.described())
  }
  return files
}

async function writeManifest(
  { store }: Collection,
  manifest: Manifest,
  seal: Seal | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const bytes = encodeManifest(manifest, seal === undefined ? undefined : (covered) => seal.codeOf(covered))
  const name = `${manifest.id}/${manifestName}`
  const outcome = await store.writeIf(name, bytes, undefined, signal)
  // It may be ours: a first try whose answer was lost.
  if (outcome === 'changed' && !(await holds(store, name, bytes, signal))) {
    throw new TransferError(`"${name}" is there already`)
  }
  if (outcome === 'unsupported') await store.write(name, contentOf(bytes), signal)
}

async function holds(
  store: ArchiveStore,
  name: string,
  bytes: Buffer,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return (await readSmall(store, name, bytes.length, signal))?.bytes.equals(bytes) === true
}

/** A backup does not fail because of what others left. */
async function sweep(collection: Collection, id: string, { signal, onLeftover }: BackupOptions): Promise<void> {
  try {
    await sweepLeftovers(collection, id, signal)
  } catch (error) {
    signal?.throwIfAborted()
    onLeftover?.('of a killed one', archiveFailure(error, 'remove what a killed backup left'))
  }
}

async function takeAway(collection: Collection, id: string, { onLeftover }: BackupOptions): Promise<void> {
  try {
    await collection.remove(id, AbortSignal.timeout(cleanUpMs))
  } catch (error) {
    onLeftover?.(id, archiveFailure(error, `remove the parts of backup "${id}"`))
  }
}
