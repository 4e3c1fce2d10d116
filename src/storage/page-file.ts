// The page file as its users see it: reads and writes of whole pages and runs, with errors that have names.

import type { DiskFile } from '../base/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import type { Health } from './health.ts'
import { PageDamage } from './page.ts'

interface FileStats {
  reads: number
  pagesWritten: number
  bytesRead: number
  bytesWritten: number
}

export class PageFile {
  readonly pageSize: number
  /** Most pages the file may have. */
  readonly pageCountMax: number
  readonly stats: FileStats = { reads: 0, pagesWritten: 0, bytesRead: 0, bytesWritten: 0 }
  readonly #file: DiskFile
  readonly #health: Health

  constructor(file: DiskFile, options: { pageSize: number; pageCountMax: number; health: Health }) {
    this.#file = file
    this.#health = options.health
    this.pageSize = options.pageSize
    this.pageCountMax = options.pageCountMax
  }

  get size(): number {
    return this.#file.size
  }

  /** Fills `into` from the start of a page on. A file that ends before is damage. */
  read(into: Uint8Array, page: number, offset = 0): void {
    this.stats.reads++
    this.stats.bytesRead += into.length
    let count: number
    try {
      count = this.#file.read(into, page * this.pageSize + offset)
    } catch (error) {
      throw this.#health.readFailed(error)
    }
    if (count < into.length) throw new PageDamage(page, 'the file ends before it')
  }

  /** Writes from the start of a page on; tries again before it gives up, since a store that gives up is fenced (L2-34). */
  write(bytes: Uint8Array, page: number, offset = 0): void {
    for (;;) {
      this.#health.assertUsable()
      try {
        this.#file.write(bytes, page * this.pageSize + offset)
        break
      } catch (error) {
        const failure = this.#health.writeFailed(error)
        if (failure.condition === conditions.diskFull || this.#health.state === 'fenced') throw failure
      }
    }
    this.wrote(bytes.length)
  }

  /** The same without holding up the thread, and tried once. */
  async writeLater(bytes: Uint8Array, page: number): Promise<void> {
    this.#health.assertUsable()
    try {
      await this.#file.writeLater(bytes, page * this.pageSize)
    } catch (error) {
      throw this.#health.writeFailed(error)
    }
    this.wrote(bytes.length)
  }

  async sync(): Promise<void> {
    this.#health.assertUsable()
    try {
      await this.#file.sync()
    } catch (error) {
      throw this.#health.syncFailed(error)
    }
  }

  /** Cuts the file off behind `pageCount` pages. That it stays longer does no harm, so a failure is not an error. */
  cut(pageCount: number): void {
    try {
      this.#file.truncate(pageCount * this.pageSize)
    } catch (error) {
      this.#health.readFailed(error)
    }
  }

  close(): void {
    this.#file.close()
  }

  private wrote(bytes: number): void {
    this.#health.wrote()
    this.stats.pagesWritten += Math.ceil(bytes / this.pageSize)
    this.stats.bytesWritten += bytes
  }
}

/** What a change throws that finds no room and may not use the reserve. */
export function noRoom(reason: string): ServerError {
  return new ServerError(conditions.diskFull, [reason], {
    hint: 'Raise l2_file_bytes_max or free some space; the cache evicts and goes on meanwhile.',
  })
}
