// SET, RESET, SHOW and ALTER SYSTEM of our settings, with PostgreSQL's grammar and rules (SQL-29); and their two
// functions.

import { isSettingName, tokenState } from '../config/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import type { CommandContext, CommandNotice, CommandResult, OwnCommand, ResultColumn } from './own-statement.ts'
import type { Parameters } from './parameters.ts'
import { authorise } from './privileges.ts'
import type { StatementReader, Value } from './statement-reader.ts'
import { changeNotices, tokenNotices } from './transactions.ts'
import { booleanValue, textValue } from './values.ts'

interface SettingOptions {
  readonly schemaTaken?: boolean
}

type Execute = (context: CommandContext, parameters: Parameters) => CommandResult | Promise<CommandResult>

function command(
  tag: string,
  columns: readonly ResultColumn[],
  needs: OwnCommand['needs'],
  reader: StatementReader,
  execute: Execute,
): OwnCommand {
  const { parameterCount } = reader
  const parameterTypes = Array.from({ length: parameterCount }, () => 25)
  return { kind: 'command', tag, columns, needs, parameterCount, parameterTypes, changes: false, execute }
}

/** SET, RESET or SHOW. A name that we do not know may be a setting of the origin's. */
function plain(tag: string, name: string, columns: readonly ResultColumn[], reader: StatementReader, execute: Execute) {
  const made = command(tag, columns, 'anyone', reader, execute)
  return isSettingName(name) ? { ...made, forWhom: 'whoever' as const } : made
}

/** SET [ SESSION | LOCAL ] cache.x ( TO | = ) ( value | DEFAULT ); undefined if the name is not ours. */
export function readSet(reader: StatementReader, options: SettingOptions): OwnCommand | undefined {
  reader.expect('SET')
  const isScoped = (reader.peek() === 'LOCAL' || reader.peek() === 'SESSION') && !reader.isSchemaNext()
  const local = isScoped && reader.peek() === 'LOCAL'
  if (isScoped) reader.skip()
  const name = readName(reader, options)
  if (name === undefined) return undefined
  const value = readAssigned(reader)
  return plain('SET', name, [], reader, (context) =>
    fitting(context, name, value, () => {
      context.settings.set(name, value, { local })
      const notices = local && !context.settings.inTransaction ? [localWarning] : []
      return { tag: 'SET', columns: [], rows: [], notices }
    }),
  )
}

/** Sets what may be set: some values are only right for one origin, and that is asked first. */
function fitting<Result>(
  { tokens, store }: CommandContext,
  name: string,
  value: string | undefined,
  set: () => Result,
): Result | Promise<Result> {
  if (name === tokenState.name) throw new ServerError(conditions.cantChangeRuntimeParam, [store.labelOf('token')])
  return name === 'min_lsn' && value !== undefined && value !== '' ? tokens.check(value).then(set) : set()
}

const localWarning: CommandNotice = {
  severity: 'WARNING',
  sqlstate: conditions.noActiveTransaction.sqlstate,
  message: conditions.noActiveTransaction.message.replace('%s', 'SET LOCAL'),
}

/** RESET cache.x; undefined if the name is not ours. */
export function readReset(reader: StatementReader, options: SettingOptions): OwnCommand | undefined {
  reader.expect('RESET')
  const name = readName(reader, options)
  if (name === undefined) return undefined
  reader.expectEnd()
  return plain('RESET', name, [], reader, (context) => {
    context.settings.reset(name)
    return { tag: 'RESET', columns: [], rows: [] }
  })
}

/** SHOW cache.x; undefined if the name is not ours. */
export function readShow(reader: StatementReader, options: SettingOptions): OwnCommand | undefined {
  reader.expect('SHOW')
  const name = readName(reader, options)
  if (name === undefined) return undefined
  reader.expectEnd()
  const columns: readonly ResultColumn[] = [{ name: `${reader.schemaName}.${name}`, type: 'text' }]
  const shown = (value: string): CommandResult => ({ tag: 'SHOW', columns, rows: [[value]] })
  return plain('SHOW', name, columns, reader, (context) =>
    name === tokenState.name
      ? context.tokens.token().then((token) => ({ ...shown(token), notices: tokenNotices(context) }))
      : shown(context.settings.show(name)),
  )
}

/** ALTER SYSTEM ( SET cache.x ( TO | = ) ( value | DEFAULT ) | RESET cache.x ); undefined if the name is not ours. */
export function readAlterSystem(reader: StatementReader, options: SettingOptions): OwnCommand | undefined {
  reader.expect('ALTER', 'SYSTEM')
  const resets = reader.accept('RESET')
  if (!resets && !reader.accept('SET')) return undefined
  const name = readName(reader, options)
  if (name === undefined) return undefined
  const value = resets ? undefined : readAssigned(reader)
  reader.expectEnd()
  return command('ALTER SYSTEM', [], 'admin', reader, async (context) => {
    const { store } = context
    const row = store.find(name)
    authorise(context.viewer, 'admin', 'ALTER SYSTEM', context.settings.current)
    if (value === undefined) await store.resetSystem(name)
    else await store.setSystem(name, value)
    const waits = row.change === 'restart'
    const message = `parameter "${store.labelOf(row.name)}" takes effect at the next start`
    const waiting: CommandNotice[] = waits ? [{ severity: 'NOTICE', sqlstate: '00000', message }] : []
    const notices = [...changeNotices(context), ...waiting]
    return { tag: 'ALTER SYSTEM', columns: [], rows: [], notices }
  })
}

/** `cache.x`; undefined if it is not ours. Where the schema is somebody else's, so is every setting that we do not know. */
function readName(reader: StatementReader, options: SettingOptions): string | undefined {
  if (!reader.acceptSchema()) return undefined
  const mark = reader.mark()
  const name = reader.identifier()
  if (mayBeOurs(name, options)) return name
  reader.reset(mark)
  return undefined
}

function mayBeOurs(name: string, { schemaTaken }: SettingOptions): boolean {
  return schemaTaken !== true || isSettingName(name)
}

/** Behind the name: undefined for DEFAULT. */
function readAssigned(reader: StatementReader): string | undefined {
  if (!reader.accept('TO') && !reader.accept('=')) throw reader.syntaxError('TO', '=')
  if (reader.accept('DEFAULT')) {
    reader.expectEnd()
    return undefined
  }
  const items = reader.list(() => assignedItem(reader))
  reader.expectEnd()
  return items.join(', ')
}

/** A constant, or a bare word: `SET cache.result_cache = off`. */
function assignedItem(reader: StatementReader): string {
  const word = reader.peekName()
  if (word !== undefined) {
    reader.skip()
    return word
  }
  const mark = reader.mark()
  const value = reader.value()
  if (value.kind === 'constant' && value.text !== null) return value.text
  reader.reset(mark)
  throw reader.syntaxError('a constant')
}

/**
 * SELECT set_config('cache.x', value, is_local) or current_setting('cache.x' [, missing_ok]) as the whole select list;
 * undefined if it is anything else.
 */
export function readSettingFunction(reader: StatementReader, options: SettingOptions): OwnCommand | undefined {
  reader.expect('SELECT')
  if (reader.peekName() === 'pg_catalog' && reader.peek(1) === '.') reader.skip(2)
  const called = reader.peekName()
  if ((called !== 'set_config' && called !== 'current_setting') || reader.peek(1) !== '(') return undefined
  const name = ownName(reader.peekString(2), reader.schemaName)
  if (name === undefined || !mayBeOurs(name, options)) return undefined
  reader.skip(2)
  const args = reader.list(() => reader.value())
  if (!reader.accept(')')) return undefined
  const label = readAlias(reader) ?? called
  if (!reader.isAtEnd) return undefined
  const columns: readonly ResultColumn[] = [{ name: label, type: 'text' }]
  if (called === 'current_setting')
    return command('SELECT', columns, 'anyone', reader, currentSetting(name, args, columns))
  return args.length === 3 ? command('SELECT', columns, 'anyone', reader, setConfig(name, args, columns)) : undefined
}

/** [ AS ] alias */
export function readAlias(reader: StatementReader): string | undefined {
  if (reader.accept('AS')) return reader.identifier()
  return reader.isAtEnd || reader.peekName() === undefined || reader.peek(1) !== '' ? undefined : reader.identifier()
}

function ownName(constant: string | undefined, schemaName: string): string | undefined {
  const prefix = `${schemaName}.`
  return constant?.toLowerCase().startsWith(prefix) ? constant.slice(prefix.length) : undefined
}

function currentSetting(name: string, args: readonly Value[], columns: readonly ResultColumn[]): Execute {
  return (context, parameters) => {
    if (name === tokenState.name)
      return context.tokens
        .token()
        .then((token) => ({ tag: 'SELECT 1', columns, rows: [[token]], notices: tokenNotices(context) }))
    const missingOk = args[1] !== undefined && booleanValue(args[1], parameters) === true
    let value: string | null
    try {
      value = context.settings.show(name)
    } catch (error) {
      const isMissing = error instanceof ServerError && (error.sqlstate === '42704' || error.sqlstate === '0A000')
      if (!(missingOk && isMissing)) throw error
      value = null
    }
    return { tag: 'SELECT 1', columns, rows: [[value]] }
  }
}

function setConfig(name: string, args: readonly Value[], columns: readonly ResultColumn[]): Execute {
  return (context, parameters) => {
    const value = textValue(args[1] as Value, parameters)
    const local = booleanValue(args[2] as Value, parameters) === true
    return fitting(context, name, value ?? undefined, () => {
      const shown = context.settings.set(name, value ?? undefined, { local })
      return { tag: 'SELECT 1', columns, rows: [[value === null ? '' : shown]] }
    })
  }
}
