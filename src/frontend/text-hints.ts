// What a comment asks of the cache, as far as this release does it; what it does not is a fault, never passed over in silence.

import type { StatementText, TextHints } from '../cache/plans/index.ts'
import { isLabel, labelsMax, type SettingRow, settingTable } from '../config/index.ts'
import { ServerError } from '../errors/index.ts'
import type { Hints } from '../sql/index.ts'
import type { Aside } from './source-text.ts'

/** Options beside `ttl`, `tags` and `refresh`, and the settings of the same meaning. */
const settingNames: Readonly<Record<string, string>> = {
  consistency: 'consistency',
  max_staleness: 'max_staleness',
  coalesce_wait: 'result_coalesce_wait',
  in_transaction: 'result_in_transaction',
  priority: 'result_priority',
  l2: 'result_l2',
  min_lsn: 'min_lsn',
  audit_percent: 'result_audit_percent',
}

/** Undefined where the comments ask for nothing. */
export function textHints(hints: Hints): TextHints | undefined {
  const faults = [...hints.errors]
  const values = new Map<string, unknown>()
  for (const [name, text] of hints.others) {
    const setting = settingNames[name]
    if (setting === undefined) faults.push(`hint option "${name}" is not supported`)
    else {
      const value = parsedBy(setting, name, text, faults)
      if (value !== undefined) values.set(name, value)
    }
  }
  const { cache, ttlMs } = hints
  const tags = tagsIn(hints, faults)
  const isSilent = cache === undefined && ttlMs === undefined && tags === undefined
  if (isSilent && values.size === 0 && faults.length === 0) return undefined
  return {
    ...{ cache, ttlMs, tags, faults },
    coalesceWaitMs: values.get('coalesce_wait') as number | undefined,
    priority: values.get('priority') as number | undefined,
    minLsn: values.get('min_lsn') as string | undefined,
    auditPercent: values.get('audit_percent') as number | undefined,
    l2: values.get('l2') as 'on' | 'off' | undefined,
    inTransaction: values.get('in_transaction') as 'until_write' | 'never' | undefined,
    consistency: values.get('consistency') as TextHints['consistency'],
    maxStalenessMs: values.get('max_staleness') as number | undefined,
  }
}

/** All or none: under some of its tags an answer would be missed by who invalidates another. */
function tagsIn(hints: Hints, faults: string[]): readonly string[] | undefined {
  if (hints.tags.length === 0) return undefined
  const tags = [...new Set(hints.tags)]
  const wrong = tags.find((tag) => !isLabel(tag))
  if (wrong !== undefined) faults.push(`invalid value for hint "tags": "${wrong.slice(0, 300)}"`)
  else if (tags.length > labelsMax) faults.push(`hint "tags" has more than ${labelsMax} labels`)
  else return tags
  return undefined
}

function parsedBy(setting: string, option: string, text: string, faults: string[]): unknown {
  const row = (settingTable as readonly SettingRow[]).find(({ name }) => name === setting) as SettingRow
  try {
    return row.type.parse(text, option)
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    faults.push(error.message)
    return undefined
  }
}

/** What a request asks: the text of itself, and what is said beside it. */
export function hintsFor(text: StatementText, aside: Aside | undefined): TextHints | undefined {
  return mergeHints(text.hints, aside?.hints)
}

/** The second counts where both say something, but `off` wins over `refresh`, and that over `on` (SQL-30). */
export function mergeHints(own: TextHints | undefined, beside: TextHints | undefined): TextHints | undefined {
  if (own === undefined || beside === undefined) return beside ?? own
  return {
    cache: [own.cache, beside.cache].includes('off')
      ? 'off'
      : [own.cache, beside.cache].includes('refresh')
        ? 'refresh'
        : (beside.cache ?? own.cache),
    ttlMs: beside.ttlMs ?? own.ttlMs,
    tags: beside.tags ?? own.tags,
    coalesceWaitMs: beside.coalesceWaitMs ?? own.coalesceWaitMs,
    minLsn: beside.minLsn ?? own.minLsn,
    auditPercent: beside.auditPercent ?? own.auditPercent,
    priority: beside.priority ?? own.priority,
    l2: beside.l2 ?? own.l2,
    inTransaction: beside.inTransaction ?? own.inTransaction,
    consistency: beside.consistency ?? own.consistency,
    maxStalenessMs: beside.maxStalenessMs ?? own.maxStalenessMs,
    faults: [...own.faults, ...beside.faults],
  }
}
