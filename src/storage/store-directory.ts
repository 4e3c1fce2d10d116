// The directory of a store: which of the stores in it is the live one, and that one process alone has it open.
//
//   CURRENT                 name of the live store; replaced by rename, then the directory is synced
//   LOCK                    held while open
//   store-000001/           l2.pager and l2.ctl
//   damaged-000001/         what was set aside; only the latest is kept

import { dirname } from 'node:path'
import type { Disk } from '../base/index.ts'
import { conditions, ServerError } from '../errors/index.ts'

export const pagerName = 'l2.pager'
export const controlName = 'l2.ctl'

const currentName = 'CURRENT'
const lockName = 'LOCK'
const storePattern = /^store-\d{6,}$/
const damagedPattern = /^damaged-\d{6,}$/

export class StoreDirectory {
  readonly path: string
  readonly #disk: Disk
  readonly #release: () => void

  private constructor(disk: Disk, path: string, release: () => void) {
    this.#disk = disk
    this.path = path
    this.#release = release
  }

  /** Makes the directory if it is missing and takes its lock (55006). */
  static open(disk: Disk, path: string, options: { create: boolean }): StoreDirectory {
    return translated(`open directory "${path}"`, () => {
      if (!disk.exists(path)) {
        if (!options.create) throw new ServerError(conditions.undefinedFile, [path])
        disk.makeDirectory(path)
        disk.syncDirectory(dirname(path))
      }
      const lock = disk.lock(`${path}/${lockName}`)
      if (lock.kind === 'in use') throw new ServerError(conditions.directoryInUse, [path, lock.owner])
      return new StoreDirectory(disk, path, lock.release)
    })
  }

  /** For who looks at a store in it that is not the live one: the lock is not taken. */
  static unlocked(disk: Disk, path: string): StoreDirectory {
    return new StoreDirectory(disk, path, () => undefined)
  }

  /** The name of the live store; undefined if there is none yet. */
  current(): string | undefined {
    if (!this.#disk.exists(`${this.path}/${currentName}`)) return undefined
    const file = this.#disk.open(`${this.path}/${currentName}`, { readOnly: true })
    try {
      const bytes = new Uint8Array(Math.min(file.size, 64))
      file.read(bytes, 0)
      const name = Buffer.from(bytes).toString('latin1').trim()
      // A store that was set aside is not there; its successor may never have been made.
      if (storePattern.test(name)) return this.#disk.exists(`${this.path}/${name}`) ? name : undefined
      throw new ServerError(conditions.dataCorrupted, [`"${this.path}/${currentName}" does not name a store`])
    } finally {
      file.close()
    }
  }

  /** A name that no store has had here. */
  nextName(): string {
    const numbers = this.#disk.list(this.path).map((name) => Number(/^(?:store|damaged)-(\d+)$/.exec(name)?.[1] ?? 0))
    return `store-${String(Math.max(0, ...numbers) + 1).padStart(6, '0')}`
  }

  /** Makes a store the live one: atomic, and durable when it returns. */
  switchTo(name: string): void {
    const draft = `${this.path}/${currentName}.new`
    this.#disk.remove(draft)
    const file = this.#disk.open(draft, { create: true, exclusive: true })
    try {
      file.write(Buffer.from(`${name}\n`, 'latin1'), 0)
      file.syncNow()
    } finally {
      file.close()
    }
    this.#disk.rename(draft, `${this.path}/${currentName}`)
    this.#disk.syncDirectory(this.path)
  }

  /** Removes stores that never became the live one, or are so no longer. */
  clear(): void {
    const current = this.current()
    for (const name of this.#disk.list(this.path)) {
      if (storePattern.test(name) && name !== current) this.#disk.remove(`${this.path}/${name}`)
    }
  }

  /** Moves a damaged store out of the way and forgets the one before it. */
  setAside(name: string): void {
    for (const other of this.#disk.list(this.path)) {
      if (damagedPattern.test(other)) this.#disk.remove(`${this.path}/${other}`)
    }
    this.#disk.rename(`${this.path}/${name}`, `${this.path}/${name.replace('store', 'damaged')}`)
    this.#disk.syncDirectory(this.path)
  }

  release(): void {
    this.#release()
  }
}

/** Runs `work`; an error of the system gets a name (58030). */
export function translated<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof ServerError) throw error
    const cause = error as NodeJS.ErrnoException
    if (cause.code === undefined) throw error
    throw new ServerError(conditions.ioError, [what, cause.message], { cause })
  }
}

/** Makes another store of the directory the live one; nobody may have it open (ARC-13). The old one goes at the next opening. */
export function makeLive(disk: Disk, directory: string, name: string): void {
  const lock = StoreDirectory.open(disk, directory, { create: false })
  try {
    translated(`make "${name}" the live store of "${directory}"`, () => lock.switchTo(name))
  } finally {
    lock.release()
  }
}
