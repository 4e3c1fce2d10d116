// JSON that somebody gave, as jsonb keeps and shows it: numbers as they were written and not as doubles, of fields of one name the last,
// fields by the length of their names and then by bytes. What jsonb does not take is refused, for one row of it would break every list.

import { conditions, ServerError } from '../errors/index.ts'

/** Text in that form. */
export class JsonbText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** PostgreSQL has more; nobody describes an entry with them, and 1e100000 is written in seven characters. */
const digitsMax = 1000
const depthMax = 1000

/** Throws 22P02 or 22003. */
export function jsonbText(json: string): JsonbText {
  return new JsonbText(new Reader(json).whole())
}

/** Of an entry that was put when everything was taken that JavaScript takes. */
export function storedJsonb(json: string): unknown {
  try {
    return jsonbText(json)
  } catch {
    return JSON.parse(json)
  }
}

const space = /[ \t\n\r]*/y
const number = /(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([-+]?[0-9]+))?/y
const word = /true|false|null/y
const loneSurrogate = /\p{Surrogate}/u

class Reader {
  readonly #json: string
  #at = 0
  #depth = 0

  constructor(json: string) {
    this.#json = json
  }

  whole(): string {
    const text = this.#value()
    if (this.#at < this.#json.length) throw this.#invalid()
    return text
  }

  #value(): string {
    this.#take(space)
    const next = this.#json[this.#at]
    const text =
      next === '{' ? this.#object() : next === '[' ? this.#array() : next === '"' ? this.#string() : this.#plain()
    this.#take(space)
    return text
  }

  #object(): string {
    const fields = new Map<string, string>()
    this.#list('}', () => {
      this.#take(space)
      const name = this.#string()
      this.#take(space)
      if (!this.#skip(':')) throw this.#invalid()
      fields.set(name, this.#value())
    })
    const named = [...fields].map(([name, value]) => ({ bytes: Buffer.from(JSON.parse(name) as string), name, value }))
    named.sort((one, other) => one.bytes.length - other.bytes.length || one.bytes.compare(other.bytes))
    return `{${named.map(({ name, value }) => `${name}: ${value}`).join(', ')}}`
  }

  #array(): string {
    const items: string[] = []
    this.#list(']', () => void items.push(this.#value()))
    return `[${items.join(', ')}]`
  }

  #list(end: string, item: () => void): void {
    if (++this.#depth > depthMax) throw this.#invalid('It is nested too deeply.')
    this.#at++
    this.#take(space)
    if (!this.#skip(end)) {
      do item()
      while (this.#skip(','))
      if (!this.#skip(end)) throw this.#invalid()
    }
    this.#depth--
  }

  /** Written as jsonb writes it. */
  #string(): string {
    const value = this.#token()
    if (value.includes('\0')) throw this.#invalid('No text holds \\u0000.')
    if (loneSurrogate.test(value)) throw this.#invalid('A surrogate stands alone.')
    return JSON.stringify(value)
  }

  #token(): string {
    const start = this.#at
    if (!this.#skip('"')) throw this.#invalid()
    for (let end = this.#json.indexOf('"', this.#at); end !== -1; end = this.#json.indexOf('"', this.#at)) {
      const escaped = this.#json.indexOf('\\', this.#at)
      if (escaped === -1 || escaped > end) {
        this.#at = end + 1
        return this.#parsed(this.#json.slice(start, this.#at))
      }
      this.#at = escaped + 2
    }
    throw this.#invalid()
  }

  #parsed(token: string): string {
    try {
      return JSON.parse(token) as string
    } catch {
      throw this.#invalid()
    }
  }

  #plain(): string {
    const known = this.#take(word)
    return known === undefined ? numeric(this.#take(number) ?? this.#fail()) : known[0]
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#json)
    if (found === null) return undefined
    this.#at = pattern.lastIndex
    return found
  }

  #skip(character: string): boolean {
    if (this.#json[this.#at] !== character) return false
    this.#at++
    return true
  }

  #fail(): never {
    throw this.#invalid()
  }

  #invalid(detail?: string): ServerError {
    const options = detail === undefined ? {} : { detail }
    return new ServerError(conditions.invalidTextRepresentation, ['json', this.#json.slice(0, 100)], options)
  }
}

/** As numeric shows it: no exponent, and as many digits behind the point as were given. */
function numeric([token, sign = '', whole = '', fraction = '', exponent = '0']: RegExpExecArray): string {
  const shift = Number(exponent)
  if (whole.length + fraction.length + Math.abs(shift) > digitsMax) {
    throw new ServerError(conditions.numericValueOutOfRange, [token.slice(0, 100), 'numeric'])
  }
  const digits = whole + fraction
  const point = whole.length + shift
  const before =
    point <= 0
      ? '0'
      : digits
          .slice(0, point)
          .padEnd(point, '0')
          .replace(/^0+(?=.)/, '')
  const behind = point <= 0 ? '0'.repeat(-point) + digits : digits.slice(point)
  const isZero = /^0*$/.test(digits)
  return `${isZero ? '' : sign}${before}${behind === '' ? '' : `.${behind}`}`
}
