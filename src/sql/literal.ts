// A constant in a text: how it is written, and what it means.

export class Literal {
  readonly kind: 'number' | 'string'
  /** As written, quotes included: equal texts have equal values. */
  readonly text: string

  constructor(kind: 'number' | 'string', text: string) {
    this.kind = kind
    this.text = text
  }

  /** What a string says; a number as written; a bit string with its letter, as the parser keeps it (b101, x1F). */
  get value(): string {
    return this.kind === 'number' ? this.text : valueOfString(this.text)
  }
}

function valueOfString(text: string): string {
  switch (text.charCodeAt(0) | 32) {
    case 36: // $ is already lower case
      return valueOfDollarQuoted(text)
    case 101: // e
      return readEscapes(joinParts(text.slice(1), true))
    case 110: // n
      return undouble(joinParts(text.slice(1)))
    case 117: // u
      return unescapeUnicode(undouble(joinParts(text.slice(2))))
    case 98: // b
    case 120: // x
      return `${text.charAt(0).toLowerCase()}${joinParts(text.slice(1))}`
    default:
      return undouble(joinParts(text))
  }
}

function valueOfDollarQuoted(text: string): string {
  const tagLength = text.indexOf('$', 1) + 1
  return text.slice(tagLength, -tagLength)
}

/** A quoted string and its continuations on further lines, without the outer quotes. Inner quotes stay as written. */
function joinParts(text: string, escaped = false): string {
  const inside = text.slice(1, -1)
  if (!/[\n\r]/.test(inside)) return inside
  return inside.replace(escaped ? escapedSeam : plainSeam, (whole, kept: string | undefined) => (kept ? whole : ''))
}

/** A doubled quote, which is kept, or the seam of two parts: a quote, blanks with a line break, a quote. */
const plainSeam = /('')|'[ \t\f\v]*[\n\r]\s*'/g
const escapedSeam = /(''|\\[\s\S])|'[ \t\f\v]*[\n\r]\s*'/g

function undouble(text: string): string {
  return text.includes("''") ? text.replaceAll("''", "'") : text
}

const namedEscapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** The backslashes of E''. Bytes above 127 that are written one by one are joined to characters as UTF-8. */
function readEscapes(text: string): string {
  if (!text.includes('\\')) return undouble(text)
  const replaced = text.replace(
    /''|\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g,
    (whole, octal, hex, short, long, other) => {
      if (whole === "''") return "'"
      if (octal) return byteMark(Number.parseInt(octal, 8) & 255)
      if (hex) return byteMark(Number.parseInt(hex, 16))
      if (short ?? long) return codePoint(Number.parseInt(short ?? long, 16))
      return namedEscapes[other as string] ?? (other as string)
    },
  )
  return replaced.replace(/[\uDC80-\uDCFF]+/g, joinBytes)
}

/** A byte above 127 waits as a lone surrogate, which no text from the wire holds, for its neighbours. */
function byteMark(byte: number): string {
  return byte < 128 ? String.fromCharCode(byte) : String.fromCharCode(0xdc00 + byte)
}

function joinBytes(marks: string, at: number, text: string): string {
  const before = text.charCodeAt(at - 1)
  // The second half of a real pair is no mark.
  if (before >= 0xd800 && before <= 0xdbff) return marks.charAt(0) + (marks.length > 1 ? bytesOf(marks.slice(1)) : '')
  return bytesOf(marks)
}

function bytesOf(marks: string): string {
  return Buffer.from(Array.from(marks, (mark) => mark.charCodeAt(0) - 0xdc00)).toString('utf8')
}

function unescapeUnicode(text: string): string {
  return text.replace(/\\(?:(\\)|\+([0-9a-fA-F]{6})|([0-9a-fA-F]{4}))/g, (_, backslash, long, short) =>
    backslash ? '\\' : codePoint(Number.parseInt(long ?? short, 16)),
  )
}

function codePoint(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : ''
}
