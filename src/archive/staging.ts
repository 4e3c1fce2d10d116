// The directory that a backup is restored into: `store-<n>` beside the live one, of which nobody knows until CURRENT names it.
//
// Order: (1) the directory, (2) the files, written where their segments belong, holes as zeros, (3) each synced, (4) the
// directory synced. What comes then, check, generations and the switch of CURRENT, is the store's business (ARC-10). Until
// then discard() takes everything away; after a kill the next start does.

import { join } from 'node:path'
import type { Disk, DiskFile } from '../base/index.ts'
import type { ManifestFile, ManifestSegment } from './manifest.ts'
import { holesOf } from './manifest-consistency.ts'
import { between } from './segment-stream.ts'

export class Staging {
  readonly directory: string
  readonly #disk: Disk
  readonly #parent: string

  private constructor(disk: Disk, parent: string, name: string) {
    this.#disk = disk
    this.#parent = parent
    this.directory = join(parent, name)
  }

  /** Below `parent`, under the first free number. */
  static create(disk: Disk, parent: string): Staging {
    disk.makeDirectory(parent)
    const numbers = disk.list(parent).map((name) => Number(/^store-(\d{6,})$/.exec(name)?.[1] ?? 0))
    const name = `store-${String(Math.max(0, ...numbers) + 1).padStart(6, '0')}`
    const staging = new Staging(disk, parent, name)
    disk.makeDirectory(staging.directory)
    return staging
  }

  open(file: ManifestFile): StagedFile {
    const handle = this.#disk.open(join(this.directory, file.name), { create: true, exclusive: true })
    return new StagedFile(handle)
  }

  sync(): void {
    this.#disk.syncDirectory(this.directory)
    this.#disk.syncDirectory(this.#parent)
  }

  /** What cannot be removed now is at the next start. */
  discard(): void {
    try {
      this.#disk.remove(this.directory)
      this.#disk.syncDirectory(this.#parent)
    } catch {}
  }
}

/**
 * A file under restoration. Holes are written as zeros: a store counts on every page of its file having its place on the
 * disk, so that what invalidates finds room on a full one (L2-35).
 */
class StagedFile {
  readonly #handle: DiskFile

  constructor(handle: DiskFile) {
    this.#handle = handle
  }

  /** `filled` are the bytes of the segment that are in no hole, one stretch behind the other. */
  async write(segment: ManifestSegment, filled: Uint8Array): Promise<void> {
    let at = 0
    for (const stretch of between(holesOf(segment), segment.length)) {
      const bytes = filled.subarray(at, at + stretch.length)
      await this.#handle.writeLater(bytes, segment.offset + stretch.offset)
      at += stretch.length
    }
    for (const hole of holesOf(segment)) await this.#writeZeros(segment.offset + hole.offset, hole.length)
  }

  async #writeZeros(from: number, length: number): Promise<void> {
    for (let done = 0; done < length; done += zeros.length) {
      await this.#handle.writeLater(zeros.subarray(0, Math.min(zeros.length, length - done)), from + done)
    }
  }

  sync(): Promise<void> {
    return this.#handle.sync()
  }

  close(): void {
    this.#handle.close()
  }
}

const zeros = new Uint8Array(1 << 20)
