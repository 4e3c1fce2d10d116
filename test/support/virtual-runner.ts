// Runs statements in a VirtualSession and gives their answers as frames.

import type { Viewer, VirtualOutcome, VirtualRequest, VirtualSession } from '../../src/virtual/index.ts'
import { viewerWith } from './virtual-sources.ts'
import { errorFieldsOf, type Frame, query, tagOf, valuesOf } from './wire-client.ts'

export interface Answer extends VirtualOutcome {
  readonly frames: readonly Frame[]
  /** Their types in order: `TDDC`. */
  readonly types: string
  readonly rows: readonly (string | null)[][]
  readonly tags: readonly string[]
  /** Fields of the first error. */
  readonly error: ReadonlyMap<string, string> | undefined
}

export interface RunOptions extends Partial<Omit<VirtualRequest, 'simple' | 'frames' | 'viewer'>> {
  readonly viewer?: Partial<Viewer>
}

/** Relations are read off the text: every `cache.name` in it. */
export function runSimple(session: VirtualSession, sql: string, options: RunOptions = {}): Promise<Answer> {
  return run(session, true, query(sql), { relations: relationsIn(sql), ...options })
}

/** Extended frames of one batch, without Sync. */
export function runBatch(
  session: VirtualSession,
  frames: readonly Buffer[],
  options: RunOptions = {},
): Promise<Answer> {
  const bytes = Buffer.concat(frames)
  return run(session, false, bytes, { relations: relationsIn(bytes.toString('latin1')), ...options })
}

async function run(session: VirtualSession, simple: boolean, frames: Buffer, options: RunOptions): Promise<Answer> {
  const chunks: Buffer[] = []
  const viewer = viewerWith(options.viewer)
  const request = { relations: [], settings: new Map<string, string>(), ...options, simple, frames, viewer }
  const outcome = await session.run(request, (bytes) => {
    chunks.push(Buffer.from(bytes))
  })
  return { ...outcome, ...read(Buffer.concat(chunks)) }
}

function read(bytes: Buffer): Omit<Answer, keyof VirtualOutcome> {
  const frames: Frame[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + bytes.readInt32BE(at + 1) + 1
    frames.push({ type: String.fromCharCode(bytes[at] as number), bytes: bytes.subarray(at, end) })
    at = end
  }
  const error = frames.find(({ type }) => type === 'E')
  return {
    frames,
    types: frames.map(({ type }) => type).join(''),
    rows: frames
      .filter(({ type }) => type === 'D')
      .map((frame) => valuesOf(frame).map((value) => value?.toString() ?? null)),
    tags: frames.filter(({ type }) => type === 'C').map(tagOf),
    error: error === undefined ? undefined : errorFieldsOf(error),
  }
}

function relationsIn(text: string): string[] {
  return [...text.matchAll(/\bcache\.(\w+)/g)].map((match) => match[1] as string)
}
