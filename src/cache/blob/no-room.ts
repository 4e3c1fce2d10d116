// A change that was refused since the disk is full, or the file as large as it may be: of it nothing was done.

import { conditions, ServerError } from '../../errors/index.ts'

export function isNoRoom(error: unknown): boolean {
  return error instanceof ServerError && error.condition === conditions.diskFull
}
