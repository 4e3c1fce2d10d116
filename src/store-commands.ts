// The commands that look at the second tier while no server has it open: larder check DIR, larder inspect DIR [PAGE].

import { nodeDisk } from './base/index.ts'
import { checkDirectory, inspectDirectory } from './cache/blob/index.ts'
import { StartupError } from './errors/index.ts'

/** Prints what is wrong, a line each, and returns the exit code: 0 if nothing is. */
export async function checkStore(args: readonly string[], print: (text: string) => void): Promise<number> {
  const [directory, ...more] = args
  if (directory === undefined || more.length > 0) throw usage('larder check DIRECTORY')
  const { findings, commit, records, pages } = await checkDirectory(nodeDisk, directory)
  for (const finding of findings) print(`${finding}\n`)
  const verdict =
    findings.length === 0 ? 'sound' : `${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}`
  print(`${directory}: commit ${commit}, ${records} records, ${pages} pages: ${verdict}\n`)
  return findings.length === 0 ? 0 : 1
}

export async function inspectStore(args: readonly string[], print: (text: string) => void): Promise<number> {
  const [directory, page, ...more] = args
  if (directory === undefined || more.length > 0 || !/^\d*$/.test(page ?? ''))
    throw usage('larder inspect DIRECTORY [PAGE]')
  print(await inspectDirectory(nodeDisk, directory, page === undefined ? undefined : Number(page)))
  return 0
}

function usage(line: string): StartupError {
  return new StartupError(`usage: ${line}`, 'DIRECTORY is the l2_path of a server that is not running.', {
    exitCode: 2,
  })
}
