// SHOW BACKUPS, SHOW BACKUP and DROP BACKUP: what lies in a collection.
//
//   backups = SHOW BACKUPS IN value filter | SHOW BACKUP [ FILES ] [ FROM ] ( LATEST | value ) IN value
//             [ WITH ( check_files, encryption_passphrase = value ) ] | DROP BACKUP value IN value

import { quoteIdentifier } from '../../virtual/index.ts'
import type {
  CommandContext,
  CommandResult,
  OwnCommand,
  OwnSelect,
  OwnStatement,
  ResultColumn,
} from '../own-statement.ts'
import { readFilter, valueSql } from '../show.ts'
import type { StatementReader, Value } from '../statement-reader.ts'
import { changeNotices } from '../transactions.ts'
import { textValue } from '../values.ts'
import { archiveCommand, archiveOf } from './archive-access.ts'
import { readArchiveOptions } from './archive-options.ts'
import { readBackupName } from './backup-name.ts'

export const backupsColumns: readonly ResultColumn[] = [
  { name: 'id', type: 'text' },
  { name: 'latest', type: 'bool' },
  { name: 'created_at', type: 'timestamptz' },
  { name: 'namespaces', type: 'text[]' },
  { name: 'entries', type: 'int8' },
  { name: 'bytes', type: 'int8' },
  { name: 'stored_bytes', type: 'int8' },
  { name: 'server_version', type: 'text' },
  { name: 'store_id', type: 'text' },
  { name: 'encrypted', type: 'bool' },
]

const namespacesColumns: readonly ResultColumn[] = [
  { name: 'namespace', type: 'text' },
  { name: 'generation', type: 'int8' },
  { name: 'entries', type: 'int8' },
  { name: 'bytes', type: 'int8' },
]

export const filesColumns: readonly ResultColumn[] = [
  { name: 'path', type: 'text' },
  { name: 'bytes', type: 'int8' },
  { name: 'sha256', type: 'text' },
  { name: 'segments', type: 'int8' },
  { name: 'state', type: 'text' },
]

export const droppedColumns: readonly ResultColumn[] = [
  { name: 'id', type: 'text' },
  { name: 'files', type: 'int8' },
  { name: 'bytes', type: 'int8' },
]

/** Behind SHOW BACKUPS. */
export function readShowBackups(reader: StatementReader): OwnStatement {
  reader.expect('IN')
  const url = reader.value()
  if (!reader.isAtEnd) return filteredBackups(reader, url)
  return archiveCommand(
    'SHOW',
    backupsColumns,
    'monitor',
    reader.parameterCount,
    (context, parameters) => showBackups(context, textValue(url, parameters) ?? '', 'SHOW'),
    'SHOW BACKUPS',
  )
}

/** With a filter it is a SELECT over the function. */
function filteredBackups(reader: StatementReader, url: Value): OwnSelect {
  const source = `${quoteIdentifier(reader.schemaName)}.show_backups(${valueSql(url)})`
  const filter = readFilter(reader, 'id')
  return {
    kind: 'select',
    tag: 'SHOW',
    subject: 'SHOW BACKUPS',
    text: `SELECT * FROM ${source} AS shown${filter}`,
    relations: [],
    isOverFunctions: true,
    needs: 'monitor',
    parameterCount: reader.parameterCount,
  }
}

export async function showBackups(context: CommandContext, url: string, tag: string): Promise<CommandResult> {
  const { backups, signal } = archiveOf(context)
  const list = await backups.list(url, signal())
  const rows = list.backups.map((backup) => {
    const { id, latest, createdAt, namespaces, entries, bytes, storedBytes, serverVersion, store, encrypted } = backup
    const names = namespaces.map(({ name }) => name)
    return [id, latest, Date.parse(createdAt), names, entries, bytes, storedBytes, serverVersion, store.id, encrypted]
  })
  const notices = list.unreadable.map(({ id, reason }) => ({
    ...({ severity: 'WARNING', sqlstate: '01000' } as const),
    message: `backup "${id}" cannot be read: ${reason}`,
  }))
  return { tag, columns: backupsColumns, rows, notices }
}

/** Behind SHOW BACKUP. */
export function readShowBackup(reader: StatementReader): OwnCommand {
  const files = reader.accept('FILES')
  reader.accept('FROM')
  const id = readBackupName(reader)
  reader.expect('IN')
  const url = reader.value()
  const options = readArchiveOptions(reader, ['check_files', 'encryption_passphrase'])
  reader.expectEnd()
  const columns = files ? filesColumns : namespacesColumns
  return archiveCommand(
    'SHOW',
    columns,
    'monitor',
    reader.parameterCount,
    (context, parameters) => {
      const passphrase = options.passphrase(parameters)
      const wish = { files, checkFiles: options.flags.has('check_files'), passphrase }
      return showBackup(context, textValue(url, parameters) ?? '', id(parameters), wish, 'SHOW')
    },
    'SHOW BACKUP',
  )
}

export async function showBackup(
  context: CommandContext,
  url: string,
  id: string,
  wish: { readonly files: boolean; readonly checkFiles: boolean; readonly passphrase: string | undefined },
  tag: string,
): Promise<CommandResult> {
  const { backups, signal } = archiveOf(context)
  const { summary, files } = await backups.show(url, id, wish, signal())
  if (wish.files) {
    const rows = files.map(({ path, bytes, sha256, segments, state }) => [path, bytes, sha256, segments, state])
    return { tag, columns: filesColumns, rows }
  }
  const rows = summary.namespaces.map(({ name, generation, entries, bytes }) => [name, generation, entries, bytes])
  return { tag, columns: namespacesColumns, rows }
}

/** Behind DROP BACKUP. */
export function readDropBackup(reader: StatementReader): OwnCommand {
  const id = reader.value()
  reader.expect('IN')
  const url = reader.value()
  reader.expectEnd()
  return archiveCommand('DROP BACKUP', droppedColumns, 'admin', reader.parameterCount, (context, parameters) =>
    dropBackup(context, textValue(url, parameters) ?? '', textValue(id, parameters) ?? '', 'DROP BACKUP'),
  )
}

export async function dropBackup(
  context: CommandContext,
  url: string,
  id: string,
  tag: string,
): Promise<CommandResult> {
  const { backups, signal } = archiveOf(context)
  const dropped = await backups.drop(url, id, signal())
  const rows = [[dropped.id, dropped.files, dropped.bytes]]
  return { tag, columns: droppedColumns, rows, notices: changeNotices(context) }
}
