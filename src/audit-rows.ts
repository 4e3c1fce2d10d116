// Composition: rows of cache.audit and cache.invalidations, and parameters as they are shown.

import { writeLsn } from './cdc/index.ts'
import type { Audits } from './frontend/index.ts'
import { entryName } from './frontend/index.ts'
import type { InvalidationRing } from './invalidation/index.ts'
import type { AuditRow, InvalidationShown } from './virtual/index.ts'
import { readDataRow } from './wire/index.ts'

export function* auditRows(audits: Audits): Generator<AuditRow> {
  for (const record of audits.rows()) {
    const { key, entryId, difference, reason, ...shown } = record
    yield {
      ...shown,
      parameters: parameterTexts(key),
      entry: entryName({ id: entryId }),
      firstDifference:
        difference === undefined && reason === undefined
          ? undefined
          : {
              ...(reason === undefined ? {} : { reason }),
              ...(difference && {
                row: difference.row,
                cache: valuesOf(difference.cache),
                origin: valuesOf(difference.origin),
              }),
            },
    }
  }
}

function valuesOf(row: string | undefined): readonly (string | null)[] | null {
  return row === undefined ? null : readDataRow(Buffer.from(row, 'latin1'), 0)
}

export function* invalidationRows(invalidations: InvalidationRing): Generator<InvalidationShown> {
  for (const row of invalidations.rows()) {
    yield { ...row, lsn: row.lsn === undefined ? undefined : writeLsn(row.lsn) }
  }
}

/** Text parameters as they were bound; undefined if some are binary. */
export function parameterTexts(key: string): (string | null)[] | undefined {
  if (key === '') return []
  const bytes = Buffer.from(key, 'latin1')
  if (/^\d+:\d+:/.test(key)) return undefined
  const values: (string | null)[] = []
  let at = 2
  for (let left = bytes.readUInt16BE(0); left > 0; left--) {
    const length = bytes.readInt32BE(at)
    at += 4
    values.push(length < 0 ? null : bytes.toString('utf8', at, at + length))
    if (length > 0) at += length
  }
  return values
}
