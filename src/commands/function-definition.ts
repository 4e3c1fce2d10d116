// A function of the virtual schema: its parameters, what it answers, who may call it, what it does.

import type { Access } from '../virtual/index.ts'
import { typeOids } from './binary-text.ts'
import { byteaOf } from './bytea.ts'
import type { CommandContext, CommandResult, ResultColumn } from './own-statement.ts'
import type { Parameters } from './parameters.ts'
import type { Value } from './statement-reader.ts'
import { durationOf, instantOf, integerOf, jsonObject } from './typed-values.ts'
import { arrayItems, booleanValue, listValue, textValue } from './values.ts'

/** `contents` is bytea, text or jsonb: without a type it is text, kept as UTF-8. */
export type ArgumentType =
  | 'text'
  | 'text[]'
  | 'boolean'
  | 'bigint'
  | 'float8'
  | 'interval'
  | 'timestamptz'
  | 'jsonb'
  | 'contents'
  | 'bytea[]'

/** What a parameter is inferred to be in the place of such an argument. */
export const argumentOids: Readonly<Record<ArgumentType, number>> = {
  text: typeOids.text,
  'text[]': typeOids['text[]'],
  boolean: typeOids.bool,
  bigint: typeOids.int8,
  float8: typeOids.float8,
  interval: typeOids.interval,
  timestamptz: typeOids.timestamptz,
  jsonb: typeOids.jsonb,
  contents: typeOids.text,
  'bytea[]': typeOids['bytea[]'],
}

export interface FunctionDefinition {
  readonly parameters: readonly (readonly [name: string, type: ArgumentType])[]
  readonly required: number
  /** One column of the function's own name: a scalar. Empty: void. */
  readonly columns: readonly ResultColumn[]
  readonly isScalar: boolean
  /** Relations of ours whose rows it reads. */
  readonly relations?: readonly string[]
  readonly needs: Access
  readonly changes: boolean
  run(context: CommandContext, args: Arguments, tag: string): CommandResult | Promise<CommandResult>
}

export const scalar = (type: ResultColumn['type']): readonly ResultColumn[] => [{ name: '', type }]

/** Arguments by name, after defaults: null where SQL would say NULL, and where none was given. */
export class Arguments {
  readonly #given: ReadonlyMap<string, Value>
  readonly #parameters: Parameters
  readonly #context: CommandContext

  constructor(given: ReadonlyMap<string, Value>, parameters: Parameters, context: CommandContext) {
    this.#given = given
    this.#parameters = parameters
    this.#context = context
  }

  text(name: string): string | null {
    const value = this.#given.get(name)
    return value === undefined ? null : textValue(value, this.#parameters)
  }

  list(name: string): readonly string[] {
    return this.listOrNull(name) ?? []
  }

  /** null tells apart a list that was not given. */
  listOrNull(name: string): readonly string[] | null {
    const value = this.#given.get(name)
    return value === undefined ? null : listValue(value, this.#parameters)
  }

  flag(name: string): boolean {
    const value = this.#given.get(name)
    return value !== undefined && booleanValue(value, this.#parameters) === true
  }

  integer(name: string): number | null {
    const value = this.#given.get(name)
    return value === undefined ? null : integerOf(value, this.#parameters)
  }

  /** In milliseconds. */
  duration(name: string): Promise<number | null> {
    return durationOf(this.text(name), this.#context)
  }

  /** In milliseconds since 1970. */
  instant(name: string): Promise<number | null> {
    return instantOf(this.text(name), this.#context)
  }

  /** The text of a JSON object. */
  json(name: string): string | null {
    return jsonObject(this.text(name), name)
  }

  contents(name: string): Uint8Array | null {
    const value = this.#given.get(name)
    if (value === undefined) return null
    if (value.kind === 'parameter') return this.#parameters.bytes(value.number)
    const text = textValue(value, this.#parameters)
    if (text === null) return null
    return value.type === 'bytea' ? byteaOf(Buffer.from(text)) : Buffer.from(text)
  }

  contentsList(name: string): readonly (Uint8Array | null)[] | null {
    const value = this.#given.get(name)
    if (value === undefined) return null
    const texts =
      value.kind === 'list'
        ? value.items.map((item) => textValue(item, this.#parameters))
        : (arrayOrNull(textValue(value, this.#parameters)) ?? null)
    return texts?.map((text) => (text === null ? null : byteaOf(Buffer.from(text)))) ?? null
  }
}

function arrayOrNull(text: string | null): (string | null)[] | null {
  return text === null ? null : arrayItems(text)
}
