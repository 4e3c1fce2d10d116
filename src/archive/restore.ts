// Brings a backup back: fetched into a directory of its own, proven, checked, and only then made the live store (ARC-10).
//
//   manifest read and its code verified   nothing has been written
//   space                                 compared with what the manifest says
//   files fetched                         every segment proven by its digest before it is written
//   target.prepare                        checked page by page
//   target.activate                       generations and the switch, unless the backup is only verified
//
// An error or a cancellation anywhere before the switch leaves the live store as it was, and no trace.

import type { Disk } from '../base/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import type { Collection } from './collection.ts'
import { asServerErrors } from './failures.ts'
import { fetchFile } from './fetch.ts'
import type { Manifest } from './manifest.ts'
import { type FetchingOptions, progressOf, sealOf } from './prove.ts'
import type { Seal } from './seal.ts'
import { Staging } from './staging.ts'

/** Who takes the restored pair over. */
export interface RestoreTarget<Prepared, Outcome> {
  readonly disk: Disk
  /** In which the store's directories lie. */
  readonly directory: string
  /** Bytes that may be written there; undefined if nobody knows. */
  freeBytes(): Promise<number | undefined>
  /** Throws if such a backup is of no use here: another page format, say. Nothing has been written yet. */
  admit(manifest: Manifest): void
  /** The pair lies in `directory`, byte for byte and synced. Checks it; may refuse. */
  prepare(directory: string, manifest: Manifest): Promise<Prepared>
  /** Raises its generations and makes it the live store (ARC-11, ARC-13). From here on the directory is the target's, whatever happens. */
  activate(directory: string, prepared: Prepared, manifest: Manifest): Promise<Outcome>
}

interface RestoreOptions extends FetchingOptions {
  /** Everything but the switch, and then everything away again (ARC-15). */
  readonly verifyOnly?: boolean
}

interface Restored<Prepared, Outcome> {
  readonly manifest: Manifest
  readonly prepared: Prepared
  /** Undefined if the backup was only verified. */
  readonly outcome: Outcome | undefined
}

export async function restoreBackup<Prepared, Outcome>(
  collection: Collection,
  idOrLatest: string,
  target: RestoreTarget<Prepared, Outcome>,
  options: RestoreOptions,
): Promise<Restored<Prepared, Outcome>> {
  const { signal } = options
  const read = await collection.open(idOrLatest, signal)
  const { manifest } = read
  return await asServerErrors(`restore backup "${manifest.id}"`, signal, async () => {
    const seal = await sealOf(read, options.passphrase)
    target.admit(manifest)
    await requireSpace(target, manifest)
    const staging = Staging.create(target.disk, target.directory)
    let prepared: Prepared
    try {
      await fetchInto(staging, collection, manifest, seal, options)
      prepared = await target.prepare(staging.directory, manifest)
      signal?.throwIfAborted()
    } catch (error) {
      staging.discard()
      throw error
    }
    if (options.verifyOnly === true) {
      staging.discard()
      return { manifest, prepared, outcome: undefined }
    }
    return { manifest, prepared, outcome: await target.activate(staging.directory, prepared, manifest) }
  })
}

async function requireSpace(target: RestoreTarget<unknown, unknown>, manifest: Manifest): Promise<void> {
  const needed = manifest.files.reduce((sum, { size }) => sum + size, 0)
  const free = await target.freeBytes()
  if (free === undefined || free >= needed) return
  throw new ServerError(conditions.archiveFull, [`restore backup "${manifest.id}"`], {
    detail: `It takes ${needed} bytes, and ${free} are free.`,
    hint: 'Free some space and try again.',
  })
}

async function fetchInto(
  staging: Staging,
  { store }: Collection,
  manifest: Manifest,
  seal: Seal | undefined,
  options: RestoreOptions,
): Promise<void> {
  const { signal, lanes } = options
  const onProven = progressOf(manifest, options)
  for (const file of manifest.files) {
    const staged = staging.open(file)
    try {
      await fetchFile(store, manifest, file, { seal, onProven, signal, lanes }, (segment, filled) =>
        staged.write(segment, filled),
      )
      await staged.sync()
    } finally {
      staged.close()
    }
  }
  staging.sync()
}
