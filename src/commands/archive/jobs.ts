// SHOW JOBS, SHOW JOB and CANCEL JOB: long work of the server.
//
//   jobs = SHOW JOBS filter | SHOW JOBS WHEN COMPLETE list(value) | SHOW JOB value | CANCEL JOB value
//
// SHOW JOBS is SHOW CACHE JOBS; the others wait for a job, or look at one, and need no relation.

import { conditions, ServerError } from '../../errors/index.ts'
import type { CommandContext, CommandResult, OwnCommand, ResultColumn } from '../own-statement.ts'
import type { Parameters } from '../parameters.ts'
import type { StatementReader, Value } from '../statement-reader.ts'
import { textValue } from '../values.ts'
import { type ArchiveAccess, archiveCommand, archiveOf } from './archive-access.ts'

export const jobColumns: readonly ResultColumn[] = [
  { name: 'id', type: 'int8' },
  { name: 'kind', type: 'text' },
  { name: 'description', type: 'text' },
  { name: 'owner', type: 'text' },
  { name: 'state', type: 'text' },
  { name: 'fraction_completed', type: 'float8' },
  { name: 'detail', type: 'jsonb' },
  { name: 'created_at', type: 'timestamptz' },
  { name: 'started_at', type: 'timestamptz' },
  { name: 'finished_at', type: 'timestamptz' },
  { name: 'error', type: 'text' },
]

type JobRow = ReturnType<ArchiveAccess['jobs']['rows']>[number]

/** Behind SHOW JOBS WHEN COMPLETE. */
export function readJobsWhenComplete(reader: StatementReader): OwnCommand {
  const ids = reader.list(() => reader.value())
  reader.expectEnd()
  return archiveCommand(
    'SHOW',
    jobColumns,
    'monitor',
    reader.parameterCount,
    async (context, parameters) => {
      const { jobs, signal } = archiveOf(context)
      const numbers = ids.map((id) => numberOf(id, parameters))
      const rows = numbers.map((id) => jobs.whenComplete(id))
      return {
        tag: 'SHOW',
        columns: jobColumns,
        rows: (await unlessCancelled(Promise.all(rows), signal())).map(valuesOf),
      }
    },
    'SHOW JOBS',
  )
}

/** Behind SHOW JOB. */
export function readShowJob(reader: StatementReader): OwnCommand {
  const id = reader.value()
  reader.expectEnd()
  return archiveCommand(
    'SHOW',
    jobColumns,
    'monitor',
    reader.parameterCount,
    (context, parameters) => {
      const { row } = archiveOf(context).jobs.find(numberOf(id, parameters))
      return { tag: 'SHOW', columns: jobColumns, rows: [valuesOf(row)] }
    },
    'SHOW JOB',
  )
}

/** Behind CANCEL JOB. The owner may, and an admin. */
export function readCancelJob(reader: StatementReader): OwnCommand {
  const id = reader.value()
  reader.expectEnd()
  return archiveCommand('CANCEL JOB', jobColumns, 'monitor', reader.parameterCount, (context, parameters) =>
    cancelJob(context, numberOf(id, parameters), 'CANCEL JOB'),
  )
}

export async function cancelJob(context: CommandContext, id: number, tag: string): Promise<CommandResult> {
  const { jobs } = archiveOf(context)
  const { owner } = jobs.find(id).row
  if (!context.viewer.isAdmin && context.viewer.role !== owner) {
    throw new ServerError(conditions.insufficientPrivilege, [`job ${id}`], {
      hint: `It is of role "${owner}".`,
    })
  }
  return { tag, columns: jobColumns, rows: [valuesOf(await jobs.cancel(id))] }
}

/** Stops waiting when the statement is cancelled; the jobs go on. */
function unlessCancelled<T>(waiting: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new ServerError(conditions.queryCanceled, ['user request']))
    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop, { once: true })
    waiting.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

function numberOf(value: Value, parameters: Parameters): number {
  const text = textValue(value, parameters) ?? 'NULL'
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new ServerError(conditions.invalidTextRepresentation, ['bigint', text])
}

function valuesOf(row: JobRow): readonly unknown[] {
  const { id, kind, description, owner, state, fractionCompleted, detail, error } = row
  const times = [row.createdAtMs, row.startedAtMs, row.finishedAtMs]
  return [id, kind, description, owner, state, fractionCompleted, detail, ...times, error]
}
