// `pglarder/schema/drizzle`: the relations of schema `cache` for Drizzle, by any of its drivers. Made by `npm run docs` from src/virtual/tables/; do not edit.

import { type Blobs, blobsTable, type View, view } from './drizzle-relations.ts'

/** entries of the blob cache, with their values; it can be written */
export const blobs: Blobs = blobsTable
/** answers that were run again at the origin, and what came of it */
export const audit: View<'audit'> = view('audit')
/** backups and restores of this server, running and past */
export const backups: View<'backups'> = view('backups')
/** pages written ahead of commits, one row */
export const bgwriter: View<'bgwriter'> = view('bgwriter')
/** why reads were not eligible, and how often */
export const bypasses: View<'bypasses'> = view('bypasses')
/** eligible statement shapes and what they hold */
export const caches: View<'caches'> = view('caches')
/** values compressed, and why others were not */
export const compression: View<'compression'> = view('compression')
/** the latest statements with the verdict on each */
export const decisions: View<'decisions'> = view('decisions')
/** what was derived from which relation, and at which epoch */
export const dependencies: View<'dependencies'> = view('dependencies')
/** everything stored, without contents */
export const entries: View<'entries'> = view('entries')
/** the latest things worth telling an operator */
export const events: View<'events'> = view('events')
/** who tells of what is written past this server, per database in use */
export const feed: View<'feed'> = view('feed')
/** what answers depend on of the rows of a relation, and where that is kept */
export const graphPartitions: View<'graph_partitions'> = view('graph_partitions')
/** what readers of a relation can rely on now, and why it is no more than that */
export const guarantees: View<'guarantees'> = view('guarantees')
/** the latest changes that stored answers were hidden for */
export const invalidations: View<'invalidations'> = view('invalidations')
/** long work of the server, running and past */
export const jobs: View<'jobs'> = view('jobs')
/** state of the tier on disk, one row */
export const l2: View<'l2'> = view('l2')
/** the decision about the last statement of this session */
export const lastStatement: View<'last_statement'> = view('last_statement')
/** materialized views of the cache */
export const materializedViews: View<'materialized_views'> = view('materialized_views')
/** parts of the memory budget */
export const memory: View<'memory'> = view('memory')
/** namespaces of the blob cache */
export const namespaces: View<'namespaces'> = view('namespaces')
/** pages of the file held in memory */
export const pages: View<'pages'> = view('pages')
/** what is known of statements */
export const plans: View<'plans'> = view('plans')
/** entries brought from disk into memory, one row */
export const promotion: View<'promotion'> = view('promotion')
/** the latest statement shapes */
export const queries: View<'queries'> = view('queries')
/** verdicts and reasons, with what they mean and what helps */
export const reasons: View<'reasons'> = view('reasons')
/** relations of the origin, and what is known of their changes */
export const relations: View<'relations'> = view('relations')
/** stored answers of reads */
export const results: View<'results'> = view('results')
/** the latest statements that were answered by a view they do not name */
export const rollupRewrites: View<'rollup_rewrites'> = view('rollup_rewrites')
/** views that CREATE ROLLUP CACHE made */
export const rollups: View<'rollups'> = view('rollups')
/** clients connected now; without the monitor role only the own session */
export const sessions: View<'sessions'> = view('sessions')
/** settings in force for this session */
export const settings: View<'settings'> = view('settings')
/** counters and gauges of the whole server, one row */
export const stats: View<'stats'> = view('stats')
/** the latest runs of the sweeper */
export const sweeps: View<'sweeps'> = view('sweeps')
/** filters over the keys on disk, one per namespace */
export const synopsis: View<'synopsis'> = view('synopsis')
/** labels of entries, and what each would remove */
export const tags: View<'tags'> = view('tags')
