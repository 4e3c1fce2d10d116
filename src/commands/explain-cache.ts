// What EXPLAIN (CACHE) shows: the node *Cache*, then the origin's plan.

import type { CommandNotice } from './own-statement.ts'

interface ExplainedRelation {
  readonly name: string
  readonly proof: 'exact' | 'own_writes' | 'ttl'
  readonly feed: string | undefined
  readonly lagMs: number | undefined
}

interface ActualRun {
  readonly us: number
  readonly rows: number
  readonly bytes: number
  /** Why its answer was not kept. */
  readonly unstored: string | undefined
}

export interface ExplainCache {
  readonly verdict: string
  readonly reason: string | undefined
  /** Argument of the reason: `volatile(random)` has `random`. */
  readonly argument: string | undefined
  readonly remedy: string | undefined
  readonly fingerprint: string | undefined
  /** Name of its cache. */
  readonly cache: string | undefined
  readonly consistency: string
  readonly ttlMs: number | undefined
  /** Where that came from: default, file, session, hint … */
  readonly ttlSource: string | undefined
  /** What the key of the answer holds besides the text: role, database, search_path … */
  readonly keyInputs: readonly string[]
  readonly relations: readonly ExplainedRelation[]
  readonly entry: { readonly ageMs: number; readonly tier: string; readonly bytes: number } | undefined
  readonly expectedUs: {
    readonly hit: number | undefined
    readonly miss: number | undefined
    readonly origin: number | undefined
  }
  /** A materialized view that asks just the same; `reason`: why it would not answer. */
  readonly view?: { readonly name: string; readonly reason: string | undefined } | undefined
  /** Who answers it, if that is neither the caches nor the origin as ever. */
  readonly answeredBy?: string
  /** What running it through the caches came to; undefined unless it was run. */
  readonly actual: ActualRun | undefined
  /** The origin's EXPLAIN: its lines (FORMAT TEXT), or its parsed JSON; undefined if the origin cannot be reached. */
  readonly originPlan: readonly string[] | object | undefined
  /** What is wrong with the hints in the statement. */
  readonly notices: readonly CommandNotice[]
}

/** The node as lines of FORMAT TEXT, the origin's plan below it. */
export function explainLines(explained: ExplainCache): string[] {
  const { entry, originPlan } = explained
  const head = `Cache  (verdict=${explained.verdict}${part(' reason', reasonOf(explained))})`
  const lines = [head]
  const add = (label: string, text: string | undefined): void => {
    if (text !== undefined && text !== '') lines.push(`  ${label}: ${text}`)
  }
  add('Remedy', explained.remedy)
  add('Fingerprint', explained.fingerprint)
  add('Cache', explained.cache)
  add('Consistency', explained.consistency)
  add('TTL', explained.ttlMs === undefined ? undefined : `${explained.ttlMs} ms${sourceText(explained.ttlSource)}`)
  add('Key Inputs', explained.keyInputs.join(', '))
  for (const relation of explained.relations) add('Relation', relationText(relation))
  if (entry !== undefined) add('Entry', `age=${entry.ageMs} ms  tier=${entry.tier}  bytes=${entry.bytes}`)
  add('View', viewText(explained))
  add('Answered By', explained.answeredBy)
  add('Expected', expectedText(explained))
  add('Actual', actualText(explained))
  if (Array.isArray(originPlan)) {
    const plan: readonly string[] = originPlan
    lines.push(...plan.map((line, index) => (index === 0 ? `  ->  ${line}` : `      ${line}`)))
  }
  return lines
}

/** The keys `Cache` and `Plan` of FORMAT JSON. */
export function explainJson(explained: ExplainCache): object {
  const { originPlan, relations, entry, expectedUs, actual, notices: _, ...cache } = explained
  return {
    Cache: {
      Verdict: cache.verdict,
      Reason: cache.reason ?? null,
      Argument: cache.argument ?? null,
      Remedy: cache.remedy ?? null,
      Fingerprint: cache.fingerprint ?? null,
      Cache: cache.cache ?? null,
      Consistency: cache.consistency,
      'TTL ms': cache.ttlMs ?? null,
      'TTL Source': cache.ttlSource ?? null,
      'Key Inputs': cache.keyInputs,
      Relations: relations.map((relation) => ({
        Name: relation.name,
        Proof: relation.proof,
        Feed: relation.feed ?? null,
        'Lag ms': relation.lagMs ?? null,
      })),
      Entry: entry === undefined ? null : { 'Age ms': entry.ageMs, Tier: entry.tier, Bytes: entry.bytes },
      'Expected us': {
        Hit: expectedUs.hit ?? null,
        Miss: expectedUs.miss ?? null,
        Origin: expectedUs.origin ?? null,
      },
      ...(cache.view === undefined ? {} : { View: { Name: cache.view.name, Reason: cache.view.reason ?? null } }),
      ...(cache.answeredBy === undefined ? {} : { 'Answered By': cache.answeredBy }),
      Actual:
        actual === undefined
          ? null
          : {
              'Time us': Math.round(actual.us),
              Rows: actual.rows,
              Bytes: actual.bytes,
              Unstored: actual.unstored ?? null,
            },
    },
    Plan: originPlan ?? null,
  }
}

function reasonOf(explained: ExplainCache): string | undefined {
  if (explained.reason === undefined) return undefined
  return explained.argument === undefined ? explained.reason : `${explained.reason}(${explained.argument})`
}

function part(label: string, value: string | undefined): string {
  return value === undefined ? '' : `${label}=${value}`
}

function sourceText(source: string | undefined): string {
  return source === undefined ? '' : `  (${source})`
}

function relationText(relation: ExplainedRelation): string {
  const lag = relation.lagMs === undefined ? undefined : `${relation.lagMs} ms`
  return `${relation.name}  (proof=${relation.proof}${part(' feed', relation.feed)}${part(' lag', lag)})`
}

function viewText({ view }: ExplainCache): string | undefined {
  if (view === undefined) return undefined
  return view.reason === undefined ? view.name : `${view.name}  (not asked: ${view.reason})`
}

function expectedText({ expectedUs }: ExplainCache): string {
  const parts = (['hit', 'miss', 'origin'] as const).flatMap((name) => {
    const us = expectedUs[name]
    return us === undefined ? [] : [`${name}=${Math.round(us)} us`]
  })
  return parts.join('  ')
}

function actualText({ actual }: ExplainCache): string | undefined {
  if (actual === undefined) return undefined
  const unstored = part('  unstored', actual.unstored)
  return `time=${Math.round(actual.us)} us  rows=${actual.rows}  bytes=${actual.bytes}${unstored}`
}
