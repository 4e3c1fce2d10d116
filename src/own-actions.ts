// Composition: what our own statements may do to the rooms: flush, invalidate, reset, reload, check.

import { type Entry, staleness } from './cache/results/index.ts'
import type { CommandActions, FlushRow, InvalidateRow, RelationName } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import type { Session } from './frontend/index.ts'
import type { Relation } from './invalidation/index.ts'
import { auditSample, auditStored } from './own-audit.ts'
import { ask, type OwnParts, originError } from './own-parts.ts'
import type { Viewer } from './virtual/index.ts'

/** Of the answers of a server, while no namespace on disk has one. */
const generations = new WeakMap<OwnParts['results'], number>()

export function actionsOf(session: Session, parts: OwnParts): CommandActions {
  const { results, epochs, secondTier, cache } = parts
  const generationNow = () => cache.blobs.namespace('$results')?.generation ?? generations.get(results) ?? 1
  const hasCache = (name: string, database: string): boolean =>
    [...parts.plans().shapes()].some((shape) => shape.fingerprint === name && shape.database === database)
  return {
    flushAll: async () => {
      const before = generationNow()
      epochs.bumpAllDatabases('flush', Date.now())
      const entries = results.clear()
      flushPlans(parts)
      await secondTier.forgetAll()
      generations.set(results, (generations.get(results) ?? 1) + 1)
      return flushRow('all', 'all', true, before, Math.max(before + 1, generationNow()), entries)
    },
    flushPlans: () => {
      const entries = flushPlans(parts)
      return flushRow('plans', 'plans', true, generationNow(), generationNow(), entries)
    },
    hasCache,
    audit: (wish) => (wish.sample === undefined ? auditStored(session, parts, wish) : auditSample(parts, wish)),
    flushCache: async (name, database) => {
      if (!hasCache(name, database)) return undefined
      let entries = 0
      const before = generationNow()
      for (const entry of results.entries()) {
        if (entry.owner.fingerprint !== name || entry.database.name !== database) continue
        results.remove(entry, 'flushed')
        entries++
      }
      await secondTier.forgetAll()
      return flushRow('cache', name, true, before, generationNow(), entries)
    },
    invalidateRelation: (relation, viewer) => invalidateRelation(session, relation, viewer, parts),
    invalidateResults: async (kind, label, viewer) => {
      // What a result depends on are relations, which no label names.
      if (kind === 'dependency') return 0
      const allows = (entry: Entry): boolean => viewer.isAdmin || viewer.memberOf(entry.role)
      const entries = results.invalidateTag(label, epochs.tick(), Date.now(), allows)
      await secondTier.forgetTag(label)
      return entries
    },
    invalidated: (kind, subject, entries) =>
      parts.invalidations.noteSubject(kind, subject, { cause: 'statement', session: session.id, entries }),
    resetStats: () => parts.metrics.reset(),
    reload: () => parts.store.reload(),
    check: async () => [
      ...(await findings('results', 'result cache', () => results.verify())),
      ...(await findings('blobs', 'blob cache', () => parts.cache.check())),
    ],
    compact: () => parts.cache.compact(),
    sweep: (limits) => parts.cache.sweep(limits),
  }
}

type Finding = Awaited<ReturnType<OwnParts['cache']['check']>>[number]

/** What an examination finds; a failed assertion is a finding. */
async function findings(kind: string, subject: string, examine: () => unknown): Promise<readonly Finding[]> {
  try {
    return ((await examine()) ?? []) as readonly Finding[]
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return [{ severity: 'error', kind, subject, detail }]
  }
}

/** With them goes what is known against statements. */
function flushPlans({ plans, audits }: OwnParts): number {
  audits.release()
  for (const text of plans().texts())
    if (text.refusal?.code === 'quarantined') text.refusal = text.shape.statement.reason
  return plans().flush()
}

function flushRow(
  kind: FlushRow['kind'],
  name: string,
  existed: boolean,
  before: number,
  after: number,
  entries: number,
): FlushRow {
  return { kind, name, existed, generationBefore: before, generationAfter: after, entries }
}

const relationText = `SELECT c.oid::pg_catalog.int8, pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'),
 pg_catalog.concat(n.nspname, '.', c.relname) FROM pg_catalog.pg_class c
 JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
 WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1)`

async function invalidateRelation(
  session: Session,
  relation: RelationName,
  viewer: Viewer,
  parts: OwnParts,
): Promise<InvalidateRow> {
  const quoted = [relation.schema, relation.name]
    .filter((part) => part !== undefined)
    .map((part) => `"${part.replaceAll('"', '""')}"`)
  const shown = relation.schema === undefined ? relation.name : `${relation.schema}.${relation.name}`
  if (session.link.closed) throw new ServerError(conditions.undefinedTable, [shown])
  const answer = await ask(session, relationText, [quoted.join('.')])
  if (answer.error !== undefined) throw originError(answer.error)
  const row = answer.rows[0]
  if (row === undefined) throw new ServerError(conditions.undefinedTable, [shown])
  if (!viewer.isAdmin && row[1] !== 't') {
    throw new ServerError(conditions.insufficientPrivilege, [`INVALIDATE CACHE RELATION ${shown}`], {
      hint: 'A role that may write the relation, or an admin of the cache, may.',
    })
  }
  const target: Relation = session.epochs.relation(Number(row[0]))
  target.name = row[2] ?? undefined
  const entries = [...parts.results.entries()].filter(
    (entry) =>
      entry.relations.includes(target) && staleness(entry, Date.now(), Number.POSITIVE_INFINITY)?.dead !== true,
  )
  session.epochs.bump({ everything: false, relations: [target] }, 'write', Date.now(), {
    ...{ cause: 'statement', session: session.id, entries: entries.length },
  })
  await parts.secondTier.forgetAll()
  return { kind: 'relation', subject: shown, entries: entries.length, durable: true }
}
