// What can go wrong with an archive, as the errors a client sees.

import { conditions, ServerError } from '../errors/index.ts'
import { TransferError } from './retry.ts'

/** `doing` completes "could not …". What is an error for a client already, or a cancellation, stays what it is. */
export function archiveFailure(error: unknown, doing: string, signal?: AbortSignal): unknown {
  if (signal?.aborted === true) return signal.reason
  if (error instanceof ServerError) return error
  if (error instanceof TransferError) {
    return new ServerError(conditions.ioError, [doing, error.message], { cause: error })
  }
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ServerError(conditions.archiveFull, [doing], { cause: error, hint: 'Free some space and try again.' })
  }
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) {
    return new ServerError(conditions.ioError, [doing, code], { cause: error })
  }
  return error
}

/** Runs it with its failures as errors for a client. */
export async function asServerErrors<T>(
  doing: string,
  signal: AbortSignal | undefined,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw archiveFailure(error, doing, signal)
  }
}

export function damaged(id: string, what: string): ServerError {
  return new ServerError(conditions.backupDamaged, [id, what], {
    hint: 'Use another backup; SHOW BACKUPS lists those there are.',
  })
}

export function noBackup(id: string | undefined, url: string): ServerError {
  const what = id === undefined ? `a backup in "${url}"` : `backup "${id}" in "${url}"`
  return new ServerError(conditions.undefinedObject, [what])
}

export function wrongPassphrase(id: string, hint: string): ServerError {
  return new ServerError(conditions.wrongPassphrase, [id], { hint })
}

export function newerFormat(id: string, what: string): ServerError {
  return new ServerError(conditions.featureNotSupported, [`${what} of backup "${id}"`], {
    hint: 'A later version of Larder wrote it; restore it with that version.',
  })
}
