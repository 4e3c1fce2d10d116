// backup(), restore() and their like: the statements for those who only know SELECT and parameters (SQL-1).

import type { FunctionDefinition } from '../function-definition.ts'
import { Parameters } from '../parameters.ts'
import { authorise } from '../privileges.ts'
import { optionsOfJson } from './archive-options.ts'
import { backup, backupColumns } from './backup.ts'
import { backupsColumns, dropBackup, droppedColumns, filesColumns, showBackup, showBackups } from './backups.ts'
import { cancelJob, jobColumns } from './jobs.ts'
import { restore, restoreColumns } from './restore.ts'

const none = Parameters.none

export const archiveFunctions: Readonly<Record<string, FunctionDefinition>> = {
  backup: {
    parameters: [
      ['url', 'text'],
      ['namespaces', 'text[]'],
      ['options', 'jsonb'],
    ],
    ...{ required: 0, columns: backupColumns, isScalar: false, needs: 'admin', changes: true },
    run(context, args, tag) {
      const options = optionsOfJson(args.json('options'), ['detached', 'encryption_passphrase'])
      const wish = {
        url: args.text('url') ?? undefined,
        namespaces: args.listOrNull('namespaces') ?? undefined,
        passphrase: options.passphrase(none),
        detached: options.flags.has('detached'),
      }
      return backup(context, wish, tag)
    },
  },
  restore: {
    parameters: [
      ['url', 'text'],
      ['id', 'text'],
      ['namespaces', 'text[]'],
      ['options', 'jsonb'],
    ],
    ...{ required: 1, columns: restoreColumns, isScalar: false, needs: 'admin', changes: true },
    run(context, args, tag) {
      const options = optionsOfJson(args.json('options'), ['verify_only', 'detached', 'encryption_passphrase'])
      const wish = {
        url: args.text('url') ?? '',
        id: args.text('id') ?? 'LATEST',
        namespaces: args.listOrNull('namespaces')?.map((name) => ({ from: name, as: name })),
        passphrase: options.passphrase(none),
        verifyOnly: options.flags.has('verify_only'),
        detached: options.flags.has('detached'),
      }
      return restore(context, wish, tag)
    },
  },
  show_backups: {
    parameters: [['url', 'text']],
    ...{ required: 1, columns: backupsColumns, isScalar: false, needs: 'monitor', changes: false },
    run: (context, args, tag) => showBackups(context, args.text('url') ?? '', tag),
  },
  show_backup: {
    parameters: [
      ['url', 'text'],
      ['id', 'text'],
      ['options', 'jsonb'],
    ],
    ...{ required: 1, columns: filesColumns, isScalar: false, needs: 'monitor', changes: false },
    run(context, args, tag) {
      const options = optionsOfJson(args.json('options'), ['check_files', 'encryption_passphrase'])
      const wish = { files: true, checkFiles: options.flags.has('check_files'), passphrase: options.passphrase(none) }
      return showBackup(context, args.text('url') ?? '', args.text('id') ?? 'LATEST', wish, tag)
    },
  },
  drop_backup: {
    parameters: [
      ['url', 'text'],
      ['id', 'text'],
    ],
    ...{ required: 2, columns: droppedColumns, isScalar: false, needs: 'admin', changes: true },
    run: (context, args, tag) => dropBackup(context, args.text('url') ?? '', args.text('id') ?? '', tag),
  },
  cancel_job: {
    parameters: [['id', 'bigint']],
    ...{ required: 1, columns: jobColumns, isScalar: false, needs: 'monitor', changes: false },
    run(context, args, tag) {
      authorise(context.viewer, 'monitor', tag, context.settings.current)
      return cancelJob(context, args.integer('id') ?? 0, tag)
    },
  },
}
