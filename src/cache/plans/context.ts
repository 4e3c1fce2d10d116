// The context of a session: everything beside the statement and its parameters that an answer depends on, interned to a number.
//
// The origin is asked for it (role, search_path, every setting but a list known not to matter) at the first read and again after
// whatever may have changed it; in between the number stands. Settings without a declared type (`app.tenant`) are not listed by
// the origin, so those that cached statements read by name are asked for by name.

import { createHash } from 'node:crypto'
import { schemasOfPath } from '../../sql/index.ts'
import { bindFrame, closeFrame, executeFrame, parseFrame } from '../../wire/index.ts'

/** Settings that never change what a read answers. Whatever is not here is part of the key. */
const irrelevantSettings = [
  'application_name',
  'backend_flush_after',
  'backtrace_functions',
  'client_connection_check_interval',
  'commit_delay',
  'commit_siblings',
  'compute_query_id',
  'cpu_index_tuple_cost',
  'cpu_operator_cost',
  'cpu_tuple_cost',
  'cursor_tuple_fraction',
  'deadlock_timeout',
  'debug_pretty_print',
  'debug_print_parse',
  'debug_print_plan',
  'debug_print_rewritten',
  'debug_print_raw_parse',
  'default_statistics_target',
  'default_tablespace',
  'default_transaction_deferrable',
  'default_transaction_isolation',
  'default_transaction_read_only',
  'effective_cache_size',
  'effective_io_concurrency',
  'enable_async_append',
  'enable_bitmapscan',
  'enable_distinct_reordering',
  'enable_gathermerge',
  'enable_group_by_reordering',
  'enable_hashagg',
  'enable_hashjoin',
  'enable_incremental_sort',
  'enable_indexonlyscan',
  'enable_indexscan',
  'enable_material',
  'enable_memoize',
  'enable_mergejoin',
  'enable_nestloop',
  'enable_parallel_append',
  'enable_parallel_hash',
  'enable_partition_pruning',
  'enable_partitionwise_aggregate',
  'enable_partitionwise_join',
  'enable_presorted_aggregate',
  'enable_self_join_elimination',
  'enable_seqscan',
  'enable_sort',
  'enable_tidscan',
  'exit_on_error',
  'from_collapse_limit',
  'geqo',
  'geqo_effort',
  'geqo_generations',
  'geqo_pool_size',
  'geqo_seed',
  'geqo_selection_bias',
  'geqo_threshold',
  'gin_pending_list_limit',
  'hash_mem_multiplier',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'io_combine_limit',
  'jit',
  'jit_above_cost',
  'jit_debugging_support',
  'jit_dump_bitcode',
  'jit_expressions',
  'jit_inline_above_cost',
  'jit_optimize_above_cost',
  'jit_profiling_support',
  'jit_provider',
  'jit_tuple_deforming',
  'join_collapse_limit',
  'local_preload_libraries',
  'lock_timeout',
  'log_duration',
  'log_error_verbosity',
  'log_executor_stats',
  'log_lock_failures',
  'log_lock_waits',
  'log_min_duration_sample',
  'log_min_duration_statement',
  'log_min_error_statement',
  'log_min_messages',
  'log_parameter_max_length',
  'log_parameter_max_length_on_error',
  'log_parser_stats',
  'log_planner_stats',
  'log_replication_commands',
  'log_statement',
  'log_statement_sample_rate',
  'log_statement_stats',
  'log_temp_files',
  'log_transaction_sample_rate',
  'logical_decoding_work_mem',
  'maintenance_io_concurrency',
  'maintenance_work_mem',
  'max_parallel_maintenance_workers',
  'max_parallel_workers',
  'max_parallel_workers_per_gather',
  'max_stack_depth',
  'min_parallel_index_scan_size',
  'min_parallel_table_scan_size',
  'parallel_leader_participation',
  'parallel_setup_cost',
  'parallel_tuple_cost',
  'password_encryption',
  'plan_cache_mode',
  'random_page_cost',
  'recursive_worktable_factor',
  'seq_page_cost',
  'session_preload_libraries',
  'statement_timeout',
  'stats_fetch_consistency',
  'synchronous_commit',
  'synchronize_seqscans',
  'tcp_keepalives_count',
  'tcp_keepalives_idle',
  'tcp_keepalives_interval',
  'tcp_user_timeout',
  'temp_buffers',
  'temp_file_limit',
  'temp_tablespaces',
  'trace_locks',
  'trace_notify',
  'trace_sort',
  'track_activities',
  'track_cost_delay_timing',
  'track_counts',
  'track_functions',
  'track_io_timing',
  'track_wal_io_timing',
  'transaction_deferrable',
  'transaction_isolation',
  'transaction_read_only',
  'transaction_timeout',
  'vacuum_buffer_usage_limit',
  'vacuum_cost_delay',
  'vacuum_cost_limit',
  'vacuum_cost_page_dirty',
  'vacuum_cost_page_hit',
  'vacuum_cost_page_miss',
  'vacuum_failsafe_age',
  'vacuum_freeze_min_age',
  'vacuum_freeze_table_age',
  'vacuum_multixact_failsafe_age',
  'vacuum_multixact_freeze_min_age',
  'vacuum_multixact_freeze_table_age',
  'wal_compression',
  'wal_consistency_checking',
  'wal_init_zero',
  'wal_recycle',
  'wal_sender_timeout',
  'wal_skip_threshold',
  'work_mem',
  'seed',
  'role',
  'session_authorization',
] // prettier-ignore

const contextsMax = 65_536

/** Settings that change how values read, and that a function or a trigger may set in passing. */
const markedSettings = [
  'TimeZone',
  'DateStyle',
  'IntervalStyle',
  'search_path',
  'extra_float_digits',
  'bytea_output',
  'lc_monetary',
  'lc_numeric',
  'lc_time',
  'xmlbinary',
  'xmloption',
  'row_security',
  'default_text_search_config',
  'client_encoding',
  'client_min_messages',
  'timezone_abbreviations',
  'array_nulls',
  'quote_all_identifiers',
  'transform_null_equals',
  'standard_conforming_strings',
  'session_replication_role',
] // prettier-ignore

/** An expression whose value changes when the role or one of these settings does; cheap enough to be asked with every write. */
export function contextMark(customSettings: readonly string[]): string {
  const quoted = (name: string) => `pg_catalog.current_setting('${name.replaceAll("'", "''")}', true)`
  return `pg_catalog.concat_ws(pg_catalog.chr(2), current_user, ${[...markedSettings, ...customSettings].map(quoted).join(', ')})`
}

const separator = "E'\\x02'"

const contextText = `SELECT current_user, session_user, pg_catalog.current_database(), pg_catalog.pg_my_temp_schema(),
 pg_catalog.array_to_string(pg_catalog.current_schemas(false), ','), pg_catalog.current_setting('is_superuser'),
 pg_catalog.encode(pg_catalog.sha256(pg_catalog.textsend((SELECT pg_catalog.string_agg(pg_catalog.concat(s.name, ${separator}, s.setting), ${separator}
   ORDER BY s.name) FROM pg_catalog.pg_settings s WHERE s.context OPERATOR(pg_catalog.=) ANY ('{user,superuser}'::pg_catalog.text[])
   AND s.name OPERATOR(pg_catalog.<>) ALL ($1::pg_catalog.text[])))), 'hex'),
 pg_catalog.current_setting('client_encoding'), pg_catalog.current_setting('standard_conforming_strings'),
 pg_catalog.current_setting('search_path'),
 (SELECT pg_catalog.json_agg(pg_catalog.current_setting(n, true) ORDER BY n) FROM pg_catalog.unnest($2::pg_catalog.text[]) n),
 EXISTS (SELECT FROM pg_catalog.pg_namespace s WHERE s.nspname OPERATOR(pg_catalog.=) $3::pg_catalog.name)`

const instant = (moment: string): string => `pg_catalog.encode(pg_catalog.timestamptz_send(${moment}), 'hex')`

/**
 * Another value after every start of the origin, and from PostgreSQL 15 on after every fall of it: its counters begin anew then. Before
 * that, to ask for counters makes their collector write a file.
 */
const lifeText = `pg_catalog.concat_ws(' ', ${instant('pg_catalog.pg_postmaster_start_time()')},
 CASE WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 OPERATOR(pg_catalog.>=) 150000
  THEN ${instant('pg_catalog.pg_stat_get_bgwriter_stat_reset_time()')} END)`

function arrayLiteral(items: readonly string[]): string {
  return `{${items.map((item) => `"${item.replace(/(["\\])/g, '\\$1')}"`).join(',')}}`
}

const irrelevantLiteral = arrayLiteral(irrelevantSettings)

/** Name under which a connection keeps the question; it shows in pg_prepared_statements. */
export const contextQuestion = '_larder_context'

/** `prepared` says that the connection has the question already. */
export function contextFrames(contexts: ContextTable, prepared: boolean): Buffer {
  const { customSettings, ourSchema } = contexts
  const text = `${contextText}, ${contextMark(customSettings)}, ${lifeText}`
  const parse = prepared ? [] : [closeFrame('S', contextQuestion), parseFrame(contextQuestion, text)]
  // In a block the unnamed portal may be the client's.
  const portal = contextQuestion
  const bind = bindFrame(portal, contextQuestion, [irrelevantLiteral, arrayLiteral(customSettings), ourSchema])
  return Buffer.concat([...parse, bind, executeFrame(portal), closeFrame('P', portal)])
}

export interface SessionContext {
  readonly id: number
  readonly role: string
  readonly login: string
  readonly database: string
  readonly temporary: boolean
  readonly superuser: boolean
  readonly searchPath: string
  readonly schemas: string
  /** True if its search_path holds the name of our schema. */
  readonly holdsOurs: boolean
  /** True if the origin has a schema of that name. */
  readonly schemaTaken: boolean
  /** False when the text's bytes may not mean what our grammar reads: another encoding, or backslashes that escape. */
  readonly readable: boolean
  readonly clientEncoding: string
  /** Value of contextMark() when it was read. */
  readonly mark: string
  /** Which life of the origin this is: see OriginLives. */
  readonly life: string
  readonly atMs: number
}

/** Hands out one number per distinct context; equal contexts share it for the life of the process. */
export class ContextTable {
  /** The setting virtual_schema. */
  readonly ourSchema: string
  readonly #ids = new Map<string, number>()
  /** By number, what names the context beyond the life of the process. */
  readonly #lastingNames = new Map<number, string>()
  #lastId = 0
  readonly #customSettings = new Set<string>()
  /** Grows when a setting joins the list: what is known of every session's context is then incomplete. */
  version = 0
  /** Grows when a setting joins the list, and only then. */
  watchVersion = 0

  constructor(ourSchema: string) {
    this.ourSchema = ourSchema
  }

  get customSettings(): readonly string[] {
    return [...this.#customSettings].sort()
  }

  /**
   * What names a context beyond the life of the process: the digest of all that is in it, and which settings were asked for by name.
   * Undefined if that is not known for certain.
   */
  lastingNameOf(id: number): string | undefined {
    return this.#lastingNames.get(id)
  }

  /** Notes that a cached statement reads this setting by name. */
  watch(setting: string): void {
    if (this.#customSettings.has(setting)) return
    this.#customSettings.add(setting)
    this.watchVersion++
    this.version++
  }

  /** Roles or settings of the server may have changed: every session's context must be asked again. */
  distrust(): void {
    this.version++
  }

  read(row: readonly (string | null)[], atMs: number, broken: ReadonlySet<string> = new Set()): SessionContext {
    const [
      role,
      login,
      database,
      temporarySchema,
      schemas,
      superuser,
      settings,
      encoding,
      conforming,
      searchPath,
      custom,
      taken,
      mark,
      life,
    ] = row
    const temporary = temporarySchema !== '0'
    const identity = broken.has('key-role') ? [] : [role, login, superuser]
    const parts = broken.has('key-settings')
      ? [database, ...identity]
      : [database, ...identity, temporarySchema, schemas, searchPath, settings, custom]
    const digest = createHash('sha256')
    for (const part of parts)
      digest.update(part === null || part === undefined ? 'n;' : `${Buffer.byteLength(part)}:${part};`)
    const name = digest.digest('base64')
    const id = this.#intern(name)
    this.#nameForGood(id, name, custom ?? null)
    return {
      id,
      role: role ?? '',
      login: login ?? '',
      database: database ?? '',
      temporary,
      superuser: superuser === 'on',
      searchPath: searchPath ?? '',
      schemas: schemas ?? '',
      holdsOurs: schemasOfPath(searchPath ?? '', role ?? '').includes(this.ourSchema),
      schemaTaken: taken === 't',
      readable: encoding === 'UTF8' && conforming === 'on',
      clientEncoding: encoding ?? '',
      mark: mark ?? '',
      life: life ?? '',
      atMs,
    }
  }

  /** The values are named by their place among the settings asked for; one may have joined them since. */
  #nameForGood(id: number, digest: string, values: string | null): void {
    const { customSettings } = this
    const count = values === null ? 0 : (JSON.parse(values) as unknown[]).length
    if (count === customSettings.length) this.#lastingNames.set(id, JSON.stringify([digest, ...customSettings]))
  }

  #intern(digest: string): number {
    let id = this.#ids.get(digest)
    if (id === undefined) {
      // Numbers are never used again; forgetting the table only makes equal contexts of old and new sessions differ.
      if (this.#ids.size >= contextsMax) {
        this.#ids.clear()
        this.#lastingNames.clear()
      }
      id = ++this.#lastId
      this.#ids.set(digest, id)
    }
    return id
  }
}
