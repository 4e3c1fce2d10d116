// A statement over virtual and other relations, for the origin: each virtual relation is replaced by its rows.
//
//   … FROM cache.entries e JOIN pg_class c ON …
//   … FROM (SELECT * FROM pg_catalog.json_to_recordset($rows_x$[…]$rows_x$) AS rows("id" pg_catalog.text, …)) e JOIN …
//
// A sub-select in place rather than a WITH in front: it may stand wherever a relation may be read, so an EXPLAIN, a
// COPY or an INSERT around it needs no thought. The places come from the parse tree, and the text made is parsed
// again: what does not then read as one statement without virtual relations is refused.

import { conditions, ServerError } from '../errors/index.ts'
import {
  type Fields,
  fieldsIf,
  Lexer,
  listOf,
  type Parser,
  type ParseTree,
  tokens,
  walk,
  wordsOf,
} from '../sql/index.ts'
import { callsPlace } from './function-calls.ts'
import { dollarQuoted, jsonRows } from './json-rows.ts'
import { quoteIdentifier } from './quoting.ts'
import type { VirtualSources } from './sources.ts'
import { SplicedText } from './spliced-text.ts'
import { findVirtualTable } from './tables/index.ts'
import { type ViewTable, viewSubSelect } from './view-table.ts'
import type { Viewer } from './viewer.ts'
import type { VirtualTable } from './virtual-table.ts'
import type { Wanted } from './wanted-rows.ts'

/** A view of the database, which is looked for when the statement runs. */
interface NamedView {
  readonly view: string
}

/** A part of the text to replace: by the rows of `table`, by what functions answered, or by other words alone. */
interface RowSplice {
  readonly start: number
  readonly end: number
  readonly before: string
  readonly table: VirtualTable | NamedView | 'calls' | undefined
  readonly after: string
}

export class InlinedStatement {
  readonly relations: readonly string[]
  /** Names that are no relations of ours but may be views of the database. */
  readonly views: readonly string[]
  readonly #text: string
  readonly #splices: readonly RowSplice[]

  private constructor(text: string, splices: readonly RowSplice[]) {
    this.#text = text
    this.#splices = splices
    const tables = splices.flatMap(({ table }) => (typeof table === 'object' ? [table] : []))
    this.relations = [...new Set(tables.flatMap((table) => ('view' in table ? [] : table.name)))]
    this.views = [...new Set(tables.flatMap((table) => ('view' in table ? table.view : [])))]
  }

  /** Throws 0A000 where a virtual relation stands in a place that rows cannot take. */
  static make(text: string, tree: ParseTree, schemaName: string, parser: Parser): InlinedStatement {
    const splices = splicesOf(text, tree, schemaName)
    const statement = new InlinedStatement(text, splices)
    const parsed = parser.parse(
      statement.#render(
        () => '[]',
        () => '(SELECT)',
        '[]',
      ).text,
    )
    const isSound = parsed.tree?.stmts.length === tree.stmts.length && !namesSchema(parsed.tree, schemaName)
    if (!isSound) throw notInlined(schemaName)
    return statement
  }

  /** A text with nothing of ours in it. */
  static plain(text: string): InlinedStatement {
    return new InlinedStatement(text, [])
  }

  /**
   * The text for the origin, with the rows this viewer may see, of some relations only those wanted, and with what functions of ours
   * answered. Throws 54000 beyond `rowCountMax` rows of a relation.
   */
  render(
    sources: VirtualSources,
    viewer: Viewer,
    rowCountMax: number,
    wanted: Wanted = new Map(),
    calls = '[]',
    views: ReadonlyMap<string, ViewTable> = new Map(),
  ): SplicedText {
    const rows = new Map<string, string>()
    const tableRows = (table: VirtualTable): string => {
      let json = rows.get(table.name)
      if (json === undefined) {
        json = jsonRows(table.columns, table.rows(sources, viewer, rowCountMax, wanted.get(table.name)))
        rows.set(table.name, json)
      }
      return json
    }
    const viewRows = ({ view }: NamedView): string | undefined => {
      const table = views.get(view)
      return table === undefined ? undefined : viewSubSelect(table, rowCountMax)
    }
    return this.#render(tableRows, viewRows, calls)
  }

  #render(
    rowsOf: (table: VirtualTable) => string,
    viewRows: (view: NamedView) => string | undefined,
    calls: string,
  ): SplicedText {
    const splices = this.#splices.flatMap(({ start, end, before, table, after }) => {
      const rows = rowsIn(table)
      // What is neither is left to the origin, which says so.
      return rows === undefined ? [] : [{ start, end, text: before + rows + after }]
    })
    function rowsIn(table: RowSplice['table']): string | undefined {
      if (table === undefined) return ''
      if (table === 'calls') return dollarQuoted(calls)
      return 'view' in table ? viewRows(table) : subSelect(table, rowsOf(table))
    }
    return new SplicedText(this.#text, splices)
  }
}

function subSelect(table: VirtualTable, json: string): string {
  const columns = table.columns.map((column) => `${quoteIdentifier(column.name)} pg_catalog.${column.type}`)
  return `(SELECT * FROM pg_catalog.json_to_recordset(${dollarQuoted(json)}::pg_catalog.json) AS rows(${columns.join(', ')}))`
}

function splicesOf(text: string, tree: ParseTree, schemaName: string): RowSplice[] {
  const places = new TextPlaces(text)
  const splices: RowSplice[] = []
  const relations = relationsOf(tree, schemaName)
  walk(
    tree.stmts.map((raw) => raw.stmt),
    ({ type, fields }) => {
      if (type === 'RangeVar' && fields.schemaname === schemaName) {
        splices.push(relationSplice(places, fields, schemaName))
      } else if (type === 'FuncCall' && wordsOf(fields.funcname).at(-1) === 'current_setting') {
        const start = places.indexOf(fields.location)
        if (!text.startsWith(callsPlace, start)) return
        splices.push({ start, end: start + callsPlace.length, before: '', table: 'calls', after: '' })
      } else if (type === 'ColumnRef') {
        const names = wordsOf(fields.fields)
        const count = listOf(fields.fields).length
        if (count === 3 && names[0] === schemaName && relations.has(names[1] as string)) {
          const start = places.indexOf(fields.location)
          splices.push({
            start,
            end: places.nameEnd(start),
            before: quoteIdentifier(names[1] as string),
            table: undefined,
            after: '',
          })
        }
      }
    },
  )
  return splices.sort((a, b) => a.start - b.start)
}

function relationSplice(places: TextPlaces, fields: Fields, schemaName: string): RowSplice {
  const name = String(fields.relname)
  if (fields.catalogname !== undefined || fields.inh !== true) throw notInlined(schemaName)
  const nameStart = places.indexOf(fields.location)
  const end = places.nameEnd(nameStart)
  const table = findVirtualTable(name) ?? { view: name }
  const alias = fields.alias === undefined ? ` AS ${quoteIdentifier(name)}` : ''
  const tableKeyword = places.tableKeywordBefore(nameStart)
  if (tableKeyword === undefined) return { start: nameStart, end, before: '', table, after: alias }
  // TABLE cache.stats
  return { start: tableKeyword, end, before: 'SELECT * FROM ', table, after: alias }
}

function relationsOf(tree: ParseTree, schemaName: string): ReadonlySet<string> {
  const names = new Set<string>()
  walk(
    tree.stmts.map((raw) => raw.stmt),
    ({ type, fields }) => {
      if (type === 'RangeVar' && fields.schemaname === schemaName) names.add(String(fields.relname))
    },
  )
  return names
}

/** True if the tree still names a relation of the schema. */
function namesSchema(tree: ParseTree, schemaName: string): boolean {
  let found = false
  walk(
    tree.stmts.map((raw) => raw.stmt),
    ({ type, fields }) => {
      if (type === 'RangeVar' && fields.schemaname === schemaName) found = true
      if (type === 'FuncCall' && listOf(fields.funcname).length > 1) {
        if (fieldsIf('String', listOf(fields.funcname)[0])?.sval === schemaName) found = true
      }
    },
  )
  return found
}

function notInlined(schemaName: string): ServerError {
  return new ServerError(conditions.featureNotSupported, [`a relation of schema "${schemaName}" in this place`], {
    hint: `Read it by itself, or write it as (SELECT * FROM ${schemaName}.…) AS name.`,
  })
}

/** Byte offsets of the parser as places in the text, and the few tokens that matter around them. */
class TextPlaces {
  readonly #text: string
  readonly #bytes: Buffer

  constructor(text: string) {
    this.#text = text
    this.#bytes = Buffer.from(text)
  }

  /** The parser leaves a location out when it is 0. */
  indexOf(location: unknown): number {
    return this.#bytes.toString('utf8', 0, typeof location === 'number' ? location : 0).length
  }

  /** Behind `schema . relation` that starts there. */
  nameEnd(start: number): number {
    const lexer = new Lexer(this.#text)
    lexer.end = start
    for (let left = 3; left > 0; ) if (lexer.next() !== tokens.comment) left--
    return lexer.end
  }

  /** Where the keyword TABLE stands if it is the last token before the name. */
  tableKeywordBefore(nameStart: number): number | undefined {
    const lexer = new Lexer(this.#text)
    let found: number | undefined
    for (let kind = lexer.next(); kind !== tokens.end && lexer.start < nameStart; kind = lexer.next()) {
      if (kind === tokens.comment) continue
      const isKeyword = kind === tokens.word && /^table$/i.test(this.#text.slice(lexer.start, lexer.end))
      found = isKeyword ? lexer.start : undefined
    }
    return found
  }
}
