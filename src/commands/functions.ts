// Functions of the virtual schema: SELECT cache.f(…), SELECT * FROM cache.f(…) and CALL cache.f(…) (SQL-24).
//
// Arguments by position or by name, constants or parameters. A function stands alone; in any other place it is not
// recognised here, and `virtual` refuses the statement.

import { conditions, ServerError } from '../errors/index.ts'
import { laterFunctions } from '../virtual/index.ts'
import { archiveFunctions } from './archive/archive-functions.ts'
import { auditFunction } from './audit.ts'
import { typeOids } from './binary-text.ts'
import { blobFunctions } from './blobs/blob-functions.ts'
import { namespaceFunctions } from './blobs/namespace-functions.ts'
import { explainJson } from './explain-cache.ts'
import { explainInvalidates, invalidatesColumns } from './explain-invalidates.ts'
import { flush, flushColumns } from './flush.ts'
import { pickColumns, readSelected, type Selected } from './function-columns.ts'
import { Arguments, type ArgumentType, argumentOids, type FunctionDefinition, scalar } from './function-definition.ts'
import { type InvalidateTarget, invalidate, invalidateColumns } from './invalidate.ts'
import { comesLater } from './later.ts'
import type { CommandContext, CommandResult, OwnCommand, RelationName, ResultColumn } from './own-statement.ts'
import { authorise } from './privileges.ts'
import { readAlias } from './settings.ts'
import { StatementReader, type Value } from './statement-reader.ts'
import { changeNotices, tokenNotices } from './transactions.ts'
import { viewFunctions } from './views/view-functions.ts'

/** How long a token is waited for, unless that is said. */
const waitMs = 5000

const functions: Readonly<Record<string, FunctionDefinition>> = {
  ...blobFunctions,
  ...namespaceFunctions,
  ...archiveFunctions,
  ...viewFunctions,
  audit: auditFunction,
  version: {
    parameters: [],
    required: 0,
    columns: scalar('text'),
    isScalar: true,
    needs: 'anyone',
    changes: false,
    run: (context, _, tag) => ({ tag, columns: [], rows: [[context.version]] }),
  },
  token: {
    parameters: [],
    required: 0,
    columns: scalar('text'),
    isScalar: true,
    needs: 'anyone',
    changes: false,
    run: async (context, _, tag) => ({
      tag,
      columns: [],
      rows: [[await context.tokens.token()]],
      notices: tokenNotices(context),
    }),
  },
  wait_for: {
    parameters: [
      ['token', 'text'],
      ['timeout', 'interval'],
    ],
    required: 1,
    columns: scalar('bool'),
    isScalar: true,
    needs: 'anyone',
    changes: false,
    async run(context, args, tag) {
      const token = args.text('token')
      if (token === null) return { tag, columns: [], rows: [[null]] }
      const isHeard = await context.tokens.waitFor(token, (await args.duration('timeout')) ?? waitMs)
      return { tag, columns: [], rows: [[isHeard]] }
    },
  },
  reset_stats: {
    parameters: [],
    required: 0,
    columns: scalar('void'),
    isScalar: true,
    needs: 'admin',
    changes: true,
    run(context, _, tag) {
      context.actions.resetStats()
      return { tag, columns: [], rows: [['']], notices: changeNotices(context) }
    },
  },
  reload: {
    parameters: [],
    required: 0,
    columns: scalar('void'),
    isScalar: true,
    needs: 'admin',
    changes: true,
    async run(context, _, tag) {
      await context.actions.reload()
      return { tag, columns: [], rows: [['']], notices: changeNotices(context) }
    },
  },
  check: {
    parameters: [],
    required: 0,
    columns: ['severity', 'kind', 'subject', 'detail'].map((name) => ({ name, type: 'text' })),
    isScalar: false,
    needs: 'monitor',
    changes: false,
    async run(context, _, tag) {
      const found = [...(await context.actions.check())]
      return { tag, columns: [], rows: found.map((row) => [row.severity, row.kind, row.subject, row.detail]) }
    },
  },
  explain: {
    parameters: [
      ['statement', 'text'],
      ['params', 'text[]'],
      ['execute', 'boolean'],
    ],
    required: 1,
    columns: scalar('jsonb'),
    isScalar: true,
    needs: 'anyone',
    changes: false,
    async run(context, args, tag) {
      const text = args.text('statement')
      if (text === null) return { tag, columns: [], rows: [[null]] }
      const explained = await context.explain({
        text,
        offset: undefined,
        parameters: args.listOrNull('params') ?? undefined,
        analyze: args.flag('execute'),
        format: 'json',
        originOptions: [],
      })
      return { tag, columns: [], rows: [[explainJson(explained)]], notices: explained.notices }
    },
  },
  explain_invalidates: {
    parameters: [['statement', 'text']],
    required: 1,
    columns: invalidatesColumns,
    isScalar: false,
    needs: 'monitor',
    changes: false,
    async run(context, args, tag) {
      const text = args.text('statement')
      if (text === null) return { tag, columns: invalidatesColumns, rows: [] }
      return explainInvalidates(context, text, undefined, tag)
    },
  },
  flush: {
    parameters: [
      ['caches', 'text[]'],
      ['namespaces', 'text[]'],
      ['everything', 'boolean'],
    ],
    required: 0,
    columns: flushColumns,
    isScalar: false,
    needs: 'anyone',
    changes: true,
    run: (context, args, tag) =>
      flush(
        context,
        {
          everything: args.flag('everything'),
          plans: false,
          caches: args.list('caches'),
          namespaces: args.list('namespaces'),
        },
        tag,
      ),
  },
  invalidate: {
    parameters: [
      ['namespace', 'text'],
      ['keys', 'text[]'],
      ['prefix', 'text'],
      ['tags', 'text[]'],
      ['dependencies', 'text[]'],
      ['relations', 'text[]'],
      ['mark_stale', 'boolean'],
    ],
    required: 0,
    columns: invalidateColumns,
    isScalar: false,
    needs: 'anyone',
    changes: true,
    run: invalidateByArguments,
  },
}

function invalidateByArguments(context: CommandContext, args: Arguments, tag: string): Promise<CommandResult> {
  const namespace = args.text('namespace') ?? undefined
  const prefix = args.text('prefix')
  const keys = args.listOrNull('keys')
  if (namespace === undefined && (keys !== null || prefix !== null)) {
    throw new ServerError(conditions.invalidParameterValue, ['namespace', 'NULL'], {
      hint: 'Keys and a prefix are those of a namespace.',
    })
  }
  const markStale = args.flag('mark_stale')
  const labels = { namespace, markStale }
  const targets: InvalidateTarget[] = [
    { kind: 'relation', relations: args.list('relations').map(relationNamed) },
    ...(keys === null ? [] : [{ ...labels, kind: 'key' as const, subjects: keys }]),
    ...(prefix === null ? [] : [{ ...labels, kind: 'prefix' as const, subjects: [prefix] }]),
    { ...labels, kind: 'tag', subjects: args.list('tags') },
    { ...labels, kind: 'dependency', subjects: args.list('dependencies') },
  ]
  return invalidate(context, targets, tag)
}

/** A relation's name in a text, quoted as in SQL. */
function relationNamed(text: string): RelationName {
  const reader = new StatementReader(text, '')
  const name = reader.peekName() === undefined ? undefined : reader.qualifiedName()
  if (name === undefined || !reader.isAtEnd) throw new ServerError(conditions.invalidName, [text])
  return name
}

/** At SELECT or CALL; undefined if it does not stand alone or is not ours. */
export function readFunctionCall(reader: StatementReader): OwnCommand | undefined {
  const isCall = reader.accept('CALL')
  if (!isCall && !reader.accept('SELECT')) return undefined
  const isFrom = !isCall && !isFunctionNext(reader)
  const selected = isFrom ? readSelected(reader) : 'all'
  if (selected === undefined || !reader.acceptSchema()) return undefined
  const name = reader.peekName()
  if (name === undefined || reader.peek(1) !== '(') return undefined
  reader.skip(2)
  const definition = functionNamed(reader, name)
  const given = readArguments(reader, name, definition)
  const alias = isCall ? undefined : readAlias(reader)
  if (!reader.isAtEnd) return undefined
  return callOf(name, definition, given, { isCall, isFrom, selected, alias, parameterCount: reader.parameterCount })
}

function isFunctionNext(reader: StatementReader): boolean {
  return reader.isSchemaNext() && reader.peek(3) === '('
}

/** Throws 42883 for a name there is none of, 0A000 for one of a later release. */
export function functionNamed(reader: StatementReader, name: string): FunctionDefinition {
  const definition = Object.hasOwn(functions, name) ? functions[name] : undefined
  if (definition !== undefined) return definition
  const label = `${reader.schemaName}.${name}()`
  throw laterFunctions.has(name)
    ? comesLater(`function ${label}`)
    : new ServerError(conditions.undefinedFunction, [label])
}

/** `[ name ( => | := ) ] value` …, up to the closing bracket. Throws 0A000 if an argument is no constant and no parameter. */
export function readArguments(
  reader: StatementReader,
  functionName: string,
  definition: FunctionDefinition,
): ReadonlyMap<string, Value> {
  const given = new Map<string, Value>()
  while (!reader.accept(')')) {
    if (given.size > 0) reader.expect(',')
    const isNamed = reader.peek(1) === '=>' || reader.peek(1) === ':='
    const name = isNamed ? reader.identifier() : definition.parameters[given.size]?.[0]
    if (isNamed) reader.skip()
    if (name === undefined || !definition.parameters.some(([known]) => known === name) || given.has(name)) {
      throw signatureError(reader, functionName, definition)
    }
    given.set(name, readArgument(reader))
  }
  if (definition.parameters.slice(0, definition.required).some(([name]) => !given.has(name))) {
    throw signatureError(reader, functionName, definition)
  }
  return given
}

function readArgument(reader: StatementReader): Value {
  const mark = reader.mark()
  let value: Value | undefined
  try {
    value = reader.value()
  } catch (error) {
    if (!(error instanceof ServerError && error.sqlstate === '42601')) throw error
  }
  if (value !== undefined && (reader.peek() === ',' || reader.peek() === ')')) return value
  reader.reset(mark)
  throw new ServerError(conditions.featureNotSupported, ['an expression as argument of this function'], {
    hint: 'Give a constant or a parameter.',
    position: reader.syntaxError().position,
  })
}

function signatureError(reader: StatementReader, name: string, definition: FunctionDefinition): ServerError {
  const signature = definition.parameters.map(([parameter, type], index) =>
    index < definition.required ? `${parameter} ${type}` : `${parameter} ${type} = …`,
  )
  const label = `${reader.schemaName}.${name}`
  return new ServerError(conditions.undefinedFunction, [`${label} with these arguments`], {
    hint: `It is ${label}(${signature.join(', ')}).`,
  })
}

interface CallForm {
  readonly isCall: boolean
  readonly isFrom: boolean
  readonly selected: Selected
  readonly alias: string | undefined
  readonly parameterCount: number
}

function callOf(
  name: string,
  definition: FunctionDefinition,
  given: ReadonlyMap<string, Value>,
  form: CallForm,
): OwnCommand {
  const made = columnsOf(name, definition, form)
  const isRecord = !form.isCall && !form.isFrom && !definition.isScalar
  const picked = form.selected === 'all' ? undefined : pickColumns(form.selected, made, form.alias ?? name)
  const columns = picked?.map(({ value: _, ...column }) => column) ?? made
  const verb = form.isCall ? 'CALL' : 'SELECT'
  return {
    kind: 'command',
    tag: verb,
    subject: `function ${name}`,
    columns,
    ...(definition.relations && { relations: definition.relations }),
    needs: definition.needs,
    parameterCount: form.parameterCount,
    parameterTypes: parameterTypesOf(definition, given, form.parameterCount),
    changes: definition.changes,
    async execute(context, parameters) {
      authorise(context.viewer, definition.needs, `function ${name}`, context.settings.current)
      const result = await definition.run(context, new Arguments(given, parameters, context), verb)
      const full = isRecord ? result.rows.map((row) => [row]) : result.rows
      const shown = picked === undefined ? full : full.map((row) => picked.map((column) => column.value(row)))
      const rows = columns.length === 0 ? [] : shown
      return { ...result, columns, rows, tag: form.isCall ? 'CALL' : `SELECT ${rows.length}` }
    },
  }
}

/** In the select list a function of several columns is one of type record, as in PostgreSQL. */
function columnsOf(name: string, definition: FunctionDefinition, form: CallForm): readonly ResultColumn[] {
  if (definition.isScalar) {
    const type = definition.columns[0]?.type ?? 'text'
    return form.isCall && type === 'void' ? [] : [{ name: form.alias ?? name, type }]
  }
  if (form.isCall || form.isFrom) return definition.columns
  return [{ name: form.alias ?? name, type: 'record', fields: definition.columns }]
}

function parameterTypesOf(
  definition: FunctionDefinition,
  given: ReadonlyMap<string, Value>,
  count: number,
): readonly number[] {
  const types = Array.from({ length: count }, () => 25)
  for (const [name, type] of definition.parameters) {
    const value = given.get(name)
    if (value?.kind === 'parameter') types[value.number - 1] = inferredOid(value, type)
  }
  return types
}

/** What the argument is cast to, or else what the function takes. */
function inferredOid(value: Value, type: ArgumentType): number {
  const cast = value.type as keyof typeof typeOids | undefined
  return cast !== undefined && Object.hasOwn(typeOids, cast) ? typeOids[cast] : argumentOids[type]
}
