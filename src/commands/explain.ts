// EXPLAIN (CACHE …) query: says what would happen to it now; with ANALYZE it is run through the caches.
//
//   explain = EXPLAIN "(" CACHE { "," option } ")" query | EXPLAIN LAST STATEMENT
//   option  = ANALYZE [bool] | FORMAT ( TEXT | JSON ) | any option of the origin's EXPLAIN

import { conditions, ServerError } from '../errors/index.ts'
import { quoteIdentifier } from '../virtual/index.ts'
import { explainJson, explainLines } from './explain-cache.ts'
import { comesLater } from './later.ts'
import type {
  CommandContext,
  CommandResult,
  ExplainRequest,
  OwnCommand,
  OwnSelect,
  OwnStatement,
} from './own-statement.ts'
import type { StatementReader } from './statement-reader.ts'

interface Options {
  cache: boolean
  invalidates: boolean
  analyze: boolean
  format: 'text' | 'json'
  readonly origin: string[]
}

/** At EXPLAIN; undefined if it is the origin's. */
export function readExplain(reader: StatementReader): OwnStatement | undefined {
  reader.expect('EXPLAIN')
  if (reader.accept('LAST')) {
    reader.expect('STATEMENT')
    reader.expectEnd()
    return explainLastStatement(reader.schemaName)
  }
  if (!reader.accept('(') || !namesOurOption(reader)) return undefined
  const options = readOptions(reader)
  if (options.invalidates) throw comesLater('EXPLAIN (INVALIDATES)')
  if (!options.cache) return undefined
  const closed = reader.offsetBefore
  if (!['SELECT', 'WITH', 'VALUES', 'TABLE', '('].includes(reader.peek())) {
    throw reader.syntaxError('SELECT', 'WITH', 'VALUES', 'TABLE')
  }
  reader.textUntil(';')
  // As it stands, with the comments before its first word and behind its last: they may hold hints.
  const rest = reader.text.slice(closed, reader.statementEnd).trimEnd()
  const text = rest.trimStart()
  const statement = { text, offset: [...reader.text.slice(0, closed + rest.length - text.length)].length }
  return explainCache(statement, options, reader.parameterCount)
}

function explainLastStatement(schemaName: string): OwnSelect {
  return {
    kind: 'select',
    tag: 'EXPLAIN',
    text: `SELECT * FROM ${quoteIdentifier(schemaName)}.last_statement`,
    relations: ['last_statement'],
    needs: 'anyone',
    parameterCount: 0,
  }
}

/** Looks ahead: is CACHE or INVALIDATES among the options? */
function namesOurOption(reader: StatementReader): boolean {
  const mark = reader.mark()
  let found = false
  for (let startsOption = true; !reader.isAtEnd && reader.peek() !== ')' && reader.peek() !== '('; reader.skip()) {
    if (startsOption && (reader.peek() === 'CACHE' || reader.peek() === 'INVALIDATES')) found = true
    startsOption = reader.peek() === ','
  }
  reader.reset(mark)
  return found
}

function readOptions(reader: StatementReader): Options {
  const options: Options = { cache: false, invalidates: false, analyze: false, format: 'text', origin: [] }
  reader.list(() => readOption(reader, options))
  reader.expect(')')
  return options
}

function readOption(reader: StatementReader, options: Options): void {
  // A quoted name is one too: `"analyze"` must not go along to the origin, where it would run the statement.
  const name = (reader.peekName() ?? '').toUpperCase()
  switch (name) {
    case 'CACHE':
      reader.skip()
      options.cache = readSwitch(reader)
      return
    case 'INVALIDATES':
      reader.skip()
      options.invalidates = readSwitch(reader)
      return
    case 'ANALYZE':
    case 'ANALYSE':
      reader.skip()
      options.analyze = readSwitch(reader)
      return
    case 'FORMAT':
      reader.skip()
      options.format = readFormat(reader)
      return
    case 'TIMING':
    case 'WAL':
    case 'SERIALIZE':
      // They tell of an execution; under CACHE the origin plans the statement, and what runs it is the caches.
      throw new ServerError(conditions.featureNotSupported, [`EXPLAIN option ${name} together with CACHE`], {
        hint: `Use EXPLAIN (ANALYZE, ${name}) without CACHE.`,
        position: reader.syntaxError().position,
      })
    default: {
      const start = reader.offset
      reader.identifier()
      while (reader.peek() !== ',' && reader.peek() !== ')' && !reader.isAtEnd) reader.skip()
      options.origin.push(reader.text.slice(start, reader.offsetBefore))
    }
  }
}

function readSwitch(reader: StatementReader): boolean {
  if (reader.peek() === ',' || reader.peek() === ')') return true
  for (const [word, meaning] of [
    ['ON', true],
    ['TRUE', true],
    ['OFF', false],
    ['FALSE', false],
  ] as const) {
    if (reader.accept(word)) return meaning
  }
  const value = reader.value()
  if (value.kind === 'constant' && value.text !== null && /^(?:1|on|true)$/i.test(value.text)) return true
  if (value.kind === 'constant' && value.text !== null && /^(?:0|off|false)$/i.test(value.text)) return false
  throw reader.syntaxError('ON', 'OFF')
}

function readFormat(reader: StatementReader): 'text' | 'json' {
  const format = reader.name().toLowerCase()
  if (format === 'text' || format === 'json') return format
  throw new ServerError(conditions.invalidParameterValue, ['format', format], { hint: 'Available values: text, json.' })
}

function explainCache(
  statement: Pick<ExplainRequest, 'text' | 'offset'>,
  options: Options,
  parameterCount: number,
): OwnCommand {
  const columns = [{ name: 'QUERY PLAN', type: options.format }] as const
  return {
    kind: 'command',
    tag: 'EXPLAIN',
    columns,
    needs: 'anyone',
    parameterCount,
    parameterTypes: Array.from({ length: parameterCount }, () => 25),
    // Without values it is the shape that is explained.
    parametersOptional: !options.analyze,
    changes: false,
    async execute(context: CommandContext, parameters): Promise<CommandResult> {
      const request: ExplainRequest = {
        ...statement,
        parameters: parameters.length > 0 ? parameters : undefined,
        analyze: options.analyze,
        format: options.format,
        originOptions: options.origin,
      }
      const explained = await context.explain(request)
      const rows =
        options.format === 'json'
          ? [[JSON.stringify([explainJson(explained)], undefined, 2)]]
          : explainLines(explained).map((line) => [line])
      return { tag: 'EXPLAIN', columns, rows, notices: explained.notices }
    },
  }
}
