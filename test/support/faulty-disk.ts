// A disk in memory that fails as real ones do. Everything that changes it is numbered.
//
// It knows what the device holds for certain and what has only been written: a sync makes the second the first. image()
// gives the disk as it may be found after a loss of power: of what was not synced, any subset may have survived, and of a
// write any of its sectors. Names made, renamed or removed survive in order, up to any point after the last syncDirectory.
//
// Rules make single operations fail. A sync that fails forgets what it was to sync, as Linux does: the data is marked clean
// and never written.

import type { Disk, DiskFile, LockAttempt, OpenOptions, Random } from '../../src/base/index.ts'
import { DiskContents } from './disk-contents.ts'

/** Smaller than any device's, so that what relies on whole sectors is found out. */
const sectorBytes = 128

export interface Operation {
  readonly number: number
  readonly kind:
    | 'write'
    | 'truncate'
    | 'sync'
    | 'read'
    | 'rename'
    | 'remove'
    | 'create'
    | 'makeDirectory'
    | 'syncDirectory'
  readonly path: string
  readonly at: number
  readonly length: number
}

/** Says how an operation fails; undefined lets it be. */
type Rule = (operation: Operation) => Error | undefined

type Unsynced =
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number }

class Inode {
  current = new DiskContents()
  durable = new DiskContents()
  unsynced: Unsynced[] = []
  /** The write that is being numbered: a loss of power may leave parts of it. */
  starting: Unsynced | undefined

  static holding(contents: DiskContents): Inode {
    const inode = new Inode()
    inode.current = contents
    inode.durable = contents.copy()
    return inode
  }

  copy(): Inode {
    const inode = new Inode()
    inode.current = this.current.copy()
    inode.durable = this.durable.copy()
    // A write that has not begun when the process is killed never happens.
    inode.unsynced = this.unsynced.filter((change) => change !== this.starting)
    return inode
  }
}

/** What a path leads to; a directory has no inode. */
type Node = Inode | 'directory'
type Names = Map<string, Node>

/** A change of the names in a directory. */
type NameChange = { readonly directory: string } & (
  | { readonly kind: 'put'; readonly path: string; readonly node: Node }
  | { readonly kind: 'move'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string }
)

export class FaultyDisk implements Disk {
  /** Called before every numbered operation; may throw to stop everything there. */
  onOperation: ((operation: Operation) => void) | undefined
  readonly rules: Rule[] = []
  /** Bytes by which files may still grow; undefined for any number. */
  full: number | undefined
  operations = 0
  #names: Names = new Map()
  #durableNames: Names = new Map()
  #nameChanges: NameChange[] = []
  readonly #locks = new Map<string, string>()
  #held: (() => void)[] | undefined

  open(path: string, options: OpenOptions = {}): DiskFile {
    let inode = this.#names.get(path)
    if (inode === 'directory') throw systemError('EISDIR', path)
    if (inode !== undefined && options.exclusive === true) throw systemError('EEXIST', path)
    if (inode === undefined) {
      if (options.create !== true) throw systemError('ENOENT', path)
      if (this.#names.get(parentOf(path)) !== 'directory') throw systemError('ENOENT', path)
      this.number('create', path)
      const made = new Inode()
      inode = made
      this.#changeNames({ kind: 'put', directory: parentOf(path), path, node: made })
    }
    return new FaultyFile(this, path, inode)
  }

  rename(from: string, to: string): void {
    this.number('rename', from)
    if (!this.#names.has(from)) throw systemError('ENOENT', from)
    this.#changeNames({ kind: 'move', directory: parentOf(to), from, to })
  }

  remove(path: string): void {
    if (!this.exists(path)) return
    this.number('remove', path)
    this.#changeNames({ kind: 'remove', directory: parentOf(path), path })
  }

  list(directory: string): string[] {
    if (this.#names.get(directory) !== 'directory') throw systemError('ENOENT', directory)
    const inside = [...this.#names.keys()].filter((path) => parentOf(path) === directory)
    return inside.map((path) => path.slice(directory.length + 1)).sort()
  }

  makeDirectory(path: string): void {
    if (this.#names.get(path) === 'directory') return
    if (this.#names.has(path)) throw systemError('EEXIST', path)
    if (!path.includes('/')) {
      // The first level is where the disk is mounted.
      for (const names of [this.#names, this.#durableNames]) names.set(path, 'directory')
      return
    }
    this.makeDirectory(parentOf(path))
    this.number('makeDirectory', path)
    this.#changeNames({ kind: 'put', directory: parentOf(path), path, node: 'directory' })
  }

  syncDirectory(path: string): void {
    this.number('syncDirectory', path)
    const mine = this.#nameChanges.filter(({ directory }) => directory === path)
    for (const change of mine) applyTo(this.#durableNames, change)
    this.#nameChanges = this.#nameChanges.filter(({ directory }) => directory !== path)
  }

  exists(path: string): boolean {
    return this.#names.has(path)
  }

  lock(path: string): LockAttempt {
    const owner = this.#locks.get(path)
    if (owner !== undefined) return { kind: 'in use', owner }
    this.#locks.set(path, 'process 1')
    return { kind: 'held', release: () => this.#locks.delete(path) }
  }

  /** From now on syncs and later writes wait until releaseHeld(). */
  hold(): void {
    this.#held ??= []
  }

  releaseHeld(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const release of held) release()
  }

  /** Changes a byte of what is written, behind everybody's back. */
  flip(path: string, at: number, mask = 1): void {
    const inode = this.inode(path)
    for (const contents of [inode.current, inode.durable]) contents.flip(at, mask)
  }

  contentsOf(path: string): Uint8Array {
    const { current } = this.inode(path)
    const bytes = new Uint8Array(current.size)
    current.read(bytes, 0)
    return bytes
  }

  /** The operation of this number fails. */
  failAt(at: number, code: string): void {
    this.rules.push(({ number, path }) => (number === at ? systemError(code, path) : undefined))
  }

  /** Makes an operation the only one that fails: the next of this kind, or the one after `skip` more. */
  failOnce(kind: Operation['kind'], code: string, skip = 0): void {
    let left = skip
    const rule: Rule = (operation) => {
      if (operation.kind !== kind || left-- > 0) return undefined
      this.rules.splice(this.rules.indexOf(rule), 1)
      return systemError(code, operation.path)
    }
    this.rules.push(rule)
  }

  /**
   * As the disk is when the process is killed and the machine goes on: everything written is there, but what was not synced
   * may still be lost later. Locks are gone.
   */
  afterKill(): FaultyDisk {
    const copy = copier((inode) => inode.copy())
    const disk = new FaultyDisk()
    disk.#names = mapped(this.#names, copy)
    disk.#durableNames = mapped(this.#durableNames, copy)
    disk.#nameChanges = this.#nameChanges.map((change) =>
      change.kind === 'put' ? { ...change, node: copy(change.node) } : change,
    )
    return disk
  }

  /** As the disk may be found after a loss of power just now. */
  image(random: Random): FaultyDisk {
    const names = new Map(this.#durableNames)
    const survivors = random.int(this.#nameChanges.length + 1)
    for (const change of this.#nameChanges.slice(0, survivors)) applyTo(names, change)
    // What lies in a directory that is not there cannot be found.
    for (const path of names.keys()) {
      if (!ancestorsOf(path).every((other) => names.get(other) === 'directory')) names.delete(path)
    }
    // Some losses are total, some are none, most are in between.
    const chance = random.pick([0, 0.5, 0.5, 0.9, 1])
    const disk = new FaultyDisk()
    disk.#names = mapped(
      names,
      copier((inode) => Inode.holding(survivorsOf(inode, random, chance))),
    )
    disk.#durableNames = new Map(disk.#names)
    return disk
  }

  number(kind: Operation['kind'], path: string, at = 0, length = 0): void {
    const operation = { number: this.operations++, kind, path, at, length }
    for (const rule of [...this.rules]) {
      const error = rule(operation)
      if (error !== undefined) throw error
    }
    this.onOperation?.(operation)
  }

  /** Runs when the disk is ready: in a microtask, or when what is held is released. */
  later(): Promise<void> {
    const held = this.#held
    return held === undefined ? Promise.resolve() : new Promise((resolve) => held.push(resolve))
  }

  inode(path: string): Inode {
    const inode = this.#names.get(path)
    if (inode === undefined || inode === 'directory') throw systemError('ENOENT', path)
    return inode
  }

  #changeNames(change: NameChange): void {
    applyTo(this.#names, change)
    this.#nameChanges.push(change)
  }
}

function applyTo(names: Names, change: NameChange): void {
  if (change.kind === 'put') {
    names.set(change.path, change.node)
    return
  }
  const start = change.kind === 'move' ? change.from : change.path
  for (const [path, node] of [...names]) {
    if (path !== start && !path.startsWith(`${start}/`)) continue
    names.delete(path)
    if (change.kind === 'move') names.set(change.to + path.slice(start.length), node)
  }
}

/** Copies each node once, however many names it has. */
function copier(copyOf: (inode: Inode) => Inode): (node: Node) => Node {
  const copies = new Map<Inode, Inode>()
  return (node) => {
    if (node === 'directory') return node
    const copy = copies.get(node) ?? copyOf(node)
    copies.set(node, copy)
    return copy
  }
}

function mapped(names: Names, copy: (node: Node) => Node): Names {
  return new Map([...names].map(([path, node]) => [path, copy(node)]))
}

class FaultyFile implements DiskFile {
  readonly #disk: FaultyDisk
  readonly #path: string
  readonly #inode: Inode

  constructor(disk: FaultyDisk, path: string, inode: Inode) {
    this.#disk = disk
    this.#path = path
    this.#inode = inode
  }

  get size(): number {
    return this.#inode.current.size
  }

  read(into: Uint8Array, at: number): number {
    this.#disk.number('read', this.#path, at, into.length)
    return this.#inode.current.read(into, at)
  }

  write(bytes: Uint8Array, at: number): void {
    const grown = Math.max(0, at + bytes.length - this.size)
    if (grown > (this.#disk.full ?? grown)) throw systemError('ENOSPC', this.#path)
    // Not slice(): that of a Buffer is no copy.
    const change = { kind: 'write' as const, at, bytes: new Uint8Array(bytes) }
    this.#inode.unsynced.push(change)
    this.#inode.starting = change
    try {
      this.#disk.number('write', this.#path, at, bytes.length)
    } catch (error) {
      this.#inode.unsynced.splice(this.#inode.unsynced.indexOf(change), 1)
      throw error
    } finally {
      this.#inode.starting = undefined
    }
    applyChange(this.#inode.current, change)
  }

  async writeLater(bytes: Uint8Array, at: number): Promise<void> {
    // It arrives some time after it was sent off; a good deal may happen meanwhile.
    for (let turn = 0; turn < 25; turn++) await this.#disk.later()
    this.write(bytes, at)
  }

  truncate(size: number): void {
    this.#disk.number('truncate', this.#path, size)
    const change = { kind: 'truncate' as const, size }
    this.#inode.unsynced.push(change)
    applyChange(this.#inode.current, change)
  }

  async sync(): Promise<void> {
    const changes = this.#startSync()
    await this.#disk.later()
    this.#endSync(changes)
  }

  syncNow(): void {
    this.#endSync(this.#startSync())
  }

  close(): void {}

  #startSync(): Unsynced[] {
    const changes = [...this.#inode.unsynced]
    try {
      this.#disk.number('sync', this.#path)
    } catch (error) {
      // The system forgets that these were to be written.
      this.#inode.unsynced = []
      throw error
    }
    return changes
  }

  #endSync(changes: readonly Unsynced[]): void {
    for (const change of changes) applyChange(this.#inode.durable, change)
    const synced = new Set(changes)
    this.#inode.unsynced = this.#inode.unsynced.filter((change) => !synced.has(change))
  }
}

function applyChange(contents: DiskContents, change: Unsynced): void {
  if (change.kind === 'write') contents.write(change.bytes, change.at)
  else contents.truncate(change.size)
}

function survivorsOf(inode: Inode, random: Random, chance: number): DiskContents {
  const contents = inode.durable.copy()
  for (const change of inode.unsynced) {
    if (!random.chance(chance)) continue
    if (change.kind === 'truncate' || random.chance(0.6)) applyChange(contents, change)
    else writeTorn(contents, change, random)
  }
  // The size of a file may be known before what is in it.
  if (contents.size < inode.current.size && random.chance(0.3)) contents.truncate(inode.current.size)
  return contents
}

/** The first half of a write, or any of its sectors. */
function writeTorn(contents: DiskContents, { at, bytes }: { at: number; bytes: Uint8Array }, random: Random): void {
  const isHalf = random.chance(0.5)
  for (let start = 0; start < bytes.length; ) {
    const end = Math.min(bytes.length, start + sectorBytes - ((at + start) % sectorBytes))
    const survives = isHalf ? start < bytes.length / 2 : random.chance(0.5)
    if (survives) contents.write(bytes.subarray(start, end), at + start)
    start = end
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

function ancestorsOf(path: string): string[] {
  const parent = parentOf(path)
  return parent === '' ? [] : [...ancestorsOf(parent), parent]
}

function systemError(code: string, path: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${code}: ${path}`)
  error.code = code
  error.path = path
  return error
}
