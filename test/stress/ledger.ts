// What the harness knows about the truth: every version ever written, what became of it, and what was acknowledged.
//
// Each write takes a version, a number greater than all before, and stores `greatest(v, version)` in its rows. So per row
// versions only grow, in the order of the row locks, and a value read names the write it came from:
//
//   open         its transaction has not been told to commit: nobody else may see it
//   committing   COMMIT (or the autocommit statement) was sent: may be seen, need not
//   committed    acknowledged: every read that begins now must see it or something newer
//   aborted      rolled back or failed: nobody may ever see it
//   unknown      the connection was lost during the commit: may be seen, need not
//
// Rows are addressed by (group, key): tables that one transaction always writes alike (a table and what its trigger
// writes) form one group, so that a session that has seen the one must see the other.

export const keyCount = 8
export const keys: readonly number[] = Array.from({ length: keyCount }, (_, index) => index + 1)

export const groups = [
  'kv',
  'function',
  'cascade',
  'partition',
  'view',
  'deferred',
  'truncate',
  'copy',
  'procedure',
  'several',
  'execute',
  'tenant',
  'ddl view',
  'ddl function',
  'ddl table',
  'sequence',
  'matview',
] as const

export type Group = (typeof groups)[number]
export type Target = readonly [group: Group, key: number]
type Status = 'open' | 'committing' | 'committed' | 'aborted' | 'unknown'

/** Versions by key; index 0 is unused. */
export type Floor = readonly number[]

const groupPlaces: ReadonlyMap<Group, number> = new Map(groups.map((group, index) => [group, index * (keyCount + 1)]))

/** Where the version of a row stands in a list of the versions of all of them. */
export function placeOf(group: Group, key: number): number {
  return (groupPlaces.get(group) as number) + key
}

export const placeCount = groups.length * (keyCount + 1)

interface Telling {
  readonly atMs: number
  readonly target: Target
  readonly version: number
}

export class Ledger {
  readonly #statuses: Status[] = []
  readonly #targets = new Map<number, readonly Target[]>()
  readonly #acknowledged = new Map<Group, number[]>(groups.map((group) => [group, new Array(keyCount + 1).fill(0)]))
  /** The same, of what was acknowledged to anybody, past the server too; and when, the latest last. */
  readonly #anywhere = new Map<Group, number[]>(groups.map((group) => [group, new Array(keyCount + 1).fill(0)]))
  #told: Telling[] = []
  readonly #old = new Map<Group, number[]>(groups.map((group) => [group, new Array(keyCount + 1).fill(0)]))
  readonly #elsewhere = new Set<number>()
  /** What its writer had seen when it wrote it: who sees the one must see the other. */
  readonly #causes = new Map<number, Int32Array>()
  writeCount = 0
  abortCount = 0

  /** A new version for these rows. */
  open(...targets: readonly Target[]): number {
    const version = this.#statuses.push('open')
    this.#targets.set(version, targets)
    return version
  }

  /** What the writer of this version has seen, by place. */
  causedBy(version: number, seen: Int32Array): void {
    this.#causes.set(version, seen.slice())
  }

  causesOf(version: number): Int32Array | undefined {
    return this.#causes.get(version)
  }

  committing(version: number): void {
    this.#set(version, 'committing')
  }

  acknowledged(version: number): void {
    this.#set(version, 'committed')
    this.writeCount += 1
    for (const [group, key] of this.#targets.get(version) ?? []) this.raise(group, key, version)
    this.#targets.delete(version)
  }

  /** Committed past the server: it may be seen now, and must be seen from when it has been heard of. */
  acknowledgedElsewhere(version: number, heard: Promise<void>): Promise<void> {
    this.#set(version, 'committed')
    this.#elsewhere.add(version)
    for (const target of this.#targets.get(version) ?? []) this.#tell(target, version)
    return heard.then(() => this.acknowledged(version))
  }

  /** True if it was written past the server: then nothing says in what order it is seen in two answers. */
  isElsewhere(version: number): boolean {
    return this.#elsewhere.has(version)
  }

  aborted(version: number): void {
    this.#set(version, 'aborted')
    this.abortCount += 1
    this.#targets.delete(version)
  }

  /** The connection that wrote it died: if COMMIT had left, nobody can tell. */
  lost(version: number): void {
    const status = this.#statuses[version - 1]
    if (status === 'committing') this.#set(version, 'unknown')
    else if (status === 'open') this.aborted(version)
  }

  /** Says directly that a row is at least this new, where a row follows another with a delay of its own (REFRESH). */
  raise(group: Group, key: number, version: number): void {
    raiseIn(this.#acknowledged, [group, key], version)
    this.#tell([group, key], version)
  }

  #tell(target: Target, version: number): void {
    raiseIn(this.#anywhere, target, version)
    this.#told.push({ atMs: performance.now(), target, version })
  }

  /** What a read that begins now must at least see. */
  floor(group: Group): Floor {
    return [...(this.#acknowledged.get(group) as number[])]
  }

  /** What a read that begins now must see if it must see whatever was acknowledged to anybody before. */
  floorAnywhere(group: Group): Floor {
    return [...(this.#anywhere.get(group) as number[])]
  }

  /** The same, of what was acknowledged so long ago; and what was acknowledged here. Always asked with the same age. */
  floorOlder(group: Group, ms: number): Floor {
    const since = performance.now() - ms
    let count = 0
    for (; count < this.#told.length; count++) {
      const { atMs, target, version } = this.#told[count] as Telling
      if (atMs >= since) break
      raiseIn(this.#old, target, version)
    }
    this.#told.splice(0, count)
    const here = this.floor(group)
    return (this.#old.get(group) as number[]).map((version, key) => Math.max(version, here[key] as number))
  }

  /** Why a value of this version must not be seen; undefined if it may. `own` is the reader's open version. */
  fault(version: number, own: number | undefined): string | undefined {
    if (version <= 0 || version === own) return undefined
    const status = this.#statuses[version - 1]
    if (status === undefined) return `version ${version} was never written`
    if (status === 'aborted') return `version ${version} was rolled back`
    if (status === 'open') return `version ${version} is not committed`
    return undefined
  }

  #set(version: number, status: Status): void {
    this.#statuses[version - 1] = status
  }
}

function raiseIn(floors: ReadonlyMap<Group, number[]>, [group, key]: Target, version: number): void {
  const versions = floors.get(group) as number[]
  versions[key] = Math.max(versions[key] as number, version)
}
