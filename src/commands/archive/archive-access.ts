// What the statements about backups and jobs need of the server around them.

import type { BackupService, JobList } from '../../archive/index.ts'
import { conditions, ServerError } from '../../errors/index.ts'
import type { CommandContext, OwnCommand, ResultColumn } from '../own-statement.ts'
import { authorise } from '../privileges.ts'

export interface ArchiveAccess {
  readonly backups: BackupService
  readonly jobs: JobList
  /** Aborts when the client cancels this statement, or goes away. */
  signal(): AbortSignal
}

/** A command over it, with its privilege asked first. */
export function archiveCommand(
  tag: string,
  columns: readonly ResultColumn[],
  needs: 'admin' | 'monitor',
  parameterCount: number,
  execute: OwnCommand['execute'],
): OwnCommand {
  return {
    kind: 'command',
    tag,
    columns,
    needs,
    parameterCount,
    parameterTypes: Array.from({ length: parameterCount }, () => 25),
    changes: needs === 'admin',
    execute(context, parameters) {
      authorise(context.viewer, needs, tag, context.settings.current)
      return execute(context, parameters)
    },
  }
}

export function archiveOf(context: CommandContext): ArchiveAccess {
  if (context.archive === undefined) throw new ServerError(conditions.featureNotSupported, ['an archive here'])
  return context.archive
}

/** Waits for a job as a statement does: cancelling the statement cancels the job (SQL-23). */
export async function waitFor<T>(
  job: { readonly result: Promise<T>; cancel(): void },
  signal: AbortSignal,
): Promise<T> {
  const cancel = (): void => job.cancel()
  if (signal.aborted) cancel()
  signal.addEventListener('abort', cancel)
  try {
    return await job.result
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}
