// EXPLAIN (INVALIDATES) dml, and cache.explain_invalidates(): which stored answers a statement that writes would hide. It is never run.

import { conditions, ServerError } from '../errors/index.ts'
import type { ExplainOptions } from './explain-options.ts'
import type { CommandContext, CommandResult, OwnCommand, ResultColumn } from './own-statement.ts'
import { authorise } from './privileges.ts'
import type { StatementReader } from './statement-reader.ts'

export type InvalidatesVia = 'statement' | 'trigger' | 'cascade' | 'partition' | 'rule' | 'unknown'

/** Row of EXPLAIN (INVALIDATES). */
export interface InvalidatesRow {
  /** Undefined for what cannot be told: then the counts are of everything. */
  readonly relation: string | undefined
  readonly via: InvalidatesVia
  readonly results: number
  readonly views: number
  readonly aggregates: number
  readonly blobs: number
}

export const invalidatesColumns: readonly ResultColumn[] = [
  { name: 'relation', type: 'text' },
  { name: 'via', type: 'text' },
  ...['results', 'views', 'aggregates', 'blobs'].map((name) => ({ name, type: 'int8' }) as const),
]

const what = 'EXPLAIN (INVALIDATES)'

/** Behind the options. */
export function readExplainInvalidates(reader: StatementReader, options: ExplainOptions): OwnCommand {
  const other = options.analyze ? 'ANALYZE' : options.cache ? 'CACHE' : options.format === 'json' ? 'FORMAT' : undefined
  const inTheWay = other ?? options.origin[0]
  if (inTheWay !== undefined) {
    throw new ServerError(conditions.featureNotSupported, [`option ${inTheWay} together with INVALIDATES`], {
      hint: `${what} never runs the statement, and answers rows.`,
    })
  }
  const closed = reader.offsetBefore
  if (!['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'TRUNCATE', 'COPY', 'WITH'].includes(reader.peek())) {
    throw reader.syntaxError('INSERT', 'UPDATE', 'DELETE', 'MERGE', 'TRUNCATE', 'COPY', 'WITH')
  }
  reader.textUntil(';')
  const rest = reader.text.slice(closed, reader.statementEnd).trimEnd()
  const text = rest.trimStart()
  const offset = [...reader.text.slice(0, closed + rest.length - text.length)].length
  const { parameterCount } = reader
  return {
    kind: 'command',
    tag: 'EXPLAIN',
    subject: what,
    columns: invalidatesColumns,
    needs: 'monitor',
    parameterCount,
    parameterTypes: Array.from({ length: parameterCount }, () => 25),
    parametersOptional: true,
    changes: false,
    execute: (context) => explainInvalidates(context, text, offset, 'EXPLAIN'),
  }
}

export async function explainInvalidates(
  context: CommandContext,
  text: string,
  offset: number | undefined,
  tag: string,
): Promise<CommandResult> {
  authorise(context.viewer, 'monitor', what, context.settings.current)
  const { rows, unknown } = await context.explainInvalidates(text, offset)
  return {
    tag,
    columns: invalidatesColumns,
    rows: rows.map((row) => [row.relation ?? null, row.via, row.results, row.views, row.aggregates, row.blobs]),
    notices: unknown.map((message) => ({ severity: 'NOTICE', sqlstate: '00000', message })),
  }
}
