// Functions of ours inside a statement: in the select list, in FROM, in WHERE, among others (SQL-24).
//
// Only those that change nothing stand there: their arguments are constants or parameters, so each is called once before the statement
// runs, and what it answered stands in its place.

import { conditions, ServerError } from '../errors/index.ts'
import { type Fields, fieldsIf, listOf, type ParseTree, walk, wordsOf } from '../sql/index.ts'
import {
  type ColumnType,
  callRows,
  callsText,
  misplacedFunction,
  quoteIdentifier,
  SplicedText,
} from '../virtual/index.ts'
import { typeOids } from './binary-text.ts'
import { Arguments, argumentOids, type FunctionDefinition } from './function-definition.ts'
import { functionNamed, readArguments } from './functions.ts'
import type { CommandContext } from './own-statement.ts'
import type { Parameters } from './parameters.ts'
import { authorise } from './privileges.ts'
import { StatementReader, type Value } from './statement-reader.ts'

interface Call {
  readonly name: string
  readonly definition: FunctionDefinition
  readonly given: ReadonlyMap<string, Value>
}

export interface PlacedCalls {
  readonly calls: readonly Call[]
  /** The statement with what they answer in their places. */
  readonly text: SplicedText
  /** What they take parameters to be, as OIDs; 0 for those they do not take. */
  readonly parameterTypes: readonly number[]
}

interface Splice {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** By name, and the flag with which it does change something. */
const readers: ReadonlyMap<string, string | undefined> = new Map([
  ['version', undefined],
  ['check', undefined],
  ['explain', 'execute'],
  ['get', 'lease'],
  ['blob_get', 'lease'],
  ['get_many', undefined],
  ['exists', undefined],
  ['show_backups', undefined],
  ['show_backup', undefined],
])

/** Arguments that may hold what is not to be shown: of a statement that goes to the origin too, its text is (SQL-22). */
const secretive = ['options']

/** Throws 0A000 for a function that cannot stand where it does. */
export function readPlacedCalls(text: string, tree: ParseTree, schemaName: string): PlacedCalls {
  return new PlaceReader(text, schemaName).read(tree)
}

/** What they answer, for the text that reads it. */
export async function runPlacedCalls(
  { calls }: PlacedCalls,
  context: CommandContext,
  parameters: Parameters,
): Promise<string> {
  const answers = []
  for (const call of calls) {
    const { name, definition, given } = call
    authorise(context.viewer, definition.needs, `function ${name}`, context.settings.current)
    const args = new Arguments(given, parameters, context)
    const flag = readers.get(name)
    if (flag !== undefined && args.flag(flag)) throw misplacedFunction(context.schemaName, name)
    const { rows } = await definition.run(context, args, 'SELECT')
    answers.push({ columns: columnsOf(call), rows })
  }
  return callsText(answers)
}

class PlaceReader {
  readonly #text: string
  readonly #bytes: Buffer
  readonly #schemaName: string
  /** By what they are called with: the same call is made once. */
  readonly #calls = new Map<string, { readonly call: Call; readonly index: number }>()
  readonly #splices: Splice[] = []
  readonly #types: number[] = []

  constructor(text: string, schemaName: string) {
    this.#text = text
    this.#bytes = Buffer.from(text)
    this.#schemaName = schemaName
  }

  read(tree: ParseTree): PlacedCalls {
    const inFrom = new Set<Fields>()
    walk(
      tree.stmts.map((raw) => raw.stmt),
      ({ type, fields }) => {
        if (type === 'RangeFunction') {
          const called = this.#calledBy(fields)
          if (called === undefined) return
          inFrom.add(called)
          this.#inFrom(called, fields)
        } else if (type === 'FuncCall' && this.#nameOf(fields) !== undefined && !inFrom.has(fields))
          this.#asValue(fields)
      },
    )
    const splices = this.#splices.sort((a, b) => a.start - b.start)
    const calls = [...this.#calls.values()].map(({ call }) => call)
    return {
      calls,
      text: new SplicedText(this.#text, splices),
      parameterTypes: Array.from(this.#types, (oid) => oid ?? 0),
    }
  }

  /** The one call of ours that is an item of FROM. */
  #calledBy({ functions }: Fields): Fields | undefined {
    for (const item of listOf(functions)) {
      const called = fieldsIf('FuncCall', listOf(item)[0])
      if (called !== undefined && this.#nameOf(called) !== undefined) return called
    }
    return undefined
  }

  #nameOf({ funcname }: Fields): string | undefined {
    const words = wordsOf(funcname)
    return words.length === 2 && words[0] === this.#schemaName ? words[1] : undefined
  }

  #inFrom(called: Fields, range: Fields): void {
    const { call, index, start, end } = this.#callAt(called)
    const isOne = listOf(range.functions).length === 1 && range.is_rowsfrom !== true && range.ordinality !== true
    if (!isOne || listOf(range.coldeflist).length > 0) throw this.#onlyInFrom(call.name, start)
    const alias = range.alias as Fields | undefined
    // One value is a column by the name of its item, as of any function.
    const label = call.definition.isScalar && typeof alias?.aliasname === 'string' ? alias.aliasname : undefined
    const rows = callRows(index, columnsOf(call), conditionOf(call), label)
    const text = alias === undefined ? `${rows} AS ${quoteIdentifier(call.name)}` : rows
    this.#splices.push({ start, end, text })
  }

  #asValue(called: Fields): void {
    const { call, index, start, end } = this.#callAt(called)
    const isPlain = called.agg_filter === undefined && called.over === undefined && called.agg_order === undefined
    if (!call.definition.isScalar || !isPlain) throw this.#onlyInFrom(call.name, start)
    this.#splices.push({ start, end, text: callRows(index, columnsOf(call), conditionOf(call)) })
  }

  #tellsSecrets(name: string): ServerError {
    const what = `function ${this.#schemaName}.${name}() with options in this place`
    return new ServerError(conditions.featureNotSupported, [what], {
      hint: 'They may hold a secret, which is kept out of everything that tells of statements only where the function stands alone.',
    })
  }

  #onlyInFrom(name: string, start: number): ServerError {
    const label = `${this.#schemaName}.${name}()`
    return new ServerError(conditions.featureNotSupported, [`function ${label} in this place`], {
      hint: `It is an item of FROM: SELECT … FROM ${label}.`,
      position: [...this.#text.slice(0, start)].length + 1,
    })
  }

  #callAt(called: Fields): { call: Call; index: number; start: number; end: number } {
    const location = typeof called.location === 'number' ? called.location : 0
    const start = this.#bytes.toString('utf8', 0, location).length
    const reader = new StatementReader(this.#text.slice(start), this.#schemaName)
    try {
      reader.acceptSchema()
      const name = reader.identifier()
      const definition = functionNamed(reader, name)
      if (!readers.has(name)) throw misplacedFunction(this.#schemaName, name)
      reader.expect('(')
      const call = { name, definition, given: readArguments(reader, name, definition) }
      if (secretive.some((argument) => call.given.has(argument))) throw this.#tellsSecrets(name)
      this.#noteParameters(call)
      return { ...this.#keep(call), start, end: start + reader.offsetBefore }
    } catch (error) {
      throw error instanceof ServerError ? error.movedBy([...this.#text.slice(0, start)].length) : error
    }
  }

  #keep(call: Call): { readonly call: Call; readonly index: number } {
    const key = JSON.stringify([call.name, ...call.given])
    let kept = this.#calls.get(key)
    if (kept === undefined) {
      kept = { call, index: this.#calls.size }
      this.#calls.set(key, kept)
    }
    return kept
  }

  #noteParameters(call: Call): void {
    for (const [number, type] of parametersOf(call)) this.#types[number - 1] ??= typeOids[type as keyof typeof typeOids]
  }
}

/** A value is a column of the name of its function. */
function columnsOf({ name, definition }: Call): { name: string; type: ColumnType }[] {
  return definition.columns.map((column) => ({
    name: definition.isScalar ? name : column.name,
    type: column.type as ColumnType,
  }))
}

/** Always true: it keeps the parameters that a call takes parameters of the statement, with their types. */
function conditionOf(call: Call): string {
  return parametersOf(call)
    .map(([number, type]) => `($${number}::pg_catalog.${type} IS NULL) IS NOT NULL`)
    .join(' AND ')
}

/** What a call takes, and the types by PostgreSQL's inner names. */
function parametersOf({ definition, given }: Call): (readonly [number: number, type: string])[] {
  return definition.parameters.flatMap(([name, type]) => {
    const oid = argumentOids[type]
    const inner = Object.entries(typeOids).find(([, known]) => known === oid)?.[0] ?? 'text'
    const value = given.get(name)
    return value === undefined ? [] : parametersIn(value, inner)
  })
}

function parametersIn(value: Value, type: string): (readonly [number, string])[] {
  if (value.kind === 'list') return value.items.flatMap((item) => parametersIn(item, type.replace(/\[\]$/, '')))
  if (value.kind !== 'parameter') return []
  const cast = value.type
  return [[value.number, cast !== undefined && Object.hasOwn(typeOids, cast) ? cast : type]]
}
