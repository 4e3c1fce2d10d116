// CREATE and DROP ROLLUP CACHE: a view that groups a relation and follows its changes, from which coarser groups are answered.
//
//   rollup = CREATE ROLLUP CACHE [ IF NOT EXISTS ] name ON relation DIMENSIONS "(" list(column) ")" MEASURES "(" list(aggregate) ")" [ opts ]
//          | DROP ROLLUP CACHE [ IF EXISTS ] list(name)

import { conditions, ServerError } from '../../errors/index.ts'
import { quoteIdentifier } from '../../virtual/index.ts'
import type { CommandContext, CommandNotice, CommandResult, OwnCommand, ResultColumn } from '../own-statement.ts'
import { authorise } from '../privileges.ts'
import type { StatementReader } from '../statement-reader.ts'
import { changeNotices } from '../transactions.ts'
import { type OptionValue, readWith } from '../with-options.ts'
import type { ViewAccess } from './view-access.ts'
import { readBytesMax, readNames } from './view-options.ts'
import { mustOwn, newName } from './view-rules.ts'

const columns: readonly ResultColumn[] = [
  { name: 'name', type: 'text' },
  { name: 'relation', type: 'text' },
  { name: 'rows', type: 'int8' },
  { name: 'bytes', type: 'int8' },
]

/** Behind CREATE ROLLUP CACHE. */
export function readCreateRollup(reader: StatementReader): OwnCommand {
  const tag = 'CREATE ROLLUP CACHE'
  const mayExist = reader.accept('IF', 'NOT', 'EXISTS')
  const name = newName(reader.name())
  reader.expect('ON')
  const { schema, name: table } = reader.qualifiedName()
  const relation = [schema, table].flatMap((word) => (word === undefined ? [] : [quoteIdentifier(word)])).join('.')
  reader.expect('DIMENSIONS', '(')
  const dimensions = reader.list(() => reader.name())
  reader.expect(')')
  reader.expect('MEASURES', '(')
  const measures = reader.list(() => reader.textUntil(',', ')'))
  if (measures.some((measure) => measure === '')) throw reader.syntaxError('an aggregate')
  reader.expect(')')
  const options = readOptions(readWith(reader))
  reader.expectEnd()
  const keys = dimensions.map(quoteIdentifier)
  const query = `SELECT ${[...keys, ...measures].join(', ')} FROM ${relation} GROUP BY ${keys.join(', ')}`
  return command(tag, 'admin', async (_, views) => {
    if (views.owner(name) !== undefined) {
      if (!mayExist) throw new ServerError(conditions.duplicateObject, [`rollup "${name}"`])
      return { rows: [], notices: [notice('42P07', `relation "${name}" already exists, skipping`)] }
    }
    const order = {
      ...{
        name,
        query,
        queryOffset: 0,
        columnNames: namesOf(dimensions, measures),
        policy: { kind: 'incremental' } as const,
      },
      ...{ readers: options.readers, bytesMax: options.bytesMax, rollup: { relation, dimensions, measures } },
    }
    const rows = await views.create(order, false).catch((error: unknown) => {
      // Places in the query are none of the statement's.
      if (error instanceof ServerError && error.position !== undefined) throw withoutPlace(error)
      throw error
    })
    return { rows: [[name, relation, rows, views.bytes(name) ?? 0]] }
  })
}

/** Behind DROP ROLLUP CACHE. */
export function readDropRollup(reader: StatementReader): OwnCommand {
  const tag = 'DROP ROLLUP CACHE'
  const mayBeMissing = reader.accept('IF', 'EXISTS')
  const names = reader.list(() => reader.name())
  reader.expectEnd()
  return command(tag, 'anyone', async (context, views) => {
    const found = names.filter((name) => views.isRollup(name))
    const missing = names.filter((name) => !found.includes(name))
    const [first] = missing
    if (first !== undefined && !mayBeMissing) throw new ServerError(conditions.undefinedObject, [`rollup "${first}"`])
    for (const name of found) mustOwn(context, views, name)
    // All of them or none.
    for (const name of found) await views.drop(name)
    const notices = missing.map((name) => notice('00000', `rollup "${name}" does not exist, skipping`))
    return { rows: found.map((name) => [name, null, null, null]), notices }
  })
}

/** Of a view no two columns have one name: each measure has that of its words. */
function namesOf(dimensions: readonly string[], measures: readonly string[]): readonly string[] {
  const names = [...dimensions]
  for (const measure of measures) {
    const words = measure.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? ['measure']
    const name = words.join('_').slice(0, 50)
    let unique = name
    for (let count = 2; names.includes(unique); count++) unique = `${name}_${count}`
    names.push(unique)
  }
  return names
}

function readOptions(given: ReadonlyMap<string, OptionValue>): {
  readers: readonly string[]
  bytesMax: number | undefined
} {
  for (const name of given.keys())
    if (name !== 'readers' && name !== 'bytes_max')
      throw new ServerError(conditions.invalidParameterValue, ['option', name], {
        hint: 'A rollup has the options bytes_max, readers.',
      })
  const [readers, bytesMax] = [given.get('readers'), given.get('bytes_max')]
  return {
    readers: readers === undefined ? [] : readNames(String(readers)),
    bytesMax: bytesMax === undefined ? undefined : readBytesMax(String(bytesMax)),
  }
}

function notice(sqlstate: string, message: string): CommandNotice {
  return { severity: 'NOTICE', sqlstate, message }
}

function withoutPlace({ condition, message, detail, hint }: ServerError): ServerError {
  return new ServerError({ ...condition, message: '%s' }, [message], { detail, hint })
}

function command(
  tag: string,
  needs: OwnCommand['needs'],
  run: (context: CommandContext, views: ViewAccess) => Promise<Pick<CommandResult, 'rows' | 'notices'>>,
): OwnCommand {
  return {
    ...{ kind: 'command', tag, needs, columns, parameterCount: 0, parameterTypes: [], changes: true },
    async execute(context) {
      if (needs === 'admin') authorise(context.viewer, 'admin', tag, context.settings.current)
      const { views } = context
      if (views === undefined) throw new ServerError(conditions.featureNotSupported, [`${tag} in an admin database`])
      const { rows, notices = [] } = await run(context, views)
      return { tag, columns, rows, notices: [...notices, ...changeNotices(context)] }
    },
  }
}
