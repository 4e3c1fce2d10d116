// BACKUP CACHE: writes what the second tier holds to a folder, to S3 or to a web server.
//
//   backup = BACKUP CACHE [ NAMESPACE list(name) ] [ ( INTO | TO ) value ] [ WITH ( detached, encryption_passphrase = value ) ]

import { comesLater } from '../later.ts'
import type { CommandContext, CommandResult, OwnCommand, ResultColumn } from '../own-statement.ts'
import type { StatementReader } from '../statement-reader.ts'
import { changeNotices } from '../transactions.ts'
import { textValue } from '../values.ts'
import { archiveCommand, archiveOf, waitFor } from './archive-access.ts'
import { readArchiveOptions } from './archive-options.ts'

export const backupColumns: readonly ResultColumn[] = [
  { name: 'id', type: 'text' },
  { name: 'url', type: 'text' },
  { name: 'files', type: 'int8' },
  { name: 'entries', type: 'int8' },
  { name: 'bytes', type: 'int8' },
  { name: 'stored_bytes', type: 'int8' },
  { name: 'elapsed', type: 'interval' },
  { name: 'job', type: 'int8' },
]

interface BackupWish {
  /** Undefined: what the setting backup_url says. */
  readonly url: string | undefined
  readonly namespaces: readonly string[] | undefined
  readonly passphrase: string | undefined
  readonly detached: boolean
}

/** Behind BACKUP. */
export function readBackup(reader: StatementReader): OwnCommand {
  reader.expect('CACHE')
  const namespaces = reader.accept('NAMESPACE') ? reader.list(() => reader.name()) : undefined
  const hasTarget = reader.accept('INTO') || reader.accept('TO')
  if (hasTarget && reader.peek() === 'LATEST') throw comesLater('BACKUP CACHE INTO LATEST')
  const target = hasTarget ? reader.value() : undefined
  const options = readArchiveOptions(reader, ['detached', 'encryption_passphrase'])
  reader.expectEnd()
  return archiveCommand('BACKUP', backupColumns, 'admin', reader.parameterCount, (context, parameters) =>
    backup(
      context,
      {
        namespaces,
        url: target === undefined ? undefined : (textValue(target, parameters) ?? ''),
        passphrase: options.passphrase(parameters),
        detached: options.flags.has('detached'),
      },
      'BACKUP',
    ),
  )
}

export async function backup(
  context: CommandContext,
  { url, namespaces, passphrase, detached }: BackupWish,
  tag: string,
): Promise<CommandResult> {
  const access = archiveOf(context)
  const { backups } = access
  const job = await backups.backup({ url, namespaces, passphrase, owner: context.viewer.role })
  const notices = changeNotices(context)
  if (detached) {
    const [shown] = backups.rows().filter((row) => row.job === job.id)
    return { tag, columns: backupColumns, notices, rows: [[null, shown?.url, null, null, null, null, null, job.id]] }
  }
  const done = await waitFor(job, access)
  const { id, files, entries, bytes, storedBytes, elapsedMs } = done
  return {
    tag,
    columns: backupColumns,
    notices,
    rows: [[id, done.url, files, entries, bytes, storedBytes, elapsedMs, job.id]],
  }
}
