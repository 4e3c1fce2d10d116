// What the statements about backups and jobs need of the server around them.

import type { BackupService, Job, JobList } from '../../archive/index.ts'
import { conditions, ServerError } from '../../errors/index.ts'
import type { CommandContext, CommandNotice, OwnCommand, ResultColumn } from '../own-statement.ts'
import { authorise } from '../privileges.ts'

export interface ArchiveAccess {
  readonly backups: BackupService
  readonly jobs: JobList
  /** Aborts when the client cancels this statement, or goes away. */
  signal(): AbortSignal
  /** Tells the client something while its statement runs. */
  tell(notice: CommandNotice): void
}

/** How long a job may take before the statement that waits for it tells how far it is, and how often it does then. */
const firstWordMs = 1000
const nextWordMs = 10_000

/** A command over it, with its privilege asked first. */
export function archiveCommand(
  tag: string,
  columns: readonly ResultColumn[],
  needs: 'admin' | 'monitor',
  parameterCount: number,
  execute: OwnCommand['execute'],
  subject = tag,
): OwnCommand {
  return {
    kind: 'command',
    tag,
    subject,
    columns,
    needs,
    parameterCount,
    parameterTypes: Array.from({ length: parameterCount }, () => 25),
    changes: needs === 'admin',
    execute(context, parameters) {
      authorise(context.viewer, needs, subject, context.settings.current)
      return execute(context, parameters)
    },
  }
}

export function archiveOf(context: CommandContext): ArchiveAccess {
  if (context.archive === undefined) throw new ServerError(conditions.featureNotSupported, ['an archive here'])
  return context.archive
}

/** Waits for a job as a statement does: cancelling the statement cancels the job (SQL-23), and progress is told. */
export async function waitFor<T>(job: Job<T>, access: Pick<ArchiveAccess, 'signal' | 'tell'>): Promise<T> {
  const signal = access.signal()
  const cancel = (): void => job.cancel()
  if (signal.aborted) cancel()
  signal.addEventListener('abort', cancel)
  let timer = setTimeout(function tellProgress() {
    access.tell(progressNotice(job))
    timer = setTimeout(tellProgress, nextWordMs)
  }, firstWordMs)
  try {
    return await job.result
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', cancel)
  }
}

/** Its DETAIL is for programs, which find the job by it. */
function progressNotice({ id, row }: Job<unknown>): CommandNotice {
  const { description, fractionCompleted = 0, detail } = row
  const percent = Math.floor(fractionCompleted * 100)
  return {
    ...({ severity: 'NOTICE', sqlstate: '00000' } as const),
    message: `${description}: ${percent} % done`,
    detail: Object.entries({ job: id, ...detail })
      .map(([name, value]) => `${name}=${value}`)
      .join(';'),
  }
}
