// EXPLAIN (CACHE …) query: says what would happen to it now; with ANALYZE it is run through the caches.
//
//   explain = EXPLAIN "(" CACHE { "," option } ")" query | EXPLAIN "(" INVALIDATES ")" dml | EXPLAIN LAST STATEMENT
//   option  = ANALYZE [bool] | FORMAT ( TEXT | JSON ) | any option of the origin's EXPLAIN

import { quoteIdentifier } from '../virtual/index.ts'
import { explainJson, explainLines } from './explain-cache.ts'
import { readExplainInvalidates } from './explain-invalidates.ts'
import { type ExplainOptions, readExplainOptions } from './explain-options.ts'
import type {
  CommandContext,
  CommandResult,
  ExplainRequest,
  OwnCommand,
  OwnSelect,
  OwnStatement,
} from './own-statement.ts'
import type { StatementReader } from './statement-reader.ts'

/** At EXPLAIN; undefined if it is the origin's. */
export function readExplain(reader: StatementReader): OwnStatement | undefined {
  reader.expect('EXPLAIN')
  if (reader.accept('LAST')) {
    reader.expect('STATEMENT')
    reader.expectEnd()
    return explainLastStatement(reader.schemaName)
  }
  const options = readExplainOptions(reader)
  if (options === undefined) return undefined
  if (options.invalidates) return readExplainInvalidates(reader, options)
  // The origin's, without our options.
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

function explainCache(
  statement: Pick<ExplainRequest, 'text' | 'offset'>,
  options: ExplainOptions,
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
        parameters: parameters.count > 0 ? parameters.texts() : undefined,
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
