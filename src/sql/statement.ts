// What a statement is, as far as its text alone can tell: the value the parser makes and the plan cache keeps.
//
// A text says what kind of statement it is and which names it uses. It never says which relations those names mean,
// nor what a view, a policy or a function behind them does: that is asked of the origin (cache/plans, invalidation).
// Everything here errs towards "ask the origin".

import type { ReasonCode } from './reasons.ts'

/**
 * - `read`: one SELECT, VALUES or TABLE without INTO and without a data-modifying WITH (it may still be ineligible)
 * - `write`: INSERT, UPDATE, DELETE, MERGE, TRUNCATE, a SELECT with a data-modifying WITH
 * - `ddl`: anything that changes the catalogue, roles or privileges (CREATE, ALTER, DROP, GRANT, REVOKE, COMMENT, SECURITY LABEL,
 *   SELECT INTO, CREATE TABLE AS, REFRESH MATERIALIZED VIEW, REINDEX, CLUSTER, IMPORT FOREIGN SCHEMA, REASSIGN, ALTER SYSTEM)
 * - `set`: SET, RESET, SET ROLE, SET SESSION AUTHORIZATION, DISCARD (may change what the session's answers look like)
 * - `show`: SHOW
 * - `prepare`, `execute`, `deallocate`: the SQL-level statements of those names
 * - `cursor`: DECLARE, FETCH, MOVE, CLOSE
 * - `copy_in` (COPY … FROM STDIN), `copy_out` (COPY … TO STDOUT), `copy_file` (FROM or TO a file or program)
 * - `call`: CALL and DO, which may commit inside
 * - `explain`: EXPLAIN without ANALYZE; `explain_write`: EXPLAIN ANALYZE, which runs what it explains, and COPY of a query that writes
 * - `notify`: LISTEN, UNLISTEN, NOTIFY
 * - `utility`: what neither writes rows nor changes the catalogue nor settings (VACUUM, ANALYZE, CHECKPOINT, LOCK, LOAD, SET CONSTRAINTS)
 * - `several`: more than one statement in a text; `empty`: none; `unreadable`: our grammar did not read it
 */
export type StatementKind =
  | 'read'
  | 'write'
  | 'ddl'
  | 'transaction'
  | 'set'
  | 'show'
  | 'prepare'
  | 'execute'
  | 'deallocate'
  | 'cursor'
  | 'copy_in'
  | 'copy_out'
  | 'copy_file'
  | 'call'
  | 'explain'
  | 'explain_write'
  | 'notify'
  | 'utility'
  | 'several'
  | 'empty'
  | 'unreadable'

export type TransactionVerb =
  | 'begin'
  | 'commit'
  | 'rollback'
  | 'savepoint'
  | 'release'
  | 'rollback_to'
  | 'prepare'
  | 'commit_prepared'
  | 'rollback_prepared'

/** A possibly qualified name as written (after the parser's case folding). */
export interface QualifiedName {
  readonly schema: string | undefined
  readonly name: string
}

/** Why a read may not be cached, by its text alone. `argument` is the part in brackets: `volatile(random)`. */
export interface TextReason {
  readonly code: ReasonCode
  readonly argument: string | undefined
}

/** The names a text (or a view's or a policy's text) uses; the catalogue decides what they mean. */
export interface NamesUsed {
  /** Relations as written; WITH names in scope are left out. */
  readonly relations: readonly QualifiedName[]
  /** Functions called, by any syntax that names one (special forms such as COALESCE or CURRENT_USER are not in). */
  readonly functions: readonly QualifiedName[]
  /** Operators, e.g. `=`, `OPERATOR(s.@@)`, also those implied by IN, LIKE (`~~`), BETWEEN, NULLIF, ORDER BY … USING. */
  readonly operators: readonly QualifiedName[]
  /** Types named in casts or column definitions which are not known built-in types. */
  readonly userTypes: readonly QualifiedName[]
  /**
   * Columns cast to a date or time type. Harmless when they are dates already; when they hold text, the text may be `now`.
   * The empty string stands for an expression that is not a plain column.
   */
  readonly dateCasts: readonly string[]
  /** Constant names given to current_setting(). */
  readonly settingsRead: readonly string[]
  /**
   * Last words of column references. `u.full_name` calls the function full_name(u) where the table has no such column,
   * so a user's function of one row argument may hide behind any of them.
   */
  readonly columns?: readonly string[]
  /** Words behind a value of any type: `(x).f` may be a field, the call f(x) or the cast x::f. */
  readonly fields?: readonly string[]
}

export interface Statement {
  readonly kind: StatementKind
  /** Only for kind `transaction`. */
  readonly verb: TransactionVerb | undefined
  /** COMMIT AND CHAIN, ROLLBACK AND CHAIN. */
  readonly chain: boolean
  /** BEGIN or SET TRANSACTION with an isolation level other than READ COMMITTED. */
  readonly isolation: string | undefined
  /**
   * For a read: undefined when its text allows caching, else the first reason it does not. For `several`: `unknown_key` if one of them
   * has that reason. For others: undefined.
   */
  readonly reason: TextReason | undefined
  readonly names: NamesUsed
  /** Highest `$n` in the text; 0 for none. */
  readonly parameterCount: number
  /** True if the text names schema `cache` (virtualSchema) of a relation, function or procedure: it is ours (sql.md, layer 3). */
  readonly usesVirtualSchema: boolean
  /** Relations of the virtual schema it names (without schema), e.g. `stats`. */
  readonly virtualRelations: readonly string[]
  /** Functions of the virtual schema it names. */
  readonly virtualFunctions: readonly string[]
  /** True if it names any relation outside the virtual schema (WITH names in scope left out). */
  readonly usesOtherRelations: boolean
  /** Names of prepared statements that PREPARE or DEALLOCATE in it change; undefined if it may be any of them. */
  readonly renamed: readonly string[] | undefined
  /** True for TRUNCATE: of the catalogue it changes file numbers, which nothing that is known of statements hangs on. */
  readonly truncates: boolean
  /** True for CREATE TEMP …, SELECT INTO TEMP: a catalogue change no other session can see. */
  readonly temporaryOnly: boolean
  /** Of those, CREATE TABLE … AS and SELECT INTO: they run a query, and what that calls may do anything. */
  readonly fillsTemporary: boolean
  /** Databases that nobody else may be connected to while it runs. */
  readonly databasesWanted: readonly string[]
  /** DECLARE … WITH HOLD: its query runs at COMMIT. */
  readonly withHold: boolean
  /** Kind `several`: the kinds inside, in order. */
  readonly parts: readonly StatementKind[]
  /** For `unreadable`: the parser's message and its 1-based character position. */
  readonly syntaxError: { readonly message: string; readonly position: number } | undefined
}
