// Makes a directory and what is missing above it.
//
// mkdir's own `recursive` tries for ever where a directory exists in which none can be made (/proc): to it, "no such file" always means
// that one above is missing.

import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** True if it was not there. Throws what the file system says. */
export async function makeDirectory(path: string, mode: number): Promise<boolean> {
  const above = dirname(path)
  // The one above may be made by somebody else between our attempt and our look at it, so what is missing then is tried once more.
  for (let isLast = false; ; isLast = await isDirectory(above)) {
    try {
      await mkdir(path, { mode })
      return true
    } catch (error) {
      if (await isDirectory(path)) return false
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === path || isLast) throw error
      if (!(await isDirectory(above))) await makeDirectory(above, mode)
    }
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}
