// The backups in a store: found, listed, shown, dropped (systems.md 3.17).
//
// What has no valid manifest is no backup (ARC-8). LATEST is a short cut that saves listing; if it is absent or names what
// is no backup, the highest id among the valid manifests is the newest.

import { isBackupId } from './backup-id.ts'
import { asServerErrors, damaged, newerFormat, noBackup } from './failures.ts'
import { halvesOf } from './leftovers.ts'
import { fileNames, latestName, type Manifest, manifestBytesMax, manifestName } from './manifest.ts'
import { decodeManifest, NewerFormatError, type ReadManifest } from './manifest-text.ts'
import { ShapeError } from './shape.ts'
import { type ArchiveStore, contentOf, readSmall } from './store.ts'
import { writerName } from './writer-mark.ts'

const manifestsAtOnce = 4
const latestTries = 5

interface BackupList {
  /** Oldest first. */
  readonly backups: readonly ListedBackup[]
  /** What looks like a backup and cannot be read: damaged, or of a later Larder. */
  readonly unreadable: readonly { readonly id: string; readonly reason: string }[]
}

interface ListedBackup {
  readonly manifest: Manifest
  /** LATEST names it. */
  readonly latest: boolean
}

/** What LATEST says, and the version to compare with when it is written again. */
interface Latest {
  readonly id: string | undefined
  readonly version: string | undefined
}

export class Collection {
  readonly store: ArchiveStore

  constructor(store: ArchiveStore) {
    this.store = store
  }

  list(signal?: AbortSignal): Promise<BackupList> {
    return asServerErrors(`list the backups in "${this.store.url}"`, signal, async () => {
      const ids = await this.#ids(signal)
      const latest = await this.latest(signal)
      const backups: ListedBackup[] = []
      const unreadable: { readonly id: string; readonly reason: string }[] = []
      for (let at = 0; at < ids.length; at += manifestsAtOnce) {
        const batch = ids.slice(at, at + manifestsAtOnce)
        const read = await Promise.all(batch.map((id) => this.#readOrReason(id, signal)))
        for (const [index, one] of read.entries()) {
          const id = batch[index] ?? ''
          if (typeof one === 'string') unreadable.push({ id, reason: one })
          else if (one !== undefined) backups.push({ manifest: one.manifest, latest: id === latest.id })
        }
      }
      return { backups, unreadable }
    })
  }

  /** The manifest of a backup, by id or `LATEST`. Throws 42704, XX001 or 0A000. */
  open(idOrLatest: string, signal?: AbortSignal): Promise<ReadManifest> {
    return asServerErrors(`read a backup in "${this.store.url}"`, signal, async () => {
      if (idOrLatest === latestName) return await this.#openLatest(signal)
      const read = isBackupId(idOrLatest) ? await this.#read(idOrLatest, signal) : undefined
      if (read === undefined) throw noBackup(idOrLatest, this.store.url)
      return read
    })
  }

  /**
   * Removes a backup, or the remains of one that was never finished. From the moment its manifest is gone it is none;
   * LATEST has been moved on before.
   */
  drop(id: string, signal?: AbortSignal): Promise<{ readonly files: number; readonly bytes: number }> {
    return asServerErrors(`drop backup "${id}" in "${this.store.url}"`, signal, async () => {
      const present = isBackupId(id) ? await this.#objectsOf(id, signal) : []
      const halves = isBackupId(id) ? await halvesOf(this.store, id, signal) : []
      if (present.length === 0 && halves.length === 0) throw noBackup(id, this.store.url)
      const manifest = await this.#readOrReason(id, signal)
      await this.#moveLatestFrom(id, signal)
      await this.remove(id, signal)
      for (const abandon of halves) await abandon(signal)
      const files = typeof manifest === 'object' ? manifest.manifest.files : []
      return { files: present.length, bytes: files.reduce((sum, { storedSize }) => sum + storedSize, 0) }
    })
  }

  /** All objects of an id, the manifest first. */
  async remove(id: string, signal?: AbortSignal): Promise<void> {
    const names = [manifestName, ...[...fileNames].reverse(), writerName]
    for (const name of names) await this.store.delete(`${id}/${name}`, signal)
  }

  /** Says who is writing a backup, before anything else of it is there. */
  async mark(id: string, writer: string, signal?: AbortSignal): Promise<void> {
    await this.store.write(`${id}/${writerName}`, contentOf(Buffer.from(writer)), signal)
  }

  /** It is written; that a mark stays behind is no harm to it. */
  async unmark(id: string): Promise<void> {
    await this.store.delete(`${id}/${writerName}`).catch(() => undefined)
  }

  /** False if somebody took it for given up. */
  isMarked(id: string, signal?: AbortSignal): Promise<boolean> {
    return this.store.exists(`${id}/${writerName}`, signal)
  }

  async latest(signal?: AbortSignal): Promise<Latest> {
    const object = await readSmall(this.store, latestName, 100, signal)
    const id = object?.bytes.toString('latin1').trimEnd()
    return { id: id !== undefined && isBackupId(id) ? id : undefined, version: object?.version }
  }

  /** Lets LATEST name the id, unless it names a higher one meanwhile. */
  async advanceLatest(id: string, signal?: AbortSignal): Promise<void> {
    const bytes = Buffer.from(`${id}\n`)
    for (let tries = 0; tries < latestTries; tries++) {
      const current = await this.latest(signal)
      if (current.id !== undefined && current.id >= id) return
      const outcome = await this.store.writeIf(latestName, bytes, current.version, signal)
      if (outcome === 'written') return
      if (outcome === 'unsupported') break
    }
    await this.store.write(latestName, contentOf(bytes), signal)
  }

  async #openLatest(signal: AbortSignal | undefined): Promise<ReadManifest> {
    const { id } = await this.latest(signal)
    const named = id === undefined ? undefined : await this.#read(id, signal)
    if (named !== undefined) return named
    const newest = await this.#newestBut(undefined, signal)
    if (newest === undefined) throw noBackup(undefined, this.store.url)
    return newest
  }

  async #moveLatestFrom(id: string, signal: AbortSignal | undefined): Promise<void> {
    const current = await this.latest(signal)
    if (current.id !== id) return
    const next = await this.#newestBut(id, signal)
    if (next === undefined) await this.store.delete(latestName, signal)
    else await this.store.write(latestName, contentOf(Buffer.from(`${next.manifest.id}\n`)), signal)
  }

  async #newestBut(id: string | undefined, signal: AbortSignal | undefined): Promise<ReadManifest | undefined> {
    for (const candidate of (await this.#ids(signal)).reverse()) {
      if (candidate === id) continue
      const read = await this.#readOrReason(candidate, signal)
      if (typeof read === 'object') return read
    }
    return undefined
  }

  /** Ids with a manifest, valid or not, ascending. */
  async #ids(signal: AbortSignal | undefined): Promise<string[]> {
    const names = await this.store.list('', signal)
    return names.flatMap((name) => {
      const [id = '', file, ...more] = name.split('/')
      return isBackupId(id) && file === manifestName && more.length === 0 ? [id] : []
    })
  }

  async #objectsOf(id: string, signal: AbortSignal | undefined): Promise<string[]> {
    const present: string[] = []
    for (const name of [...fileNames, manifestName, writerName]) {
      if (await this.store.exists(`${id}/${name}`, signal)) present.push(name)
    }
    return present
  }

  async #readOrReason(id: string, signal: AbortSignal | undefined): Promise<ReadManifest | string | undefined> {
    try {
      return await this.#decode(id, signal)
    } catch (error) {
      if (error instanceof ShapeError) return `damaged: ${error.message}`
      if (error instanceof NewerFormatError) return `of a later version: ${error.message}`
      throw error
    }
  }

  async #read(id: string, signal: AbortSignal | undefined): Promise<ReadManifest | undefined> {
    try {
      return await this.#decode(id, signal)
    } catch (error) {
      if (error instanceof ShapeError) throw damaged(id, `${manifestName}: ${error.message}`)
      if (error instanceof NewerFormatError) throw newerFormat(id, error.message)
      throw error
    }
  }

  async #decode(id: string, signal: AbortSignal | undefined): Promise<ReadManifest | undefined> {
    const object = await readSmall(this.store, `${id}/${manifestName}`, manifestBytesMax, signal)
    if (object === undefined) return undefined
    if (object.bytes.length > manifestBytesMax) throw new ShapeError('the manifest: is too long')
    const read = decodeManifest(object.bytes)
    if (read.manifest.id !== id) throw new ShapeError('id: is another one')
    return read
  }
}
