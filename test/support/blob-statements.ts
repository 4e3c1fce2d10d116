// Statements over cache.blobs, read by the real grammar and executed on a given context.

import {
  type CommandContext,
  type CommandResult,
  type OwnCommand,
  Parameters,
  readBlobStatement,
} from '../../src/commands/index.ts'
import { analyse, openParser } from '../../src/sql/index.ts'

const parser = await openParser()

/** Undefined if it is for the system database. */
export function readBlobs(text: string): OwnCommand | undefined {
  const statement = analyse(parser, text, { virtualSchema: 'cache' })
  const { tree, failure } = parser.parse(text)
  if (tree === undefined) throw new Error(`${failure.message} in: ${text}`)
  return readBlobStatement(text, tree, statement, 'cache')
}

export type Given = string | Buffer | null

/** Texts are given in text format, buffers in binary, with no type declared for either. */
export async function runBlobs(
  text: string,
  context: CommandContext,
  given: readonly Given[] = [],
): Promise<CommandResult> {
  const command = readBlobs(text)
  if (command === undefined) throw new Error(`not read as a statement over blobs: ${text}`)
  const raw = given.map((value) =>
    value === null ? undefined : { bytes: Buffer.from(value as string), isBinary: Buffer.isBuffer(value) },
  )
  return command.execute(context, new Parameters(raw, [], command.parameterTypes))
}
