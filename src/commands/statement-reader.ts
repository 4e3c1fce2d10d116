// Reads a statement of ours word by word: what a grammar rule asks for next, or the syntax error it is otherwise.
//
// Words are compared in upper case; quoted names and constants are never words. A text that has more behind a
// semicolon is not one statement, and nothing is read there.

import { conditions, ServerError } from '../errors/index.ts'
import { Lexer, type TokenKind, tokens } from '../sql/index.ts'

interface Token {
  readonly kind: TokenKind
  readonly start: number
  readonly end: number
  /** An unquoted word in upper case; a sign or an operator as it stands; else empty. */
  readonly word: string
}

/** A constant, or the parameter that will give it; `type` is what it was cast to, by PostgreSQL's inner name. */
export type Value = { readonly type?: string } & (
  | { readonly kind: 'constant'; readonly text: string | null; readonly isString: boolean }
  | { readonly kind: 'list'; readonly items: readonly Value[] }
  | { readonly kind: 'parameter'; readonly number: number }
)

export class StatementReader {
  readonly text: string
  readonly schemaName: string
  readonly #tokens: readonly Token[]
  #at = 0
  /** Highest `$n` read as a value. */
  parameterCount = 0

  constructor(text: string, schemaName: string) {
    this.text = text
    this.schemaName = schemaName
    this.#tokens = tokensOf(text)
  }

  /** Where the statement ends: at its semicolon, or with the text. */
  get statementEnd(): number {
    return this.#last.end
  }

  /** Position in the tokens, to come back to. */
  mark(): number {
    return this.#at
  }

  reset(mark: number): void {
    this.#at = mark
  }

  get isAtEnd(): boolean {
    return this.#next.kind === tokens.end
  }

  /** The next word in upper case, or a sign; empty for names and constants. */
  peek(ahead = 0): string {
    return (this.#tokens[this.#at + ahead] ?? this.#last).word
  }

  get #next(): Token {
    return this.#tokens[this.#at] ?? this.#last
  }

  get #last(): Token {
    return this.#tokens[this.#tokens.length - 1] as Token
  }

  /** Where the next token begins in the text. */
  get offset(): number {
    return this.#next.start
  }

  /** Where the token before the next one ends. */
  get offsetBefore(): number {
    return this.#at === 0 ? 0 : (this.#tokens[this.#at - 1] as Token).end
  }

  skip(count = 1): void {
    this.#at = Math.min(this.#at + count, this.#tokens.length - 1)
  }

  /** Consumes the words if they all come next. */
  accept(...words: readonly string[]): boolean {
    if (!words.every((word, index) => this.peek(index) === word)) return false
    this.skip(words.length)
    return true
  }

  expect(...words: readonly string[]): void {
    for (const word of words) if (!this.accept(word)) throw this.syntaxError(word)
  }

  expectEnd(): void {
    if (!this.isAtEnd) throw this.syntaxError('the end of the statement')
  }

  /** An identifier or a string, as names are written. */
  name(): string {
    const token = this.#next
    const text = this.#nameOf(token) ?? (token.kind === tokens.string ? this.#stringOf(token) : undefined)
    if (text === undefined) throw this.syntaxError('a name')
    this.skip()
    return text
  }

  /** An identifier alone. */
  identifier(): string {
    const text = this.#nameOf(this.#next)
    if (text === undefined) throw this.syntaxError('a name')
    this.skip()
    return text
  }

  /** `schema.name`, or just the name. */
  qualifiedName(): { schema: string | undefined; name: string } {
    const first = this.identifier()
    if (!this.accept('.')) return { schema: undefined, name: first }
    return { schema: first, name: this.identifier() }
  }

  /** True if `schema .` of the virtual schema comes next; consumes it. */
  acceptSchema(): boolean {
    if (this.peek(1) !== '.' || this.#nameOf(this.#next) !== this.schemaName) return false
    this.skip(2)
    return true
  }

  isSchemaNext(ahead = 0): boolean {
    const token = this.#tokens[this.#at + ahead]
    return token !== undefined && this.peek(ahead + 1) === '.' && this.#nameOf(token) === this.schemaName
  }

  /** The folded name at the next place, without consuming it; undefined if it is none. */
  peekName(ahead = 0): string | undefined {
    const token = this.#tokens[this.#at + ahead]
    return token === undefined ? undefined : this.#nameOf(token)
  }

  /** The value of a string constant at the next place, without consuming it. */
  peekString(ahead = 0): string | undefined {
    const token = this.#tokens[this.#at + ahead]
    return token?.kind === tokens.string ? this.#stringOf(token) : undefined
  }

  /** A literal or `$n`, with a cast behind it or a type before it. */
  value(): Value {
    let value = this.#typedLiteral() ?? this.#valueHere()
    while (this.accept('::')) value = { ...value, type: this.#typeName() }
    return value
  }

  /** `interval '1 hour'` */
  #typedLiteral(): Value | undefined {
    const mark = this.#at
    if (this.peekName() === undefined || this.peek() === 'ARRAY') return undefined
    const isTwoWords = twoWordTypes.has(`${this.peek()} ${this.peek(1)}`)
    if (!isTwoWords && this.peekString(1) === undefined) return undefined
    const type = this.#typeName()
    if (this.#next.kind === tokens.string) return { ...this.#valueHere(), type }
    this.#at = mark
    return undefined
  }

  #valueHere(): Value {
    const token = this.#next
    if (token.kind === tokens.parameter) {
      this.skip()
      const number = Number(this.text.slice(token.start + 1, token.end))
      this.parameterCount = Math.max(this.parameterCount, number)
      return { kind: 'parameter', number }
    }
    if (token.kind === tokens.string) {
      this.skip()
      return { kind: 'constant', text: this.#stringOf(token), isString: true }
    }
    if (this.accept('ARRAY', '[')) return { kind: 'list', items: this.#items(']') }
    const sign = this.accept('-') ? '-' : ''
    if (sign === '') this.accept('+')
    const number = this.#next
    if (number.kind === tokens.number) {
      this.skip()
      return { kind: 'constant', text: sign + this.text.slice(number.start, number.end), isString: false }
    }
    if (sign === '' && this.accept('NULL')) return { kind: 'constant', text: null, isString: false }
    for (const word of sign === '' ? (['TRUE', 'FALSE'] as const) : []) {
      if (this.accept(word)) return { kind: 'constant', text: word.toLowerCase(), isString: false }
    }
    throw this.syntaxError('a constant or a parameter')
  }

  #items(closing: string): Value[] {
    const items: Value[] = []
    while (!this.accept(closing)) {
      if (items.length > 0) this.expect(',')
      items.push(this.value())
    }
    return items
  }

  #typeName(): string {
    const { name } = this.qualifiedName()
    const words = twoWordTypes.has(`${name.toUpperCase()} ${this.peek()}`) ? [name, this.identifier()] : [name]
    if (this.accept('(')) {
      this.value()
      this.expect(')')
    }
    if (this.accept('WITH', 'TIME', 'ZONE')) words.push('with time zone')
    else this.accept('WITHOUT', 'TIME', 'ZONE')
    let brackets = ''
    while (this.accept('[')) {
      this.expect(']')
      brackets = '[]'
    }
    const written = words.join(' ')
    return (innerNames[written] ?? written) + brackets
  }

  /** `item { "," item }` */
  list<T>(item: () => T): T[] {
    const items = [item()]
    while (this.accept(',')) items.push(item())
    return items
  }

  /** Consumes up to one of the words at bracket depth 0, or to the end; the text in between. */
  textUntil(...words: readonly string[]): string {
    const { start } = this.#next
    let depth = 0
    while (!this.isAtEnd && !(depth === 0 && words.includes(this.peek()))) {
      const sign = this.peek()
      if (sign === '(' || sign === '[') depth++
      if (sign === ')' || sign === ']') depth--
      if (depth < 0) throw this.syntaxError('the end of the statement')
      this.#noteParameter()
      this.skip()
    }
    return this.text.slice(start, Math.max(start, this.offsetBefore))
  }

  #noteParameter(): void {
    const token = this.#next
    if (token.kind !== tokens.parameter) return
    this.parameterCount = Math.max(this.parameterCount, Number(this.text.slice(token.start + 1, token.end)))
  }

  /** 42601 at the next token, saying what would have been right. */
  syntaxError(...expected: readonly string[]): ServerError {
    const token = this.#next
    const shown = this.text.slice(token.start, token.end)
    const message = token.kind === tokens.end ? 'syntax error at end of input' : `syntax error at or near "${shown}"`
    return new ServerError(conditions.syntaxError, [message], {
      hint: expected.length === 0 ? undefined : `Expected ${orList(expected)}.`,
      position: [...this.text.slice(0, token.start)].length + 1,
    })
  }

  #nameOf(token: Token): string | undefined {
    const text = this.text.slice(token.start, token.end)
    if (token.kind === tokens.word) return text.toLowerCase()
    if (token.kind !== tokens.quotedName || !text.startsWith('"')) return undefined
    return text.slice(1, -1).replaceAll('""', '"')
  }

  #stringOf(token: Token): string {
    const text = this.text.slice(token.start, token.end)
    if (text.startsWith('$')) {
      const tag = text.slice(0, text.indexOf('$', 1) + 1)
      return text.slice(tag.length, -tag.length)
    }
    if (/^[eE]/.test(text)) return unescaped(text.slice(2, -1).replaceAll("''", "'"))
    return text.slice(1, -1).replaceAll("''", "'")
  }
}

const twoWordTypes: ReadonlySet<string> = new Set(['CHARACTER VARYING', 'DOUBLE PRECISION', 'BIT VARYING'])

/** What the grammar makes of the names that SQL gives to types. */
const innerNames: Readonly<Record<string, string>> = {
  bigint: 'int8',
  boolean: 'bool',
  char: 'bpchar',
  character: 'bpchar',
  'character varying': 'varchar',
  decimal: 'numeric',
  'double precision': 'float8',
  int: 'int4',
  integer: 'int4',
  real: 'float4',
  smallint: 'int2',
  'timestamp with time zone': 'timestamptz',
}

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

function unescaped(text: string): string {
  return text.replace(/\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|[0-7]{1,3}|[\s\S])/g, (_, escaped: string) => {
    if (/^[xu]./.test(escaped)) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    if (/^[0-7]/.test(escaped)) return String.fromCharCode(Number.parseInt(escaped, 8))
    return escapes[escaped] ?? escaped
  })
}

function orList(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} or ${items[items.length - 1]}`
}

function tokensOf(text: string): Token[] {
  const lexer = new Lexer(text)
  const found: Token[] = []
  let end = text.length
  for (let kind = lexer.next(); kind !== tokens.end; kind = lexer.next()) {
    if (kind === tokens.comment) continue
    const token = text.slice(lexer.start, lexer.end)
    if (kind === tokens.punctuation && token === ';') {
      end = lexer.start
      break
    }
    const hasWord = kind === tokens.word || kind === tokens.operator || kind === tokens.punctuation
    found.push({ kind, start: lexer.start, end: lexer.end, word: hasWord ? token.toUpperCase() : '' })
  }
  found.push({ kind: tokens.end, start: text.length, end, word: '' })
  return found
}
