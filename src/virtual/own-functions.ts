// The functions of the virtual schema, as the catalogue of the system database shows them. What they do is the business of `commands`,
// whose definitions these signatures are compared with by a test.

import { quoteIdentifier, quoteLiteral } from './quoting.ts'

interface Signature {
  readonly parameters: string
  /** A table where no column bears the name of a parameter, which PostgreSQL does not have. */
  readonly returns: string
}

export const signatures: Readonly<Record<string, Signature>> = {
  alter_namespace: {
    parameters: 'name text, options jsonb',
    returns: 'SETOF record',
  },
  audit: {
    parameters: "caches text[] = NULL, sample_percent float8 = NULL, duration interval = NULL, options jsonb = '{}'",
    returns: 'TABLE (job int8, cache text, compared int8, matching int8, late int8, wrong int8, inconclusive int8)',
  },
  backup: {
    parameters: "url text = NULL, namespaces text[] = NULL, options jsonb = '{}'",
    returns: 'SETOF record',
  },
  blob_get: {
    parameters: 'namespace text, key text, lease boolean = false',
    returns: 'SETOF record',
  },
  cancel_job: {
    parameters: 'id bigint',
    returns: 'SETOF record',
  },
  check: {
    parameters: '',
    returns: 'TABLE (severity text, kind text, subject text, detail text)',
  },
  compact: {
    parameters: '',
    returns: 'TABLE (extents int8, pages int8, bytes int8)',
  },
  create_namespace: {
    parameters: "name text, options jsonb = '{}'",
    returns: 'SETOF record',
  },
  drop_backup: {
    parameters: 'url text, id text',
    returns: 'SETOF record',
  },
  drop_namespace: {
    parameters: 'name text, if_exists boolean = false',
    returns: 'SETOF record',
  },
  exists: {
    parameters: 'namespace text, key text, exact boolean = false',
    returns: 'text',
  },
  explain: {
    parameters: 'statement text, params text[] = NULL, execute boolean = false',
    returns: 'jsonb',
  },
  explain_invalidates: {
    parameters: 'statement text',
    returns: 'TABLE (relation text, via text, results int8, views int8, aggregates int8, blobs int8)',
  },
  flush: {
    parameters: 'caches text[] = NULL, namespaces text[] = NULL, everything boolean = false',
    returns: 'TABLE (kind text, name text, existed bool, generation_before int8, generation_after int8, entries int8)',
  },
  get: {
    parameters: 'namespace text, key text, lease boolean = false',
    returns: 'SETOF record',
  },
  get_many: {
    parameters: 'namespace text, keys text[]',
    returns:
      'TABLE (key text, value bytea, content_type text, metadata jsonb, tags text[], dependencies text[], version int8, state text, stale_ms float8, lease text)',
  },
  invalidate: {
    parameters:
      'namespace text = NULL, keys text[] = NULL, prefix text = NULL, tags text[] = NULL, dependencies text[] = NULL, relations text[] = NULL, mark_stale boolean = false',
    returns: 'TABLE (kind text, subject text, entries int8, durable bool)',
  },
  put: {
    parameters:
      "namespace text, key text, value bytea, ttl interval = NULL, expires_at timestamptz = NULL, idle_ttl interval = NULL, stale_window interval = NULL, tags text[] = '{}', dependencies text[] = '{}', content_type text = NULL, metadata jsonb = NULL, priority bigint = NULL, admission text = NULL, version bigint = NULL, expected_version bigint = NULL, only_if_absent boolean = false, lease text = NULL, durable boolean = false",
    returns: 'SETOF record',
  },
  put_many: {
    parameters:
      "namespace text, keys text[], data bytea[], ttl interval = NULL, tags text[] = '{}', durable boolean = false",
    returns: 'SETOF record',
  },
  refresh: {
    parameters: 'view text, with_data boolean = true',
    returns: 'TABLE (rows int8, elapsed interval)',
  },
  reload: {
    parameters: '',
    returns: 'void',
  },
  reset_stats: {
    parameters: '',
    returns: 'void',
  },
  restore: {
    parameters: "url text, id text = 'LATEST', namespaces text[] = NULL, options jsonb = '{}'",
    returns: 'SETOF record',
  },
  show_backup: {
    parameters: "url text, id text = 'LATEST', options jsonb = '{}'",
    returns: 'TABLE (path text, bytes int8, sha256 text, segments int8, state text)',
  },
  show_backups: {
    parameters: 'url text',
    returns:
      'TABLE (id text, latest bool, created_at timestamptz, namespaces text[], entries int8, bytes int8, stored_bytes int8, server_version text, store_id text, encrypted bool)',
  },
  sweep: {
    parameters: 'entries_max bigint = NULL, ms_max bigint = NULL',
    returns:
      'TABLE (started_at timestamptz, cause text, namespace text, scanned int8, evicted int8, records_dead int8, orphan_pages int8, bytes int8, pages int8, elapsed interval, truncated bool)',
  },
  touch: {
    parameters:
      'namespace text, keys text[], ttl interval = NULL, expires_at timestamptz = NULL, idle_ttl interval = NULL, tags text[] = NULL',
    returns: 'int8',
  },
  token: {
    parameters: '',
    returns: 'text',
  },
  version: {
    parameters: '',
    returns: 'text',
  },
  wait_for: {
    parameters: "token text, timeout interval = '5s'",
    returns: 'bool',
  },
}

export const ownFunctions: ReadonlySet<string> = new Set(Object.keys(signatures))

/**
 * Makes them known to \\df and tools that ask like it. Whoever calls one is answered before the statement gets there; a name without a schema
 * may be somebody else's, and so is as unknown as it was.
 */
export function functionsDdl(schemaName: string): string {
  return Object.entries(signatures)
    .map(([name, { parameters, returns }]) => {
      const function_ = `${quoteIdentifier(schemaName)}.${quoteIdentifier(name)}`
      const message = `function ${name}() is called with its schema: ${schemaName}.${name}()`
      const body = `BEGIN RAISE undefined_function USING MESSAGE = ${quoteLiteral(message)}; END`
      return `CREATE FUNCTION ${function_}(${parameters}) RETURNS ${returns} LANGUAGE plpgsql AS ${quoteLiteral(body)};`
    })
    .join('\n')
}

/** They come with a later release: known names, not yet served. */
export const laterFunctions: ReadonlySet<string> = new Set(
  `alter_cache create_cache create_schedule drop_cache drop_schedule
   install_stand_ins key_inputs remove_stand_ins rows
   track_aggregates untrack_aggregates warm`.split(/\s+/),
)
