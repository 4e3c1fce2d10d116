// Which questions about the catalogue the system database answers, so that `\d cache.*` works in any database.
//
// A tool first looks relations up by the name of their schema and then asks about each by OID:
//
//   … WHERE n.nspname OPERATOR(pg_catalog.~) '^(cache)$' …       the schema by a constant: ours
//   … WHERE c.oid = '16390' …                                     an OID the system database gave: ours
//
// OIDs mean different relations there and at the origin. So those seen are remembered only until the origin is asked
// something about its catalogue; from then on an OID is the origin's again.

import { Lexer, type Statement, tokens } from '../sql/index.ts'
import { frameHeaderBytes } from '../wire/index.ts'

const rememberedMax = 10_000
const schemaColumn = /^(?:nspname|\w*schema(?:_?name)?)$/
/** What may stand between the column and the constant it is compared with. */
const comparison = /^(?:=|~|~~|like|operator|\(|\)|pg_catalog|\.|in|collate)$/

export class CatalogueRouter {
  readonly #schemaNames: ReadonlySet<string>
  readonly #remembered = new Set<string>()

  constructor(schemaName: string) {
    this.#schemaNames = new Set([schemaName, `^(${schemaName})$`])
  }

  /** True if the system database is to answer. `watch` must then see the rows if it is 'look-up'. */
  wantsSystem(text: string, statement: Statement): boolean {
    return this.route(text, statement) !== 'origin'
  }

  /** A `look-up` names the schema, a `follow-up` an OID that a look-up brought. */
  route(text: string, statement: Statement): 'origin' | 'look-up' | 'follow-up' {
    if (!readsCatalogueOnly(statement)) return 'origin'
    const constants = constantsOf(text)
    if (constants.some(({ value, column }) => schemaColumn.test(column) && this.#schemaNames.has(value))) {
      return 'look-up'
    }
    if (constants.some(({ value }) => this.#remembered.has(value))) return 'follow-up'
    this.#remembered.clear()
    return 'origin'
  }

  /** Sees the DataRow frames of a look-up: its first column holds the OIDs that follow-ups will name. */
  watch(row: Buffer): void {
    const at = frameHeaderBytes + 2
    if (row.length < at + 4 || row.readInt16BE(frameHeaderBytes) < 1) return
    const length = row.readInt32BE(at)
    if (length < 1 || length > 10 || this.#remembered.size >= rememberedMax) return
    const value = row.toString('latin1', at + 4, at + 4 + length)
    if (/^\d+$/.test(value)) this.#remembered.add(value)
  }
}

/** True for one read of relations that are all of the system catalogue or the information schema. */
export function readsCatalogueOnly(statement: Statement): boolean {
  if (statement.kind !== 'read' || statement.usesVirtualSchema) return false
  const { relations } = statement.names
  return relations.length > 0 && relations.every(({ schema, name }) => isCatalogue(schema, name))
}

export function isCatalogue(schema: string | undefined, name: string): boolean {
  return schema === 'pg_catalog' || schema === 'information_schema' || (schema === undefined && name.startsWith('pg_'))
}

interface Constant {
  readonly value: string
  /** The column it is compared with, as far as the tokens before it say; else empty. */
  readonly column: string
}

function constantsOf(text: string): Constant[] {
  const lexer = new Lexer(text)
  const constants: Constant[] = []
  let column = ''
  let compares = false
  for (let kind = lexer.next(); kind !== tokens.end; kind = lexer.next()) {
    if (kind === tokens.comment) continue
    const token = text.slice(lexer.start, lexer.end)
    if (kind === tokens.string || kind === tokens.number) {
      // One of several in a list selects more than our schema.
      const alone = !/^\s*,/.test(text.slice(lexer.end, lexer.end + 20))
      constants.push({ value: constantValue(token), column: compares && alone ? column : '' })
      compares = false
    } else if (comparison.test(token.toLowerCase())) compares = true
    else {
      column = kind === tokens.word ? token.toLowerCase() : ''
      compares = false
    }
  }
  return constants
}

/** The value of a plain constant; others (E'…', $…$) stay as written, which equals nothing we look for. */
function constantValue(token: string): string {
  return token.startsWith("'") ? token.slice(1, -1).replaceAll("''", "'") : token
}
