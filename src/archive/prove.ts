// Proves a backup: its passphrase and its manifest's code, and the digest of every segment.

import { conditions, ServerError } from '../errors/index.ts'
import type { Progress } from './backup.ts'
import type { Collection } from './collection.ts'
import { asServerErrors, damaged, wrongPassphrase } from './failures.ts'
import { fetchFile } from './fetch.ts'
import type { Manifest } from './manifest.ts'
import type { ReadManifest } from './manifest-text.ts'
import { Seal } from './seal.ts'

export interface FetchingOptions {
  readonly passphrase?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Segments fetched side by side. */
  readonly lanes: number
  readonly onProgress?: (progress: Progress) => void
}

/** Proves every segment without keeping any, file by file: what SHOW BACKUP … WITH (check_files) does. */
export function proveBackup(
  { store }: Collection,
  read: ReadManifest,
  options: FetchingOptions,
): Promise<('ok' | 'damaged')[]> {
  const { manifest } = read
  const { signal, lanes } = options
  return asServerErrors(`read backup "${manifest.id}"`, signal, async () => {
    const seal = options.passphrase === undefined ? undefined : await sealOf(read, options.passphrase)
    const onProven = progressOf(manifest, options)
    const nowhere = async (): Promise<void> => undefined
    const states: ('ok' | 'damaged')[] = []
    for (const file of manifest.files) {
      const fetching = fetchFile(store, manifest, file, { seal, onProven, signal, lanes }, nowhere)
      states.push(await fetching.then(() => 'ok' as const, damagedOrThrow))
    }
    return states
  })
}

function damagedOrThrow(error: unknown): 'damaged' {
  if (error instanceof ServerError && error.condition === conditions.backupDamaged) return 'damaged'
  throw error
}

/** Tells a wrong passphrase before anything is fetched (ARC-16). */
export async function sealOf(
  { manifest, sealed }: ReadManifest,
  passphrase: string | undefined,
): Promise<Seal | undefined> {
  const { id, encryption } = manifest
  if (encryption === undefined || sealed === undefined) {
    if (passphrase === undefined) return undefined
    throw wrongPassphrase(id, 'The backup is not encrypted; leave the passphrase out.')
  }
  if (passphrase === undefined) throw wrongPassphrase(id, 'The backup is encrypted; give encryption_passphrase.')
  const seal = await Seal.open(id, passphrase, encryption)
  if (seal === undefined) throw wrongPassphrase(id, 'Give the one with which it was written.')
  if (!seal.covers(sealed.covered, sealed.mac))
    throw damaged(id, 'its manifest was changed by somebody without the passphrase')
  return seal
}

export function progressOf(manifest: Manifest, { onProgress }: FetchingOptions): (proven: number) => void {
  const bytes = manifest.files.reduce((sum, { storedSize }) => sum + storedSize, 0)
  let bytesDone = 0
  const tell = (proven: number): void => {
    bytesDone += proven
    onProgress?.({ id: manifest.id, bytes, bytesDone })
  }
  tell(0)
  return tell
}
