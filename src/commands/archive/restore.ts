// RESTORE CACHE: brings a backup back, whole or not at all.
//
//   restore = RESTORE CACHE [ NAMESPACE list(name [ AS name ]) ] FROM ( LATEST | value ) IN value
//             [ WITH ( verify_only, detached, encryption_passphrase = value ) ]

import type { LoadWish } from '../../cache/blob/index.ts'
import type { CommandContext, CommandNotice, CommandResult, OwnCommand, ResultColumn } from '../own-statement.ts'
import type { StatementReader } from '../statement-reader.ts'
import { changeNotices } from '../transactions.ts'
import { textValue } from '../values.ts'
import { archiveCommand, archiveOf, waitFor } from './archive-access.ts'
import { readArchiveOptions } from './archive-options.ts'
import { readBackupName } from './backup-name.ts'

export const restoreColumns: readonly ResultColumn[] = [
  { name: 'id', type: 'text' },
  { name: 'url', type: 'text' },
  { name: 'state', type: 'text' },
  { name: 'namespaces', type: 'int8' },
  { name: 'entries', type: 'int8' },
  { name: 'left_out', type: 'int8' },
  { name: 'unproven', type: 'int8' },
  { name: 'bytes', type: 'int8' },
  { name: 'elapsed', type: 'interval' },
  { name: 'job', type: 'int8' },
]

interface RestoreWish {
  readonly url: string
  readonly id: string
  readonly namespaces: readonly LoadWish[] | undefined
  readonly passphrase: string | undefined
  readonly verifyOnly: boolean
  readonly detached: boolean
}

/** Behind RESTORE. */
export function readRestore(reader: StatementReader): OwnCommand {
  reader.expect('CACHE')
  const namespaces = reader.accept('NAMESPACE') ? reader.list(() => readLoadWish(reader)) : undefined
  reader.expect('FROM')
  const id = readBackupName(reader)
  reader.expect('IN')
  const url = reader.value()
  const options = readArchiveOptions(reader, ['verify_only', 'detached', 'encryption_passphrase'])
  reader.expectEnd()
  return archiveCommand('RESTORE', restoreColumns, 'admin', reader.parameterCount, (context, parameters) =>
    restore(
      context,
      {
        id: id(parameters),
        url: textValue(url, parameters) ?? '',
        namespaces,
        passphrase: options.passphrase(parameters),
        verifyOnly: options.flags.has('verify_only'),
        detached: options.flags.has('detached'),
      },
      'RESTORE',
    ),
  )
}

function readLoadWish(reader: StatementReader): LoadWish {
  const from = reader.name()
  return { from, as: reader.accept('AS') ? reader.name() : from }
}

export async function restore(context: CommandContext, wish: RestoreWish, tag: string): Promise<CommandResult> {
  const { detached, ...request } = wish
  const access = archiveOf(context)
  const { backups } = access
  const job = await backups.restore({ ...request, owner: context.viewer.role })
  const notices = changeNotices(context)
  if (detached) {
    const row = [null, wish.url, null, null, null, null, null, null, null, job.id]
    return { tag, columns: restoreColumns, notices, rows: [row] }
  }
  const { id, url, state, namespaces, entries, leftOut, unproven, bytes, elapsedMs, ...rest } = await waitFor(
    job,
    access,
  )
  const row = [id, url, state, namespaces, entries, leftOut, unproven, bytes, elapsedMs, job.id]
  return { tag, columns: restoreColumns, notices: [...notices, ...rest.notices.map(noticeOf)], rows: [row] }
}

function noticeOf(message: string): CommandNotice {
  return { severity: 'NOTICE', sqlstate: '00000', message }
}
