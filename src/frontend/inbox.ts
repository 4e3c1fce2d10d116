// What the client has sent: cut into messages and groups, one at a time, and held while something else must come first.
//
// Invariants
//   1. A message is looked at only when it is all there; one too long to be held is passed on in pieces, unread, unless it may be
//      for us (long-messages.ts).
//   2. While the session is busy nothing is looked at, but for what belongs to a long message or a COPY under way.

import { frontend, isFrontendType } from '../wire/index.ts'
import { readStep, type Step } from './batch.ts'
import type { ConvertedCopy } from './converted-copy.ts'
import { derail, dispatchQuery } from './dispatch.ts'
import { dispatchGroup } from './dispatch-group.ts'
import { failCopy } from './ending.ts'
import { takeStoredAnswer } from './fast-path.ts'
import { HeldBytes } from './held-bytes.ts'
import { judgeLongMessage, LongText, tooLong } from './long-messages.ts'
import { waitsForCopy } from './open-group.ts'
import { OwnCopies } from './own-copies.ts'
import { firstPart, isAnyOurs } from './own-share.ts'
import { endsWithoutSync, type Group, missedBy } from './request.ts'
import type { Session } from './session.ts'

/** Client bytes kept while a slow path runs, before the client is made to wait. */
const heldBytesMax = 256 * 1024
/** A message group held back for its Sync; a longer one is passed on as it comes, unread. */
const groupBytesMax = 1024 * 1024
/** Bytes waiting for a slow reader before the other side is paused. */
const backlogBytesMax = 1024 * 1024

export class Inbox {
  readonly #session: Session
  readonly #held = new HeldBytes()
  /** So many bytes must be held before it is worth looking at them. */
  #wantedBytes = 0
  #bulkBytes = 0
  /** Bytes to come of a message that is refused, or ignored. */
  #discardedBytes = 0
  readonly #longText: LongText
  readonly ownCopies = new OwnCopies()
  /** The COPY's data has ended, its group has not. */
  #copyTail = false
  #clientPaused = false

  constructor(session: Session) {
    this.#session = session
    this.#longText = new LongText(session)
  }

  /** The origin has got a part of a message, or of a group, and waits for the rest. */
  get isHalfSaid(): boolean {
    return this.#bulkBytes > 0 || this.#copyTail
  }

  /** Goes on with what the client sent meanwhile. */
  resume(): void {
    const held = this.#held.take()
    if (this.#clientPaused) this.resumeClient()
    if (held !== undefined) this.#process(held, held.length)
    else this.#session.output.flush()
  }

  /** The origin has answered the COPY: whatever was left of its group is over. */
  copyEnded(): void {
    this.#copyTail = false
  }

  /** The data of a COPY into a relation of ours, also what came before it was asked for. */
  collectCopy(): Promise<Buffer> {
    const data = this.ownCopies.open()
    this.resume()
    return data
  }

  receive(chunk: Buffer, length: number): void {
    if (this.#session.ended || this.#session.closing) return
    this.#session.services.counters.client_bytes_in += length
    if (!this.#mayLook()) {
      this.#hold(chunk, 0, length)
      return
    }
    if (this.#held.length === 0) {
      this.#process(chunk, length)
      return
    }
    this.#held.append(chunk, 0, length)
    if (this.#held.length < this.#wantedBytes) return
    const held = this.#held.take() as Buffer
    this.#process(held, held.length)
  }

  /** A slow path looks at nothing, but what belongs to a message or a COPY under way must get through. */
  #mayLook(): boolean {
    const { busy, copying, derailed } = this.#session
    return !busy || copying !== undefined || derailed || this.#bulkBytes > 0 || this.#copyTail || this.ownCopies.isOpen
  }

  #process(bytes: Buffer, end: number): void {
    const { clock } = this.#session.services
    this.#session.nowMs = clock.nowMs()
    this.#session.chunkUs = clock.monotonicUs()
    this.#wantedBytes = 0
    let at = 0
    while (at < end && !this.#session.ended && !this.#session.closing && this.#mayLook()) {
      const next = this.#message(bytes, at, end)
      if (next === -1) break
      at = next
    }
    if (this.#session.ended) return
    if (at < end) this.#hold(bytes, at, end)
    this.#session.output.flush()
    if (this.#session.output.backlogBytes > backlogBytesMax || this.#session.link.backlogBytes > backlogBytesMax)
      this.#pauseClient()
  }

  /** Takes one message, or one group of extended messages; the new position, or -1 if more bytes (or time) are needed. */
  #message(bytes: Buffer, at: number, end: number): number {
    if (this.#bulkBytes > 0) {
      const stop = Math.min(end, at + this.#bulkBytes)
      this.#bulkBytes -= stop - at
      this.#session.link.send(bytes.subarray(at, stop))
      return stop
    }
    if (this.#discardedBytes > 0) {
      const stop = Math.min(end, at + this.#discardedBytes)
      this.#discardedBytes -= stop - at
      return stop
    }
    if (end - at < 5) return -1
    const type = bytes[at] as number
    const length = bytes.readInt32BE(at + 1)
    if (!isFrontendType(type)) {
      this.#session.violation(`invalid frontend message type ${type}`)
      return end
    }
    if (length < 4 || length > 0x3fff_ffff) {
      this.#session.violation('invalid message length')
      return end
    }
    const frameEnd = at + 1 + length
    if (this.ownCopies.isOpen && type !== frontend.terminate) {
      const isTaken = this.ownCopies.take(type, bytes.subarray(at, Math.min(frameEnd, end)), frameEnd - at)
      if (isTaken) this.#discardedBytes = Math.max(0, frameEnd - end)
      else this.#wantedBytes = frameEnd - at
      return isTaken ? Math.min(frameEnd, end) : -1
    }
    if (this.#session.derailed) return this.#passRaw(type, bytes, at, Math.min(frameEnd, end), frameEnd)
    if (this.#copyTail) {
      // The Sync before the data was the COPY's; the one behind it ends the group.
      if (type !== frontend.sync) return this.#derail(type, bytes, at, Math.min(frameEnd, end), frameEnd)
      if (frameEnd > end) return -1
      this.#copyTail = false
      this.#session.open = undefined
      this.#session.link.send(bytes.subarray(at, frameEnd))
      return frameEnd
    }
    if (this.#session.copying !== undefined) return this.#copyData(type, bytes, at, Math.min(frameEnd, end), frameEnd)
    if (frameEnd > end) return length > groupBytesMax ? this.#long(bytes, at, end, frameEnd) : -1
    switch (type) {
      case frontend.query:
        if (length > groupBytesMax) return this.#longQuery(bytes, at, frameEnd)
        if (bytes[frameEnd - 1] !== 0) {
          this.#session.violation('invalid string in message')
          return end
        }
        return dispatchQuery(this.#session, bytes, at, frameEnd) ? frameEnd : -1
      case frontend.terminate:
        this.#session.leave()
        return end
      case frontend.copyData:
      case frontend.copyDone:
      case frontend.copyFail:
        if (this.#session.open !== undefined) return this.#derail(type, bytes, at, frameEnd, frameEnd)
        // Ahead of the word that a COPY has begun; or left over from one that failed: PostgreSQL ignores them too.
        if (!this.#session.quiet) this.#session.waitForQuiet()
        return this.#session.quiet ? frameEnd : -1
      case frontend.password:
        this.#session.violation('invalid frontend message type 112')
        return end
      default: {
        const taken = this.#session.cancelPending ? 0 : takeStoredAnswer(this.#session, bytes, at, end)
        return taken === 0 ? this.#group(bytes, at, end) : taken
      }
    }
  }

  /** Extended messages up to Sync or Flush (or a function call, which is a group of its own). */
  #group(bytes: Buffer, at: number, end: number): number {
    const steps: Step[] = []
    let unread = false
    let count = 0
    let here = at
    let longBytes = 0
    const part = (): Group => {
      const missed = unread ? ('anything' as const) : undefined
      return {
        steps,
        unread,
        missed,
        answerCount: count,
        bytes,
        start: at,
        end: here,
        bodyEnd: here,
        last: frontend.flush,
      }
    }
    while (end - here >= 5) {
      const type = bytes[here] as number
      const length = bytes.readInt32BE(here + 1)
      if (length < 4 || length > 0x3fff_ffff || !isFrontendType(type)) break
      const frameEnd = here + 1 + length
      const isLong = length > groupBytesMax
      // What comes before a long message is sent first: only then is it known what the message is about.
      if (here > at && isLong && (frameEnd > end || type === frontend.parse)) return this.#part(part())
      if (frameEnd > end) {
        if (here > at && frameEnd - at - longBytes > groupBytesMax) return this.#part(part())
        this.#wantedBytes = frameEnd - at
        return -1
      }
      if ((type === frontend.sync || type === frontend.flush) && length !== 4) {
        this.#session.violation('invalid message format')
        return end
      }
      if (here > at && endsWithoutSync.has(type)) {
        // Without a Sync before it: let the origin sort it out, as it would.
        return this.#part(part())
      }
      if (type === frontend.functionCall && this.#session.open !== undefined && !this.#session.skipping)
        return this.#derail(type, bytes, here, frameEnd, frameEnd)
      if (type === frontend.sync || type === frontend.flush || type === frontend.functionCall) {
        const missed = unread ? ('anything' as const) : undefined
        return this.#dispatch({ steps, unread, missed, bytes, start: at, end: frameEnd, bodyEnd: here, last: type })
      }
      if (isLong) {
        longBytes += length
        const ours = type !== frontend.parse || this.#longText.isParseOurs(bytes, here, frameEnd)
        if (ours === undefined) return -1
        if (!ours) return this.#bulk(bytes, at, frameEnd, frameEnd)
      }
      const step = readStep(bytes, here, frameEnd)
      if (step === undefined) unread = true
      else steps.push(step)
      count++
      here = frameEnd
    }
    return here - at - longBytes > groupBytesMax ? this.#part(part()) : -1
  }

  /** Part of a group whose end is not in sight. Where it is the origin's, nothing about what it runs is known, so everything is assumed. */
  #part(part: Group): number {
    return this.#dispatch({ ...part, unread: part.unread || !isAnyOurs(this.#session, part.steps) })
  }

  /** Sends a group its way, or as much of it as goes one way; the new position, or -1 if it must wait. */
  #dispatch(group: Group): number {
    const part = firstPart(this.#session, group)
    return part !== undefined && dispatchGroup(this.#session, part) ? part.end : -1
  }

  /** A message that is not all there, and too long to be held without a reason. */
  #long(bytes: Buffer, at: number, end: number, frameEnd: number): number {
    if (this.#session.skipping) {
      this.#discardedBytes = frameEnd - at
      return at
    }
    const judged = judgeLongMessage(this.#session, bytes, at, end, frameEnd)
    if (judged === 'pass') return this.#bulk(bytes, at, end, frameEnd)
    if (judged === 'refuse') return this.#refuseLong(bytes, at, frameEnd)
    this.#wantedBytes = judged
    return -1
  }

  #refuseLong(bytes: Buffer, at: number, frameEnd: number): number {
    const session = this.#session
    if (!session.quiet && session.open === undefined) {
      session.waitForQuiet()
      return -1
    }
    if (waitsForCopy(session)) return -1
    this.#discardedBytes = frameEnd - at
    session.services.own.refuse(session, tooLong(frameEnd - at), bytes[at] === frontend.query)
    return at
  }

  /** A long text that is all there, because it may be ours. The origin's goes as if nobody had read it. */
  #longQuery(bytes: Buffer, at: number, frameEnd: number): number {
    const ours = this.#longText.isQueryOurs(bytes, at, frameEnd)
    if (ours === undefined) return -1
    if (!ours) return this.#bulk(bytes, at, frameEnd, frameEnd)
    const taken = dispatchQuery(this.#session, bytes, at, frameEnd, this.#longText.take())
    return taken ? frameEnd : -1
  }

  /** A message too long to be looked at: passed on in pieces. */
  #bulk(bytes: Buffer, at: number, end: number, frameEnd: number): number {
    const type = bytes[at] as number
    const isWhole = type === frontend.query || type === frontend.functionCall
    if (isWhole && this.#session.open !== undefined && !this.#session.skipping)
      return this.#derail(type, bytes, at, end, frameEnd)
    const last = isWhole ? type : frontend.flush
    if (type !== frontend.copyData) {
      const missed = missedBy.get(type) ?? 'anything'
      const group = { steps: [], unread: true, missed, bytes, start: at, end, bodyEnd: end, last, answerCount: 1 }
      if (!dispatchGroup(this.#session, group)) return -1
      this.#bulkBytes = frameEnd - end
    } else this.#bulkBytes = 0
    return end
  }

  /** Messages in an order that is legal, if odd, and what comes of it the origin alone knows: all that follows is passed through. */
  #derail(type: number, bytes: Buffer, at: number, stop: number, frameEnd: number): number {
    derail(this.#session)
    return this.#passRaw(type, bytes, at, stop, frameEnd)
  }

  #passRaw(type: number, bytes: Buffer, at: number, stop: number, frameEnd: number): number {
    this.#session.link.send(bytes.subarray(at, stop))
    if (stop < frameEnd) this.#bulkBytes = frameEnd - stop
    if (type === frontend.terminate) this.#session.leave()
    return stop
  }

  #copyData(type: number, bytes: Buffer, at: number, stop: number, frameEnd: number): number {
    const copying = this.#session.copying
    if (copying === undefined) return -1
    const complete = stop === frameEnd
    if (!complete && type !== frontend.copyData) return -1
    if (type === frontend.terminate) {
      this.#session.link.send(bytes.subarray(at, stop))
      this.#session.leave()
      return stop
    }
    const { unit, converted } = copying
    if (type !== frontend.copyData && type !== frontend.copyDone && type !== frontend.copyFail) {
      if (this.#session.part !== undefined) return this.#otherThanDataOfPart(type, stop)
      // Never answered, whether the COPY goes on or has failed.
      if (converted === undefined && type === frontend.flush && frameEnd - at === 5) {
        this.#session.link.send(bytes.subarray(at, stop))
        return stop
      }
      if (converted === undefined) return this.#derail(type, bytes, at, stop, frameEnd)
      return this.#otherThanData(converted, type, stop)
    }
    this.#session.link.send(bytes.subarray(at, stop))
    if (!complete) this.#bulkBytes = frameEnd - stop
    if (type === frontend.copyData) return stop
    this.#session.copying = undefined
    if (converted === undefined) this.#copyTail = unit.extended
    else converted.ends(type === frontend.copyDone)
    return stop
  }

  /** Into a COPY that is one of several statements, of which we run some: the origin sees but this one. */
  #otherThanDataOfPart(type: number, stop: number): number {
    if (type !== frontend.sync && type !== frontend.flush)
      this.#session.violation(`unexpected message type 0x${type.toString(16).toUpperCase()} during COPY from stdin`)
    return stop
  }

  /** Into a COPY that we have converted; the new position, or -1 if it must wait until the COPY is over. */
  #otherThanData(converted: ConvertedCopy, type: number, stop: number): number {
    if (!converted.unit.failed) {
      if (type === frontend.flush) return stop
      if (type === frontend.sync) {
        converted.sync()
        return stop
      }
      converted.intrudes(type)
    }
    this.#session.copying = undefined
    return -1
  }

  #hold(bytes: Buffer, start: number, end: number): void {
    this.#held.append(bytes, start, end)
    if (this.#session.busy && this.#held.length > heldBytesMax) this.#pauseClient()
  }

  /** What the client sent before the origin asked for it. */
  copyBegins(): void {
    // The client may have gone before.
    if (this.#session.closing) failCopy(this.#session)
    if (this.#session.closing || this.#session.copying === undefined) return
    const held = this.#held.take()
    if (held === undefined) return
    this.resumeClient()
    this.#process(held, held.length)
  }

  #pauseClient(): void {
    if (!this.#clientPaused) this.#session.socket.pause()
    this.#clientPaused = true
  }

  resumeClient(): void {
    if (!this.#clientPaused || this.#session.ended || (this.#session.busy && this.#held.length > heldBytesMax)) return
    this.#clientPaused = false
    this.#session.socket.resume()
  }
}
