// The files of the graph: numbers in a directory that is named by whose they are (SPL-8, SPL-13).
//
//   <spill path>/<store>-<owner>-<incarnation>/1.spill, 2.spill …
//
// They are never read by another process, so nothing is synced. What earlier processes of the same owner left, whatever store they had, is removed
// at the start; what is of others, and whatever else lies there, is left alone.

import { mkdir, readdir, readFile, rm, rmdir, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SpillFiles } from './graph.ts'

const suffix = '.spill'
const filePattern = /^\d+\.spill$/

export class SpillDirectory implements SpillFiles {
  readonly path: string
  #made: Promise<unknown> | undefined

  private constructor(path: string) {
    this.path = path
  }

  /** `owner` has one process at a time; all of this are words. Nothing is made before the first file is written. */
  static async open(parent: string, store: string, owner: string, incarnation: number): Promise<SpillDirectory> {
    for (const name of await readdir(parent).catch(() => [])) {
      const [, of] = /^\w+-(\w+)-\d+$/.exec(name) ?? []
      if (of === owner) await clear(join(parent, name)).catch(() => undefined)
    }
    return new SpillDirectory(join(parent, `${store}-${owner}-${incarnation}`))
  }

  async write(number: number, bytes: Buffer): Promise<void> {
    this.#made ??= mkdir(this.path, { recursive: true, mode: 0o700 })
    await this.#made.catch((error) => {
      this.#made = undefined
      throw error
    })
    await writeFile(this.#file(number), bytes, { mode: 0o600 })
  }

  async read(number: number): Promise<Buffer> {
    return await readFile(this.#file(number))
  }

  async remove(number: number): Promise<void> {
    await rm(this.#file(number), { force: true })
  }

  /** All of it is removed. */
  async close(): Promise<void> {
    if (this.#made !== undefined) await clear(this.path).catch(() => undefined)
  }

  #file(number: number): string {
    return join(this.path, `${number}${suffix}`)
  }
}

/** Removes the files of ours in it, and the directory if it is empty then. */
async function clear(directory: string): Promise<void> {
  for (const name of await readdir(directory)) if (filePattern.test(name)) await unlink(join(directory, name))
  await rmdir(directory)
}
