// Composition: how precisely changes of a relation's rows hide answers, and why no more.

import type { Relation } from './invalidation/index.ts'

interface Precision {
  readonly precision: 'row' | 'relation'
  /** Why only some changes are told in rows, and what to do about it. */
  readonly remedy: string | undefined
}

const whole: Precision = { precision: 'relation', remedy: undefined }

/** `isTold`: a feed tells of its changes now. `isAllowed`: invalidation_precision is `row`. Without answers that pin rows there is nothing to tell. */
export function precisionOf({ rows }: Relation, isTold: boolean, isAllowed: boolean): Precision {
  if (!isAllowed || !isTold || rows === undefined || rows.count === 0) return whole
  if (rows.hasIdentity) return { precision: 'row', remedy: undefined }
  return {
    precision: 'row',
    remedy:
      'UPDATE and DELETE hide all answers from it: no old row is told; a primary key, or ALTER TABLE … REPLICA IDENTITY FULL',
  }
}
