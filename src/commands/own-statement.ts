// A statement that the server executes itself, as recognised from its text: what it answers, who may say it, how it
// runs.
//
// Two kinds. `command`: execute() does it and gives the rows. `select`: the statement is another spelling of a SELECT
// over the virtual schema (SHOW CACHES, EXPLAIN LAST STATEMENT); whoever runs those runs `text` and answers with
// `tag`.

import type { SessionSettings, SettingsStore } from '../config/index.ts'
import type { Access, ColumnType, SweepRow, Viewer, VirtualSources } from '../virtual/index.ts'
import type { ArchiveAccess } from './archive/archive-access.ts'
import type { BlobStore } from './blobs/blob-store.ts'
import type { PointRead } from './blobs/point-read.ts'
import type { ExplainCache } from './explain-cache.ts'
import type { InvalidatesRow } from './explain-invalidates.ts'
import type { Parameters } from './parameters.ts'
import type { Described, OriginHelp, PostgresHelp } from './postgres-help.ts'
import type { ViewAccess } from './views/view-access.ts'

export interface ResultColumn {
  readonly name: string
  readonly type: ColumnType | 'json' | 'record' | 'void'
  /** Of a record its fields. */
  readonly fields?: readonly ResultColumn[]
}

export interface CommandNotice {
  readonly severity: 'NOTICE' | 'WARNING'
  readonly sqlstate: string
  readonly message: string
  readonly detail?: string | undefined
  readonly hint?: string | undefined
}

export interface CommandResult {
  /** As CommandComplete has it. */
  readonly tag: string
  readonly columns: readonly ResultColumn[]
  readonly rows: readonly (readonly unknown[])[]
  readonly notices?: readonly CommandNotice[]
  /** Instead of columns and rows: frames as a PostgreSQL of ours made them for this client. */
  readonly raw?: { readonly description: Buffer | undefined; readonly rows: readonly Buffer[] }
}

export interface OwnCommand {
  readonly kind: 'command'
  readonly tag: string
  /** What a denial names, if the tag does not say it. */
  readonly subject?: string
  /** Relations of ours it reads, where the grammar does not say. */
  readonly relations?: readonly string[]
  /** Empty: it answers no rows (SET). */
  readonly columns: readonly ResultColumn[]
  readonly needs: Access
  /** It is ours whatever the origin has, and who asks does not matter: nothing is asked that takes a block's first snapshot, as at PostgreSQL. */
  readonly forWhom?: 'whoever'
  /** Highest `$n`; 0 for none. */
  readonly parameterCount: number
  /** Types for ParameterDescription, as OIDs. */
  readonly parameterTypes: readonly number[]
  /** If it reads entries by their keys: it may then be answered without a context. */
  readonly point?: PointRead
  /** Where columns and parameters are not known from the text alone. */
  describe?(context: CommandContext, declaredTypes: readonly number[]): Promise<Described>
  /** True if it also runs without values for its parameters. */
  readonly parametersOptional?: boolean
  /** True if it takes effect although the transaction may roll back: inside a block a NOTICE says so. */
  readonly changes: boolean
  execute(context: CommandContext, parameters: Parameters): CommandResult | Promise<CommandResult>
}

export interface OwnSelect {
  readonly kind: 'select'
  readonly tag: string
  /** What a denial names. */
  readonly subject?: string
  readonly text: string
  /** Relations of the virtual schema that `text` names. */
  readonly relations: readonly string[]
  /** True if it names functions of ours. */
  readonly isOverFunctions?: boolean
  readonly needs: Access
  readonly parameterCount: number
}

export type OwnStatement = OwnCommand | OwnSelect

/** Row of FLUSH. */
export interface FlushRow {
  readonly kind: 'all' | 'plans' | 'cache' | 'namespace'
  readonly name: string
  readonly existed: boolean
  readonly generationBefore: number
  readonly generationAfter: number
  readonly entries: number
}

/** Row of INVALIDATE. */
export interface InvalidateRow {
  readonly kind: 'relation'
  readonly subject: string
  readonly entries: number
  readonly durable: boolean
}

interface CheckRow {
  readonly severity: string
  readonly kind: string
  readonly subject: string
  readonly detail: string
}

export interface RelationName {
  readonly schema: string | undefined
  readonly name: string
}

/** What AUDIT CACHE found of one cache. */
export interface AuditCount {
  readonly cache: string
  readonly compared: number
  readonly match: number
  readonly late: number
  readonly wrong: number
  readonly inconclusive: number
}

export interface AuditWish {
  /** Fingerprints; 'all' of the database. */
  readonly caches: readonly string[] | 'all'
  readonly database: string
  /** Of the hits that come, so many in a hundred, so long; undefined: what is stored, once. */
  readonly sample: { readonly percent: number; readonly forMs: number | undefined } | undefined
  readonly onWrong: 'report' | 'drop' | 'quarantine'
  /** The session that asks waits for it, and its connection may be used. */
  readonly isAwaited: boolean
  readonly signal: AbortSignal
  progress(fraction: number, detail: Readonly<Record<string, unknown>>): void
}

/** What the rooms do for the statements. Each takes effect before its promise resolves (G-5). */
export interface CommandActions {
  flushAll(): FlushRow | Promise<FlushRow>
  flushPlans(): FlushRow | Promise<FlushRow>
  hasCache(name: string, database: string): boolean
  /** Rejects when its signal aborts. */
  audit(wish: AuditWish): Promise<readonly AuditCount[]>
  /** Caches of the session's database by name or fingerprint; undefined for a name there is none of. */
  flushCache(name: string, database: string): FlushRow | undefined | Promise<FlushRow | undefined>
  /**
   * Bumps the relation as a write would, its search_path that of the session. 42P01 if the origin does not know it;
   * 42501 unless the viewer is an admin or may write it.
   */
  invalidateRelation(relation: RelationName, viewer: Viewer): Promise<InvalidateRow>
  /** Results with this label, of roles of the viewer's; how many left. */
  invalidateResults(kind: 'tag' | 'dependency', label: string, viewer: Viewer): number | Promise<number>
  /** Notes that a statement has removed entries. */
  invalidated(kind: string, subject: string, entries: number): void
  resetStats(): void
  /** Reads the settings files again. */
  reload(): void | Promise<void>
  /** Examines the caches; no row means sound. */
  check(): Iterable<CheckRow> | Promise<Iterable<CheckRow>>
  /** Removes from the disk what nobody will read again. */
  compact(): Promise<{ readonly extents: number; readonly pages: number; readonly bytes: number }>
  sweep(limits: { readonly entriesMax?: number; readonly msMax?: number }): Promise<SweepRow>
}

export interface ExplainRequest {
  /** The statement as it stands, comments around it included. */
  readonly text: string
  /** Characters of the client's text before it, which positions in errors count from; undefined if it came as a value. */
  readonly offset: number | undefined
  readonly parameters: readonly (string | null)[] | undefined
  readonly analyze: boolean
  readonly format: 'text' | 'json'
  /** Options for the origin's own EXPLAIN, as written: `VERBOSE`, `BUFFERS off`. */
  readonly originOptions: readonly string[]
}

/** Where a session stands in the origin's log, as other sessions take it. */
export interface TokenAccess {
  token(): Promise<string>
  /** Throws if it is not of this origin. */
  check(value: string): Promise<void>
  /** False if it was not heard of in time. */
  waitFor(value: string, msMax: number): Promise<boolean>
}

export interface CommandContext {
  readonly viewer: Viewer
  readonly settings: SessionSettings
  readonly store: SettingsStore
  readonly sources: VirtualSources
  readonly actions: CommandActions
  readonly version: string
  /** The setting virtual_schema. */
  readonly schemaName: string
  readonly blobs: BlobStore
  /** Backups and jobs; undefined where there are none. */
  readonly archive: ArchiveAccess | undefined
  /** Undefined where there is no origin to read them from. */
  readonly views: ViewAccess | undefined
  readonly postgres: PostgresHelp
  readonly origin: OriginHelp
  readonly tokens: TokenAccess
  /** Most entries that a statement may take into account. */
  readonly rowsMax: number
  /** Whether times and bytes read as text the way they do by default, whatever the session has set. */
  readonly plain: { readonly times: boolean; readonly bytes: boolean }
  /** Asks the client for the data of a COPY: CopyData messages, of so many columns, one behind the other. */
  copyData(columnCount: number, isBinary: boolean): Promise<Buffer>
  /** True if the transaction may not write. */
  isReadOnly(): boolean | Promise<boolean>
  /** Says what would happen to this statement now; with `analyze` it runs it through the caches. */
  explain(request: ExplainRequest): Promise<ExplainCache>
  /** What a statement that writes would hide; `unknown` names what may write anything. Runs nothing of it. */
  explainInvalidates(
    text: string,
    offset: number | undefined,
  ): Promise<{ readonly rows: readonly InvalidatesRow[]; readonly unknown: readonly string[] }>
}
