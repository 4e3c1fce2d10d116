// A connection that says what no driver says, and the judgement of how the server took it.

import { connect, type Socket } from 'node:net'
import { errorFieldsOf, type Frame, startup } from '../../support/wire-client.ts'

/** How a server may take hostile bytes: it answers an error and goes on or closes, it closes, or it waits for more. */
export interface Reaction {
  /** SQLSTATEs of the errors that came, in order. */
  readonly errors: readonly string[]
  readonly closed: boolean
  /** Types of the frames that came after the start-up. */
  readonly types: string
  readonly bytes: Buffer
}

export interface Attack {
  readonly name: string
  /** Whether a proper start-up comes first. */
  readonly started: boolean
  /** Sent one after the other, each in a write of its own. */
  readonly writes: readonly Buffer[]
  /** Half-close after the last write, so that a server waiting for more learns that none comes. */
  readonly end?: boolean
}

export interface Target {
  readonly host: string
  readonly port: number
  /** A round trip of another session on the same server. */
  roundTrip(): Promise<unknown>
}

/** How long a reaction that must come is waited for. */
const patienceMs = 5000

/**
 * Carries it out and watches the reaction until `isEnough`; what must *not* come is waited for by round trips of another
 * session, which take the same ways.
 */
export async function attack(
  target: Target,
  it: Attack,
  isEnough: (reaction: Reaction) => boolean = () => true,
): Promise<Reaction> {
  const socket = target.host.startsWith('/') ? connect(target.host) : connect(target.port, target.host)
  socket.on('error', () => undefined)
  const received: Buffer[] = []
  let closed = false
  const whenClosed = new Promise<void>((resolve) =>
    socket.on('close', () => {
      closed = true
      resolve()
    }),
  )
  socket.on('data', (chunk: Buffer) => received.push(chunk))
  await new Promise((resolve) => socket.once('connect', resolve))
  let skip = 0
  if (it.started) {
    socket.write(startup({ user: 'postgres', database: 'postgres' }))
    await untilReady(socket, received)
    skip = Buffer.concat(received).length
  }
  for (const bytes of it.writes) {
    if (closed) break
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()))
  }
  if (it.end === true) socket.end()
  const reaction = (): Reaction => reactionTo(Buffer.concat(received).subarray(skip), closed)
  const deadline = performance.now() + patienceMs
  do {
    await Promise.race([whenClosed, quiet(received, target)])
  } while (!isEnough(reaction()) && performance.now() < deadline)
  socket.destroy()
  return reaction()
}

/** Resolves when nothing has come during some round trips: the server waits, which is a reaction too. */
async function quiet(received: readonly Buffer[], target: Target): Promise<void> {
  for (let count = -1; count !== received.length; ) {
    count = received.length
    for (let trips = 0; trips < 6; trips++) await target.roundTrip()
  }
}

function reactionTo(bytes: Buffer, closed: boolean): Reaction {
  const frames = framesOf(bytes)
  return {
    errors: frames.filter(({ type }) => type === 'E').map((frame) => errorFieldsOf(frame).get('C') ?? ''),
    closed,
    types: frames.map(({ type }) => type).join(''),
    bytes,
  }
}

function untilReady(socket: Socket, received: readonly Buffer[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (!framesOf(Buffer.concat(received)).some(({ type }) => type === 'Z')) return
      socket.off('data', look)
      resolve()
    }
    socket.on('data', look)
    socket.once('close', () => reject(new Error('the start-up failed')))
  })
}

/** As far as the bytes are frames. */
function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = []
  let at = 0
  while (at + 5 <= bytes.length) {
    const size = 1 + bytes.readInt32BE(at + 1)
    if (size < 5 || at + size > bytes.length) break
    frames.push({ type: String.fromCharCode(bytes[at] as number), bytes: bytes.subarray(at, at + size) })
    at += size
  }
  return frames
}
