// How derived entries hang on what they were derived from. The epochs are somebody else's (`invalidation`); whoever puts the rooms
// together hands them in.
//
// An entry remembers pairs of a source and its epoch, and is served while all of them stand (L2-30, DEP-3). A dependency
// written `relation:schema.name` binds to that relation's sources (DEP-8); other dependencies are free text.

import type { Proof } from './l2-record.ts'

/** A relation, or all of a database: the living thing, whose epoch grows with each change. */
export interface EpochSource {
  /** Names it on disk: unique, at most 255 bytes. */
  readonly id: string
  readonly epoch: number
  /** A change of it is being committed: what hangs on it is held back, and may be served again. */
  readonly isSuspended: boolean
}

export interface Epochs {
  /** What a dependency on a relation hangs on; undefined if there is no such relation. */
  bind(relation: string): readonly EpochSource[] | undefined
  /** The source with this id; undefined if nobody knows it any more. */
  find(id: string): EpochSource | undefined
  /** Whether what was proven under an incarnation of the store, this one or an earlier, still is. */
  holds(incarnation: number): boolean
}

/** A source as it stood. */
export interface Bound {
  readonly source: EpochSource
  readonly epoch: number
}

export const noEpochs: Epochs = { bind: () => undefined, find: () => undefined, holds: () => false }

const relationPrefix = 'relation:'

/** The relation a dependency names, if it names one. */
export function relationOf(dependency: string): string | undefined {
  return dependency.startsWith(relationPrefix) ? dependency.slice(relationPrefix.length) : undefined
}

export function hasMoved(bounds: readonly Bound[]): boolean {
  for (const { source, epoch } of bounds) if (source.epoch !== epoch) return true
  return false
}

export function isSuspended(bounds: readonly Bound[]): boolean {
  for (const { source } of bounds) if (source.isSuspended) return true
  return false
}

export function proofOf(bounds: readonly Bound[] | undefined, incarnation: number): Proof | undefined {
  if (bounds === undefined) return undefined
  return { incarnation, pairs: bounds.map(({ source, epoch }) => ({ source: source.id, epoch })) }
}

/** unproven: it may be proven later. moved: it never holds again. */
type ProofState = readonly Bound[] | 'unproven' | 'moved'

/** What an entry that comes from disk hangs on now. */
export function rebind(proof: Proof, epochs: Epochs): ProofState {
  if (!epochs.holds(proof.incarnation)) return 'unproven'
  const bounds: Bound[] = []
  for (const { source: id, epoch } of proof.pairs) {
    const source = epochs.find(id)
    if (source === undefined) return 'unproven'
    if (source.epoch !== epoch) return 'moved'
    bounds.push({ source, epoch })
  }
  return bounds
}
