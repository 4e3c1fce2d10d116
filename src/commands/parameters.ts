// What a Bind brings: parameters as they came, in text or binary format, read as what they are asked for.

import { conditions, ServerError } from '../errors/index.ts'
import { textOfBinary, typeOids } from './binary-text.ts'
import { byteaOf } from './bytea.ts'

export interface RawParameter {
  readonly bytes: Buffer
  readonly isBinary: boolean
}

export class Parameters {
  static readonly none = new Parameters([], [], [])

  /** Undefined where NULL was given. */
  readonly raw: readonly (RawParameter | undefined)[]
  /** As OIDs, 0 for those left to the server. */
  readonly declaredTypes: readonly number[]
  readonly #inferred: readonly number[]

  /** Types as OIDs: those the client declared, and those the statement gives its parameters. */
  constructor(raw: readonly (RawParameter | undefined)[], declared: readonly number[], inferred: readonly number[]) {
    this.raw = raw
    this.declaredTypes = declared
    this.#inferred = inferred
  }

  static ofTexts(texts: readonly (string | null)[], inferred: readonly number[] = []): Parameters {
    const raw = texts.map((text) => (text === null ? undefined : { bytes: Buffer.from(text), isBinary: false }))
    return new Parameters(raw, [], inferred)
  }

  get count(): number {
    return this.raw.length
  }

  texts(): (string | null)[] {
    return this.raw.map((_, index) => this.text(index + 1))
  }

  /** The type the client declared for `$number`; 0 if it left that to the server. */
  declaredType(number: number): number {
    return this.declaredTypes[number - 1] ?? 0
  }

  /** The value as its type's text; null for NULL. */
  text(number: number): string | null {
    const parameter = this.#at(number)
    if (parameter === undefined) return null
    if (!parameter.isBinary) return parameter.bytes.toString('utf8')
    return textOfBinary(this.#typeOf(number), parameter.bytes)
  }

  /**
   * The value as bytes, without a copy where they are there as such; null for NULL. A text is itself in UTF-8, unless
   * its type says that it is a bytea in text format.
   */
  bytes(number: number): Buffer | null {
    const parameter = this.#at(number)
    if (parameter === undefined) return null
    const type = this.#typeOf(number)
    if (parameter.isBinary) return type === typeOids.jsonb ? parameter.bytes.subarray(1) : parameter.bytes
    return type === typeOids.bytea ? byteaOf(parameter.bytes) : parameter.bytes
  }

  #typeOf(number: number): number {
    const declared = this.declaredType(number)
    return (declared === typeOids.unknown ? 0 : declared) || this.#inferred[number - 1] || typeOids.text
  }

  #at(number: number): RawParameter | undefined {
    if (number < 1 || number > this.raw.length) throw new ServerError(conditions.undefinedParameter, [number])
    return this.raw[number - 1]
  }
}
