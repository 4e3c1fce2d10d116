// The table of settings. From a row come the flag, the environment variable, the file key, SHOW and SET, the row of
// `cache.settings`, the section in docs/settings.md and the field of the snapshot (style.md section 6).
//
//   result_ttl:  --result-ttl 10s   LARDER_RESULT_TTL=10s   result_ttl = "10s"   SET cache.result_ttl = '10s'   resultTtl
//
// change: `session` may be set per session, `reload` works at once for the whole server, `restart` at the next start.

import {
  address,
  bytes,
  connectionString,
  duration,
  enumeration,
  integer,
  labels,
  list,
  type SettingType,
  secretText,
  text,
} from './setting-types.ts'

export type SettingChange = 'session' | 'reload' | 'restart'

export interface SettingRow<Name extends string = string, T = unknown> {
  readonly name: Name
  readonly type: SettingType<T>
  /** Written as a user would. */
  readonly initial: string
  readonly change: SettingChange
  readonly group: string
  readonly summary: string
}

function setting<const Name extends string, T>(row: SettingRow<Name, T>): SettingRow<Name, T> {
  return row
}

const name = { pattern: /^\S(?:.*\S)?$/, accepts: 'a name' }

export const settingTable = [
  setting({
    name: 'listen',
    type: address(),
    initial: '127.0.0.1:6432',
    change: 'restart',
    group: 'server',
    summary: 'Where clients connect.',
  }),
  setting({
    name: 'upstream',
    type: connectionString(),
    initial: '',
    change: 'restart',
    group: 'server',
    summary: 'The Postgres to stand before. Empty: an embedded one, kept in the data directory.',
  }),
  setting({
    name: 'data_dir',
    type: text({ pattern: /\S/, accepts: 'a directory' }),
    initial: './larder-data',
    change: 'restart',
    group: 'server',
    summary: 'Directory of the embedded origin, the system database and the settings made by ALTER SYSTEM.',
  }),
  setting({
    name: 'log_level',
    type: enumeration(['debug', 'info', 'warning', 'error']),
    initial: 'info',
    change: 'reload',
    group: 'server',
    summary: 'Least severity of what is logged.',
  }),
  setting({
    name: 'connections_max',
    type: integer({ min: 1, max: 100_000 }),
    initial: '1000',
    change: 'reload',
    group: 'server',
    summary: 'Most client connections at one time.',
  }),
  setting({
    name: 'startup_timeout',
    type: duration({ min: '1ms' }),
    initial: '60s',
    change: 'reload',
    group: 'server',
    summary: 'How long a connection may take to authenticate.',
  }),
  setting({
    name: 'drain_timeout',
    type: duration(),
    initial: '30s',
    change: 'reload',
    group: 'server',
    summary: 'How long a stopping server waits for statements and transactions under way.',
  }),
  setting({
    name: 'upstream_connect_timeout',
    type: duration({ min: '1ms' }),
    initial: '10s',
    change: 'reload',
    group: 'origin',
    summary: 'How long a connection to the origin may take to open.',
  }),
  setting({
    name: 'embedded_superuser',
    type: text(name),
    initial: 'postgres',
    change: 'restart',
    group: 'origin',
    summary: 'Superuser of the embedded origin, made when its data directory is.',
  }),
  setting({
    name: 'embedded_database',
    type: text(name),
    initial: 'postgres',
    change: 'restart',
    group: 'origin',
    summary: 'Database of the embedded origin that the start-up banner names.',
  }),
  setting({
    name: 'result_cache',
    type: enumeration(['on', 'off', 'declared']),
    initial: 'on',
    change: 'session',
    group: 'results',
    summary: 'Whether reads are answered from memory: all that are eligible, none, or those with a hint.',
  }),
  setting({
    name: 'result_ttl',
    type: duration(),
    initial: '30s',
    change: 'session',
    group: 'results',
    summary:
      'How old an answer may be. It bounds what is missed of writes that do not pass through this server; 0 caches nothing.',
  }),
  setting({
    name: 'result_bytes_max',
    type: bytes({ min: '1kB', max: '1GB' }),
    initial: '1MB',
    change: 'reload',
    group: 'results',
    summary: 'Largest answer that is kept.',
  }),
  setting({
    name: 'result_entries_max',
    type: integer({ min: 1, max: 100_000_000 }),
    initial: '100000',
    change: 'reload',
    group: 'results',
    summary: 'Most answers kept.',
  }),
  setting({
    name: 'result_coalesce_wait',
    type: duration(),
    initial: '250ms',
    change: 'session',
    group: 'results',
    summary:
      'How long a read waits for an equal one already under way before it asks the origin itself; 0 never waits.',
  }),
  setting({
    name: 'result_tags',
    type: labels(),
    initial: '',
    change: 'session',
    group: 'results',
    summary: 'Tags of the answers stored from now on; INVALIDATE CACHE TAG removes the answers that carry one.',
  }),
  setting({
    name: 'result_in_transaction',
    type: enumeration(['until_write', 'never'], ['until_write']),
    initial: 'never',
    change: 'session',
    group: 'results',
    summary: 'Whether reads inside a READ COMMITTED transaction block are answered from memory until its first write.',
  }),
  setting({
    name: 'consistency',
    type: enumeration(['eventual', 'bounded', 'session', 'strict'], ['eventual', 'bounded', 'strict']),
    initial: 'session',
    change: 'session',
    group: 'results',
    summary: 'What a read may miss. session: it sees every write acknowledged through this server.',
  }),
  setting({
    name: 'response_signal',
    type: enumeration(['off', 'notice', 'parameter']),
    initial: 'off',
    change: 'session',
    group: 'surface',
    summary: 'Whether each answer says where it came from: as a NOTICE or as ParameterStatus cache.last.',
  }),
  setting({
    name: 'l1_bytes_max',
    type: bytes({ min: '1MB' }),
    initial: '256MB',
    change: 'reload',
    group: 'memory',
    summary: 'Most memory the stored answers may hold, overhead included.',
  }),
  setting({
    name: 'plan_entries_max',
    type: integer({ min: 1, max: 10_000_000 }),
    initial: '10000',
    change: 'reload',
    group: 'memory',
    summary: 'Most statements of which the plan cache knows what they are.',
  }),
  setting({
    name: 'plan_bytes_max',
    type: bytes({ min: '64kB' }),
    initial: '16MB',
    change: 'reload',
    group: 'memory',
    summary: 'Most memory the plan cache may hold.',
  }),
  setting({
    name: 'plan_ttl',
    type: duration({ min: '1ms' }),
    initial: '1h',
    change: 'reload',
    group: 'memory',
    summary: 'How long a plan that nobody uses is kept.',
  }),
  setting({
    name: 'connection_bytes_max',
    type: bytes({ min: '64kB', max: '1GB' }),
    initial: '4MB',
    change: 'reload',
    group: 'memory',
    summary: 'Most memory the buffers of one connection may hold.',
  }),
  setting({
    name: 'hint_errors',
    type: enumeration(['notice', 'error']),
    initial: 'notice',
    change: 'session',
    group: 'surface',
    summary:
      'What a hint for the cache that cannot be followed is: a NOTICE with the answer, or an error in its place.',
  }),
  setting({
    name: 'virtual_schema',
    type: text({
      pattern: /^(?!pg_|public$|information_schema$)[a-z_][a-z0-9_$]{0,62}$/,
      accepts: 'a lower-case identifier that no PostgreSQL has for itself',
    }),
    initial: 'cache',
    change: 'restart',
    group: 'surface',
    summary: 'Name of the schema that holds the relations, functions and settings of this server.',
  }),
  setting({
    name: 'admin_databases',
    type: list('database names'),
    initial: 'larder, pgbouncer',
    change: 'reload',
    group: 'surface',
    summary: 'Databases that are this server itself: only its own relations and statements, no origin needed.',
  }),
  setting({
    name: 'virtual_rows_max',
    type: integer({ min: 1, max: 100_000_000 }),
    initial: '1000000',
    change: 'reload',
    group: 'surface',
    summary: 'Most rows of one virtual relation that a statement may see.',
  }),
  setting({
    name: 'virtual_inline_rows_max',
    type: integer({ min: 1, max: 1_000_000 }),
    initial: '10000',
    change: 'reload',
    group: 'surface',
    summary:
      'Most rows of a virtual relation that are sent along to the origin in a statement that joins it with user tables.',
  }),
  setting({
    name: 'system_database_idle',
    type: duration({ min: '1s' }),
    initial: '5min',
    change: 'reload',
    group: 'surface',
    summary: 'After how long without use the system database behind the virtual schema is stopped.',
  }),
  setting({
    name: 'decisions_max',
    type: integer({ min: 0, max: 10_000_000 }),
    initial: '10000',
    change: 'reload',
    group: 'observe',
    summary: 'Rows kept in the relation decisions; 0 keeps none.',
  }),
  setting({
    name: 'queries_max',
    type: integer({ min: 0, max: 10_000_000 }),
    initial: '5000',
    change: 'reload',
    group: 'observe',
    summary: 'Statement shapes kept in the relation queries.',
  }),
  setting({
    name: 'events_max',
    type: integer({ min: 0, max: 1_000_000 }),
    initial: '1000',
    change: 'reload',
    group: 'observe',
    summary: 'Rows kept in the relation events.',
  }),
  setting({
    name: 'read_roles',
    type: list('role names'),
    initial: 'cache_read',
    change: 'reload',
    group: 'privileges',
    summary: 'Roles whose members may see what the cache knows about their own roles.',
  }),
  setting({
    name: 'monitor_roles',
    type: list('role names'),
    initial: 'cache_monitor, pg_monitor',
    change: 'reload',
    group: 'privileges',
    summary: 'Roles whose members may see every row of the virtual schema, but no contents.',
  }),
  setting({
    name: 'admin_password',
    type: secretText(),
    initial: '',
    change: 'reload',
    group: 'surface',
    summary: 'Lets a session into an admin database while the origin cannot be asked; empty: nobody gets in then.',
  }),
  setting({
    name: 'admin_roles',
    type: list('role names'),
    initial: 'cache_admin',
    change: 'reload',
    group: 'privileges',
    summary: 'Roles whose members may change settings and the cache; superusers of the origin may too.',
  }),
] as const
