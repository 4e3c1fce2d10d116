// The context of a session: everything beside the statement and its parameters that an answer depends on, interned to a number.
//
// The origin is asked for it (role, search_path, every setting but a list known not to matter) at the first read and again after
// whatever may have changed it; in between the number stands. Settings without a declared type (`app.tenant`) are not listed by
// the origin, so those that cached statements read by name are asked for by name.

import { createHash } from 'node:crypto'
import { schemasOfPath } from '../../sql/index.ts'
import { bindFrame, closeFrame, executeFrame, parseFrame } from '../../wire/index.ts'
import { irrelevantSettings } from './irrelevant-settings.ts'

const contextsMax = 65_536

/** Each is asked for with every write. */
const customSettingsMax = 256

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

/** What a session has set, of the settings that change how values read; undefined where that cannot be told for certain. */
export function markedSettingsOf({ mark, role, searchPath }: SessionContext): ReadonlyMap<string, string> | undefined {
  if (role.includes(markSeparator) || searchPath.includes(markSeparator)) return undefined
  const [, ...values] = mark.split(markSeparator)
  return new Map(markedSettings.map((name, at) => [name, values[at] ?? '']))
}

const markSeparator = '\x02'

/** An expression whose value changes when the role or one of these settings does; cheap enough to be asked with every write. */
export function contextMark(customSettings: readonly string[]): string {
  const quoted = (name: string) => `pg_catalog.current_setting('${name.replaceAll("'", "''")}', true)`
  const settings = [...markedSettings, ...customSettings].map(quoted)
  const parts: string[] = []
  // No function takes more than a hundred arguments.
  for (let at = 0; at < settings.length; at += 90) parts.push(joined(settings.slice(at, at + 90)))
  return joined(['current_user', ...parts])
}

function joined(expressions: readonly string[]): string {
  return `pg_catalog.concat_ws(pg_catalog.chr(2), ${expressions.join(', ')})`
}

const separator = "E'\\x02'"

/** Listed by the origin from a session's first call of PL/pgSQL on, and in force from then on as they were set before: asked for by name. */
const settingsOfPlpgsql = Object.entries({
  'plpgsql.variable_conflict': 'error',
  'plpgsql.print_strict_params': 'off',
  'plpgsql.check_asserts': 'on',
  'plpgsql.extra_warnings': 'none',
  'plpgsql.extra_errors': 'none',
})
  .map(([name, unset]) => `COALESCE(pg_catalog.current_setting('${name}', true), '${unset}')`)
  .join(', ')

const contextText = `SELECT current_user, session_user, pg_catalog.current_database(), pg_catalog.pg_my_temp_schema(),
 pg_catalog.array_to_string(pg_catalog.current_schemas(false), ','), pg_catalog.current_setting('is_superuser'),
 pg_catalog.encode(pg_catalog.sha256(pg_catalog.textsend((SELECT pg_catalog.concat_ws(${separator}, ${settingsOfPlpgsql}, pg_catalog.string_agg(pg_catalog.concat(s.name, ${separator}, s.setting), ${separator}
   ORDER BY s.name)) FROM pg_catalog.pg_settings s WHERE s.context OPERATOR(pg_catalog.=) ANY ('{user,superuser}'::pg_catalog.text[])
   AND s.name OPERATOR(pg_catalog.<>) ALL ($1::pg_catalog.text[]) AND NOT pg_catalog.starts_with(s.name, 'plpgsql.')))), 'hex'),
 pg_catalog.current_setting('client_encoding'), pg_catalog.current_setting('standard_conforming_strings'),
 pg_catalog.current_setting('search_path'),
 (SELECT pg_catalog.json_agg(pg_catalog.current_setting(n, true) ORDER BY n) FROM pg_catalog.unnest($2::pg_catalog.text[]) n),
 EXISTS (SELECT FROM pg_catalog.pg_namespace s WHERE s.nspname OPERATOR(pg_catalog.=) $3::pg_catalog.name),
 pg_catalog.current_setting('default_transaction_isolation'),
 pg_catalog.date_part('epoch', pg_catalog.current_setting('idle_in_transaction_session_timeout')::pg_catalog.interval)`

const instant = (moment: string): string => `pg_catalog.encode(pg_catalog.timestamptz_send(${moment}), 'hex')`

/**
 * Another value on every server, after every start of it, and from PostgreSQL 15 on after every fall of it: its counters begin anew then. Before
 * that, to ask for counters makes their collector write a file.
 */
const lifeText = `pg_catalog.concat_ws(' ', ${instant('pg_catalog.pg_postmaster_start_time()')},
 CASE WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 OPERATOR(pg_catalog.>=) 150000
  THEN ${instant('pg_catalog.pg_stat_get_bgwriter_stat_reset_time()')} END)`

/** The same of any connection. */
export const lifeQuestion = `SELECT ${lifeText} AS life`

function arrayLiteral(items: readonly string[]): string {
  return `{${items.map((item) => `"${item.replace(/(["\\])/g, '\\$1')}"`).join(',')}}`
}

const irrelevantLiteral = arrayLiteral(irrelevantSettings)

/** Name under which a connection keeps the question; it shows in pg_prepared_statements. */
export const contextQuestion = '_larder_context'

/** `prepared` says that the connection has the question already. `alsoText` is one more thing to ask, of which no context depends. */
export function contextFrames(contexts: ContextTable, prepared: boolean, alsoText: string): Buffer {
  const { customSettings, ourSchema } = contexts
  const text = `${contextText}, ${contextMark(customSettings)}, ${lifeText}, ${alsoText}`
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
  /** Of blocks that do not name theirs: `read committed`, … */
  readonly isolation: string
  /** After so many milliseconds the origin ends a session that is idle in a block; 0 for never. */
  readonly idleInBlockMs: number
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

  /** Notes that a cached statement reads this setting by name. False if there are too many: what reads it may not be kept. */
  watch(setting: string): boolean {
    if (this.#customSettings.has(setting)) return true
    if (this.#customSettings.size >= customSettingsMax) return false
    this.#customSettings.add(setting)
    this.watchVersion++
    this.version++
    return true
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
      isolation,
      idleSeconds,
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
      isolation: isolation ?? '',
      idleInBlockMs: Number(idleSeconds) * 1000,
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
