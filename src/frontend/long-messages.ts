// Messages too long to be held as a matter of course: those of ours are gathered whole, the origin's are passed on in pieces, unread.
//
//   Query, Parse   our schema's name in the text makes it worth gathering; whose it is is told when it is all there. A text that does
//                  not name our schema in its first 4 MB is the origin's
//   Bind           the statement it names tells
//
// What is ours and longer than we take is refused (54000), and its bytes are thrown away as they come.

import type { StatementText } from '../cache/plans/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import { frameHeaderBytes, frontend } from '../wire/index.ts'
import { isOurs } from './dispatch.ts'
import { knowsOwner } from './owner.ts'
import type { Session } from './session.ts'
import { readSource } from './source-text.ts'

/** So much of a text is gathered before it is taken for the origin's. */
const lookedAtBytesMax = 4 * 1024 * 1024
/** A text with values in it: what is longer should come as a parameter. */
const textBytesMax = 16 * 1024 * 1024
/** A value of 64 MB and what is said beside it. */
const bindBytesMax = 65 * 1024 * 1024
/** Characters within which a statement of ours says what it is. */
const firstWordsMax = 256
/** A Bind whose names end later than this is nobody's. */
const namesBytesMax = 64 * 1024

/** `pass`: the origin's; `refuse`: ours, and too long; a number: so many bytes of it must be there to tell, or to go on. */
type LongMessage = 'pass' | 'refuse' | number

/** What is to be done with a message of which `bytes[at, end)` has come, and that ends at `frameEnd`, later. */
export function judgeLongMessage(
  session: Session,
  bytes: Buffer,
  at: number,
  end: number,
  frameEnd: number,
): LongMessage {
  switch (bytes[at]) {
    case frontend.query:
      // In the middle of other messages it is for the origin to follow.
      return session.open === undefined ? judgeText(session, bytes, at, at + frameHeaderBytes, end, frameEnd) : 'pass'
    case frontend.parse: {
      const nameEnd = bytes.indexOf(0, at + frameHeaderBytes)
      if (nameEnd === -1 || nameEnd >= end) return untilNames(at, end)
      return judgeText(session, bytes, at, nameEnd + 1, end, frameEnd)
    }
    case frontend.bind:
      return judgeBind(session, bytes, at, end, frameEnd)
    default:
      return 'pass'
  }
}

function judgeText(
  session: Session,
  bytes: Buffer,
  at: number,
  textAt: number,
  end: number,
  frameEnd: number,
): LongMessage {
  const length = frameEnd - at
  if (!mayNameOurs(session, bytes, textAt, end)) {
    const looked = Math.min(length, lookedAtBytesMax)
    return end - at < looked ? looked : 'pass'
  }
  if (length <= textBytesMax) return length
  return session.identity.admin || namesOursFirst(session, bytes, textAt) ? 'refuse' : 'pass'
}

/** True if a text may be ours, by the part of it that is there: its first words hold our name, or it stands before a dot. */
function mayNameOurs(session: Session, bytes: Buffer, textAt: number, end: number): boolean {
  if (session.identity.admin || session.searchPath.holdsOurs(session) === true) return true
  const { ourSchema } = session.services.contexts
  const text = bytes.latin1Slice(textAt, end).toLowerCase()
  if (/\bcaches?\b/.test(text.slice(0, firstWordsMax))) return true
  const name = Buffer.from(ourSchema.toLowerCase()).toString('latin1')
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
    if (/^"?\s*\./.test(text.slice(at + name.length, at + name.length + 16))) return true
  }
  return false
}

/** True if a text is ours for sure, by its first words; where more has to be read, it is not told. */
function namesOursFirst(session: Session, bytes: Buffer, textAt: number): boolean {
  const head = bytes.latin1Slice(textAt, textAt + 1024)
  const target = /^\s*(?:insert\s+into|merge\s+into|update(?:\s+only)?|delete\s+from)\s+(\w+|"[^"]+")\s*\./i.exec(head)
  const name = target?.[1]
  if (name === undefined || session.services.schemas.isTaken(session.identity.database)) return false
  return (name.startsWith('"') ? name.slice(1, -1) : name.toLowerCase()) === session.services.contexts.ourSchema
}

function judgeBind(session: Session, bytes: Buffer, at: number, end: number, frameEnd: number): LongMessage {
  const portalEnd = bytes.indexOf(0, at + frameHeaderBytes)
  const nameEnd = portalEnd === -1 ? -1 : bytes.indexOf(0, portalEnd + 1)
  if (nameEnd === -1 || nameEnd >= end) return untilNames(at, end)
  const text = session.statements.get(bytes.latin1Slice(portalEnd + 1, nameEnd))?.text
  if (text === undefined || !mayBeOurs(session, text)) return 'pass'
  if (frameEnd - at <= bindBytesMax) return frameEnd - at
  return isOurs(session, text) ? 'refuse' : 'pass'
}

function untilNames(at: number, end: number): LongMessage {
  return end - at < namesBytesMax ? namesBytesMax : 'pass'
}

/** What is said of a message that is ours, and too long. */
export function tooLong(bytes: number): ServerError {
  return new ServerError(conditions.statementTooLong, [bytes], {
    hint: 'A text may have 16 MB. A longer value is sent as a parameter, at best in binary format, which may have 64 MB.',
  })
}

/** Without asking anybody. */
function mayBeOurs(session: Session, text: StatementText): boolean {
  if (text.own !== undefined || session.identity.admin) return true
  return text.loose !== undefined && session.searchPath.holdsOurs(session) !== false
}

/** The text of a long Query or Parse that is all there, read once however often the message is looked at. */
export class LongText {
  readonly #session: Session
  #text: StatementText | undefined

  constructor(session: Session) {
    this.#session = session
  }

  /** Undefined if that must be asked first, and the message looked at again. */
  isQueryOurs(bytes: Buffer, at: number, frameEnd: number): boolean | undefined {
    const isReadable = this.#session.open === undefined && bytes[frameEnd - 1] === 0
    return isReadable && this.#isOurs(bytes, at + frameHeaderBytes, frameEnd - 1)
  }

  /** The same. */
  isParseOurs(bytes: Buffer, at: number, frameEnd: number): boolean | undefined {
    const textAt = bytes.indexOf(0, at + frameHeaderBytes) + 1
    const textEnd = bytes.indexOf(0, textAt)
    return textEnd !== -1 && textEnd < frameEnd && this.#isOurs(bytes, textAt, textEnd)
  }

  #isOurs(bytes: Buffer, start: number, end: number): boolean | undefined {
    const session = this.#session
    if (session.derailed || session.skipping || !mayNameOurs(session, bytes, start, end)) return false
    const text = this.#find(bytes, start, end)
    return knowsOwner(session, text) ? isOurs(session, text) : undefined
  }

  /** It is not put among the texts that are known: it may be as long as all of them, and is not likely to come again. */
  #find(bytes: Buffer, start: number, end: number): StatementText {
    const { text } = readSource(bytes, start, end)
    if (this.#text?.key === text) return this.#text
    const { services, texts, identity, nowMs } = this.#session
    this.#text = texts.get(text) ?? services.plans.read(identity.database, text, nowMs)
    return this.#text
  }

  /** The text found last, for the message at hand. */
  take(): StatementText {
    const text = this.#text
    if (text === undefined) throw new Error('a long text that nobody has read')
    this.#text = undefined
    return text
  }
}
