// CREATE, ALTER and DROP CACHE NAMESPACE.
//
//   namespace = CREATE CACHE NAMESPACE [ IF NOT EXISTS ] name [ opts ] | DROP CACHE NAMESPACE [ IF EXISTS ] list(name)
//             | ALTER CACHE NAMESPACE name ( SET "(" … ")" | RESET "(" … ")" | OWNER TO role )

import { conditions, ServerError } from '../../errors/index.ts'
import type { CommandContext, CommandNotice, CommandResult, OwnCommand, ResultColumn } from '../own-statement.ts'
import { authorise } from '../privileges.ts'
import type { StatementReader } from '../statement-reader.ts'
import { changeNotices } from '../transactions.ts'
import { type OptionValue, readOptionList, readWith } from '../with-options.ts'
import { refuseReserved, unknownNamespace } from './namespace-access.ts'

export const namespaceColumns: readonly ResultColumn[] = [
  { name: 'name', type: 'text' },
  { name: 'id', type: 'int8' },
  { name: 'generation', type: 'int8' },
  { name: 'entries', type: 'int8' },
]

type Options = Readonly<Record<string, OptionValue>>

/** Behind CREATE CACHE NAMESPACE. */
export function readCreateNamespace(reader: StatementReader): OwnCommand {
  const mayExist = reader.accept('IF', 'NOT', 'EXISTS')
  const name = reader.name()
  const options = Object.fromEntries(readWith(reader))
  reader.expectEnd()
  return command('CREATE CACHE', (context) => createNamespace(context, name, options, mayExist))
}

/** Behind ALTER CACHE NAMESPACE. */
export function readAlterNamespace(reader: StatementReader): OwnCommand {
  const name = reader.name()
  if (reader.accept('OWNER')) {
    reader.expect('TO')
    const owner = reader.name()
    reader.expectEnd()
    return command('ALTER CACHE', (context) => alterNamespace(context, name, { owner }))
  }
  const isReset = reader.accept('RESET')
  if (!isReset && !reader.accept('SET')) throw reader.syntaxError('SET', 'RESET', 'OWNER TO')
  const options = isReset ? readNames(reader) : Object.fromEntries(readOptionList(reader))
  reader.expectEnd()
  return command('ALTER CACHE', (context) => alterNamespace(context, name, { options }))
}

/** Behind DROP CACHE NAMESPACE. */
export function readDropNamespace(reader: StatementReader): OwnCommand {
  const mayBeMissing = reader.accept('IF', 'EXISTS')
  const names = reader.list(() => reader.name())
  reader.expectEnd()
  return command('DROP CACHE', (context) => dropNamespaces(context, names, mayBeMissing))
}

/** Options that go back to their defaults. */
function readNames(reader: StatementReader): Options {
  reader.expect('(')
  const names = reader.list(() => reader.identifier())
  reader.expect(')')
  return Object.fromEntries(names.map((name) => [name, null]))
}

function command(
  tag: string,
  run: (context: CommandContext) => Promise<Omit<CommandResult, 'tag' | 'columns'>>,
): OwnCommand {
  return {
    kind: 'command',
    tag,
    columns: namespaceColumns,
    needs: 'admin',
    parameterCount: 0,
    parameterTypes: [],
    changes: true,
    async execute(context) {
      authorise(context.viewer, 'admin', `${tag} NAMESPACE`, context.settings.current)
      return { tag, columns: namespaceColumns, ...(await run(context)) }
    },
  }
}

type Outcome = Pick<CommandResult, 'rows' | 'notices'>

export async function createNamespace(
  context: CommandContext,
  name: string,
  options: Options,
  mayExist: boolean,
): Promise<Outcome> {
  refuseReserved(name)
  const exists = context.blobs.namespace(name) !== undefined
  if (exists && !mayExist) throw new ServerError(conditions.duplicateObject, [`cache namespace "${name}"`])
  if (exists)
    return { rows: rowsOf(context, name), notices: [notice(`cache namespace "${name}" already exists, skipping`)] }
  await context.blobs.createNamespace(name, options, context.viewer.role)
  return { rows: rowsOf(context, name), notices: changeNotices(context) }
}

export async function alterNamespace(
  context: CommandContext,
  name: string,
  change: { readonly options?: Options; readonly owner?: string },
): Promise<Outcome> {
  refuseReserved(name)
  if (context.blobs.namespace(name) === undefined) throw unknownNamespace(name)
  await context.blobs.alterNamespace(name, change)
  return { rows: rowsOf(context, name), notices: changeNotices(context) }
}

/** All names are checked before the first is dropped. */
export async function dropNamespaces(
  context: CommandContext,
  names: readonly string[],
  mayBeMissing: boolean,
): Promise<Outcome> {
  const notices: CommandNotice[] = []
  const rows: (readonly unknown[])[] = []
  const known = [...new Set(names)].filter((name) => {
    refuseReserved(name)
    const exists = context.blobs.namespace(name) !== undefined
    if (!exists && !mayBeMissing) throw unknownNamespace(name)
    if (!exists) notices.push(notice(`cache namespace "${name}" does not exist, skipping`))
    return exists
  })
  for (const name of known) {
    rows.push(...rowsOf(context, name))
    await context.blobs.dropNamespace(name)
  }
  return { rows, notices: [...notices, ...changeNotices(context)] }
}

function rowsOf(context: CommandContext, name: string): (readonly unknown[])[] {
  const row = context.blobs.namespace(name)
  return row === undefined ? [] : [[row.name, row.id, row.generation, row.entries]]
}

function notice(message: string): CommandNotice {
  return { severity: 'NOTICE', sqlstate: '00000', message }
}
