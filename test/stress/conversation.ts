// Conversations that are held with the origin and with Larder, and must be the same word for word.

import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { ConnectionClosed, errorFieldsOf, type Frame, query, type WireClient } from '../support/wire-client.ts'
import type { Arena } from './arena.ts'
import { group } from './arena.ts'

/** What the client says at once, and how often the server is ready afterwards. */
export type Turn = readonly [bytes: Buffer, readyCount: number]

/** A simple query. */
export function ask(sql: string): Turn {
  return [query(sql), 1]
}

/** A group of extended messages with its Sync. */
export function say(...messages: readonly Buffer[]): Turn {
  return [group(...messages), 1]
}

/** Messages of one packet, answered so many times. */
export function together(readyCount: number, ...messages: readonly Buffer[]): Turn {
  return [Buffer.concat(messages), readyCount]
}

/** Each way a session may come to a conversation: Larder knows its settings already, or not. */
const openings: readonly (string | undefined)[] = [undefined, 'select v from t where id = 1']

/**
 * Holds it with the origin, and then with Larder in four sessions one after the other: what the first finds unknown is known to the
 * next. The conversation must leave the world as it was.
 */
export async function expectAlike(arena: Arena, turns: readonly Turn[]): Promise<void> {
  const heard = new Map<string | undefined, string[][]>()
  for (const opening of openings) heard.set(opening, await hold(await arena.straight(), opening, turns))
  for (const round of ['first', 'second']) {
    for (const opening of openings) {
      const through = await hold(await arena.through(), opening, turns)
      expect(through, `${round} session that begins with ${opening}`).toEqual(heard.get(opening))
    }
  }
}

async function hold(session: WireClient, opening: string | undefined, turns: readonly Turn[]): Promise<string[][]> {
  if (opening !== undefined) await session.query(opening)
  const answers: string[][] = []
  // The last word shows what came unasked before it.
  for (const turn of [...turns, ask("select 'the last word'")]) answers.push(await answerTo(session, turn))
  session.destroy()
  return answers
}

/** Nobody takes that long to answer: what has come until then is all. */
const silenceMs = 10_000

async function answerTo(session: WireClient, [bytes, readyCount]: Turn): Promise<string[]> {
  const frames: Frame[] = []
  let seen = 0
  session.send(bytes)
  const answered = session.receive((frame) => {
    frames.push(frame)
    return frame.type === 'Z' && ++seen === readyCount
  })
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('silence'), silenceMs)
  })
  const end = await Promise.race([answered.then(() => '', endOf), silence])
  clearTimeout(timer)
  return end === '' ? frames.map(wordOf) : [...frames.map(wordOf), end]
}

function endOf(error: unknown): string {
  if (error instanceof ConnectionClosed) return 'closed'
  throw error
}

/** Where in its source the origin found an error: a statement that Larder must prepare there again fails one step earlier. */
const sourceFields = ['F', 'L', 'R']

/** A frame as a word that can be read and compared. */
export function wordOf(frame: Frame): string {
  const { type, bytes } = frame
  if (type === 'E' || type === 'N') {
    const fields = [...errorFieldsOf(frame)].filter(([field]) => !sourceFields.includes(field))
    return `${type} ${fields.flat().join(' ')}`
  }
  const text = JSON.stringify(bytes.toString('latin1', 5))
  if (text.length < 200) return `${type} ${text}`
  return `${type} ${text.slice(0, 60)} ${createHash('sha1').update(bytes).digest('hex')}`
}
