// A context for statements of ours whose actions only note what they were asked to do.

import type { CommandContext, CommandResult, ExplainCache, ExplainRequest } from '../../src/commands/index.ts'
import { Parameters, recognise } from '../../src/commands/index.ts'
import { SessionSettings, SettingsStore } from '../../src/config/index.ts'
import { MemoryBlobs } from './memory-blobs.ts'
import { sourcesWith, viewerWith } from './virtual-sources.ts'

export interface NotedContext extends CommandContext {
  readonly blobs: MemoryBlobs
  /** What the actions were asked, in order. */
  readonly noted: string[]
  readonly explained: ExplainRequest[]
}

export function contextWith(overrides: Partial<NotedContext> = {}): NotedContext {
  const noted: string[] = []
  const explained: ExplainRequest[] = []
  const store = SettingsStore.open({ flags: new Map([['data_dir', '/nonexistent']]) })
  const flushRow = { existed: true, generationBefore: 1, generationAfter: 2, entries: 3 }
  return {
    noted,
    explained,
    viewer: viewerWith(),
    store,
    settings: new SessionSettings(store),
    sources: sourcesWith(),
    version: 'larder 0.1.0',
    schemaName: 'cache',
    views: undefined,
    archive: undefined,
    blobs: new MemoryBlobs(),
    postgres: { secondsOf: unasked, describe: unasked, rows: unasked, copied: unasked, frames: unasked },
    origin: { rows: unasked, parameterTypes: unasked },
    rowsMax: 1000,
    plain: { times: true, bytes: true },
    copyData: unasked,
    isReadOnly: () => false,
    actions: {
      flushAll() {
        noted.push('flushAll')
        return { kind: 'all', name: '$results', ...flushRow }
      },
      flushPlans() {
        noted.push('flushPlans')
        return { kind: 'plans', name: 'plans', ...flushRow }
      },
      hasCache: (name) => name !== 'nope',
      audit: unasked,
      flushCache(name, database) {
        noted.push(`flushCache ${name} in ${database}`)
        return name === 'nope' ? undefined : { kind: 'cache', name, ...flushRow }
      },
      async invalidateRelation({ schema, name }) {
        noted.push(`invalidateRelation ${schema ?? '-'} ${name}`)
        return { kind: 'relation', subject: name, entries: 2, durable: false }
      },
      invalidateResults(kind, label) {
        noted.push(`invalidateResults ${kind} ${label}`)
        return 0
      },
      invalidated: () => undefined,
      resetStats: () => void noted.push('resetStats'),
      reload: () => void noted.push('reload'),
      compact: async () => ({ extents: 0, pages: 0, bytes: 0 }),
      sweep: async () => ({ ...sweptNothing }),
      check: () => [{ severity: 'error', kind: 'entry', subject: 'ff', detail: 'charge differs' }],
    },
    async explain(request) {
      explained.push(request)
      return explainedWith()
    },
    explainInvalidates: unasked,
    tokens: { token: unasked, check: unasked, waitFor: unasked },
    ...overrides,
  }
}

const sweptNothing = {
  startedAtMs: 0,
  cause: 'call',
  namespace: undefined,
  scanned: 0,
  evicted: 0,
  recordsDead: 0,
  orphanPages: 0,
  bytes: 0,
  pages: 0,
  elapsedMs: 0,
  truncated: false,
}

async function unasked(): Promise<never> {
  throw new Error('a PostgreSQL was asked')
}

export function explainedWith(overrides: Partial<ExplainCache> = {}): ExplainCache {
  return {
    verdict: 'miss',
    reason: 'invalidated',
    argument: 'app.orders',
    remedy: undefined,
    fingerprint: 'q_0123456789abcdef',
    cache: undefined,
    consistency: 'session',
    ttlMs: 30_000,
    ttlSource: 'default',
    keyInputs: ['role', 'search_path'],
    relations: [{ name: 'app.orders', proof: 'own_writes', feed: undefined, lagMs: undefined }],
    entry: undefined,
    expectedUs: { hit: 8, miss: 250.4, origin: undefined },
    actual: undefined,
    notices: [],
    originPlan: ['Seq Scan on orders', '  Filter: (id = 1)'],
    ...overrides,
  }
}

/** Recognises and executes a command. */
export async function execute(
  text: string,
  context: CommandContext = contextWith(),
  parameters: readonly (string | null)[] = [],
): Promise<CommandResult> {
  const statement = recognise(text, { schemaName: 'cache' })
  if (statement?.kind !== 'command') throw new Error(`not recognised as a command: ${text}`)
  return statement.execute(context, Parameters.ofTexts(parameters, statement.parameterTypes))
}
