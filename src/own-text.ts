// Composition: what a text of ours is. Asked once per new text; the answer lies in StatementText.own.

import {
  cutRefreshClause,
  type OwnSelect,
  type OwnStatement,
  type PlacedCalls,
  readBlobStatement,
  readPlacedCalls,
  readViewStatement,
  recognise,
  withoutOurOptions,
} from './commands/index.ts'
import { ServerError } from './errors/index.ts'
import { type Executed, everyName } from './own-prepared.ts'
import { analyse, type Parser, type PreparedWords, preparedWords, type Statement, statementSpans } from './sql/index.ts'
import {
  type Narrowing,
  narrowingOf,
  planPlain,
  planVirtual,
  readsCatalogueOnly,
  type SplicedText,
  type VirtualPlan,
} from './virtual/index.ts'

export type OwnText =
  /** With the rows its SELECT can use, if it stands for one. */
  | {
      readonly kind: 'own'
      readonly statement: OwnStatement
      readonly narrowing: Narrowing
      /** The functions of ours in its SELECT. */
      readonly calls?: PlacedCalls
    }
  | { readonly kind: 'refused'; readonly error: ServerError }
  | {
      readonly kind: 'virtual'
      readonly statement: Statement
      readonly plan: VirtualPlan
      /**
       * What runs in place of the text: the same with our schema before names that are ours without it, with what functions of ours answer
       * in their places, or an EXPLAIN without our options.
       */
      readonly qualified?: SplicedText
      /** The functions of ours in it. */
      readonly calls?: PlacedCalls
      /** Nothing in it is ours but what was taken out. */
      readonly isPlain?: boolean
      /** Set for an EXECUTE: the plan is that of the statement prepared. */
      readonly executes?: Executed
    }
  /** PREPARE, EXECUTE or DEALLOCATE of one name: ours if the statement is. */
  | { readonly kind: 'prepared'; readonly text: string; readonly statement: Statement; readonly words: PreparedWords }
  /** Reads only the catalogue: ours if it asks about our schema. */
  | { readonly kind: 'catalogue'; readonly statement: Statement }
  /** Several statements in one text, some of them ours; with `names`, only where one of these prepared statements is. */
  | { readonly kind: 'several'; readonly names?: readonly string[] }

/** Kinds of an EXPLAIN. What our grammar does not read of one the origin may. */
const explains: ReadonlySet<string> = new Set(['explain', 'explain_write', 'unreadable'])

export class OwnTexts {
  readonly schemaName: string
  /** The origin has some of our words for itself (SQL-10). */
  hasDialect = false
  readonly #parser: Parser

  constructor(parser: Parser, schemaName: string) {
    this.#parser = parser
    this.schemaName = schemaName
    const name = schemaName.replace(/[^\w]/g, '\\$&')
    parser.ownNames = new RegExp(`\\b(?:from|into|update|join)\\s+(?:only\\s+)?"?${name}"?\\s*\\.`, 'i')
  }

  /**
   * Without `statement` by its first words alone, else by what the grammar says of it. Undefined: the origin's. `taken`: the name of our
   * schema is somebody else's there, so only our own words and settings are ours (SQL-12).
   */
  recognise(text: string, statement: Statement | undefined, taken: boolean): OwnText | undefined {
    try {
      if (statement === undefined) return this.#byFirstWords(text, taken)
      const switchedOff = explains.has(statement.kind) ? withoutOurOptions(text) : undefined
      if (switchedOff !== undefined) return this.#plainExplain(switchedOff, taken)
      return taken ? undefined : this.byGrammar(text, statement)
    } catch (error) {
      if (error instanceof ServerError) return { kind: 'refused', error }
      throw error
    }
  }

  /** `qualified`: what is left of an EXPLAIN without our options, ours or the origin's by what it explains. */
  #plainExplain(qualified: SplicedText, taken: boolean): OwnText {
    const { text } = qualified
    const statement = this.analyse(text)
    if (taken || !statement.usesVirtualSchema) {
      return { kind: 'virtual', statement, plan: planPlain(text), qualified, isPlain: true }
    }
    return { kind: 'virtual', statement, plan: this.plan(text, statement, false), qualified }
  }

  /** Functions that change nothing stand anywhere: what runs has what they answered in their places (SQL-24). */
  #overFunctions(source: string, statement: Statement): OwnText | undefined {
    const { tree } = this.#parser.parse(source)
    if (tree === undefined || statement.kind === 'call') return undefined
    const calls = readPlacedCalls(source, tree, this.schemaName)
    const qualified = calls.text
    const made = this.analyse(qualified.text)
    return { kind: 'virtual', statement: made, plan: this.plan(qualified.text, made, false), qualified, calls }
  }

  byGrammar(text: string, statement: Statement): OwnText | undefined {
    const words = preparedWords(text, statement, (asked) => this.#parser.parse(asked).tree)
    if (words !== undefined) return { kind: 'prepared', text, statement, words }
    if (statement.kind === 'several') return this.#severalPrepared(text)
    if (statement.kind === 'unreadable') {
      const view = this.#refreshedView(text)
      return view && { kind: 'own', statement: view, narrowing: this.#narrowingOf(view) }
    }
    if (statement.usesVirtualSchema) {
      const overBlobs = this.#overBlobs(text, statement)
      if (overBlobs !== undefined) {
        return { kind: 'own', statement: overBlobs, narrowing: this.#narrowingOf(overBlobs) }
      }
      const overViews = statement.kind === 'ddl' ? this.#overViews(text, statement) : undefined
      if (overViews !== undefined) return { kind: 'own', statement: overViews, narrowing: this.#narrowingOf(overViews) }
      const overFunctions = statement.virtualFunctions.length > 0 ? this.#overFunctions(text, statement) : undefined
      return overFunctions ?? { kind: 'virtual', statement, plan: this.plan(text, statement, false) }
    }
    return readsCatalogueOnly(statement) ? { kind: 'catalogue', statement } : undefined
  }

  /** A definition of a materialized view of ours. */
  #overViews(text: string, statement: Statement): OwnStatement | undefined {
    const { tree } = this.#parser.parse(text)
    return tree === undefined ? undefined : readViewStatement(text, tree, statement, this.schemaName)
  }

  /** The same with a clause that PostgreSQL's grammar does not read. */
  #refreshedView(text: string): OwnStatement | undefined {
    const cut = cutRefreshClause(text)
    const { tree } = cut === undefined ? { tree: undefined } : this.#parser.parse(cut.text)
    if (cut === undefined || tree === undefined) return undefined
    return readViewStatement(cut.text, tree, this.analyse(cut.text), this.schemaName, cut.refresh)
  }

  /** A change of blobs, or a read of some by their keys. */
  #overBlobs(text: string, statement: Statement): OwnStatement | undefined {
    if (!statement.virtualRelations.includes('blobs') || statement.virtualFunctions.length > 0) return undefined
    const { tree } = this.#parser.parse(text)
    return tree === undefined ? undefined : readBlobStatement(text, tree, statement, this.schemaName)
  }

  /** Statements that are executed or dropped by name may be ours, and a name may be taken: which are, the session knows. */
  #severalPrepared(text: string): OwnText | undefined {
    if (!/\b(?:execute|deallocate|prepare)\b/i.test(text)) return undefined
    const names = statementSpans(text).flatMap(({ start, end }) => {
      const part = text.slice(start, end)
      const member = this.analyse(part)
      const words = preparedWords(part, member, (asked) => this.#parser.parse(asked).tree)
      if (words === undefined) return member.kind === 'deallocate' ? [everyName] : []
      return [words.name]
    })
    return names.length === 0 ? undefined : { kind: 'several', names }
  }

  /** `admin`: for a session that has no origin. */
  plan(text: string, statement: Statement, admin: boolean): VirtualPlan {
    return planVirtual(text, statement, { parser: this.#parser, schemaName: this.schemaName, admin })
  }

  analyse(text: string): Statement {
    return analyse(this.#parser, text, { virtualSchema: this.schemaName })
  }

  /** For a text with names that the system database does not know, or whose portal must outlive its messages. */
  planElsewhere(text: string, statement: Statement): VirtualPlan {
    const options = { parser: this.#parser, schemaName: this.schemaName, admin: false, elsewhere: true }
    return planVirtual(text, statement, options)
  }

  #byFirstWords(text: string, taken: boolean): OwnText | undefined {
    const spans = text.includes(';') ? statementSpans(text) : []
    // A semicolon in front makes an empty statement, which nobody answers.
    if (spans.length > 1 || (spans[0]?.start ?? 0) > 0) {
      const parts = spans.map((span) => text.slice(span.start, span.end))
      return parts.some((part) => this.#isOurs(part, taken)) ? { kind: 'several' } : undefined
    }
    const statement = this.#command(text, taken)
    if (statement?.kind === 'select' && statement.isOverFunctions === true) return this.#showOfFunction(statement)
    return statement === undefined ? undefined : { kind: 'own', statement, narrowing: this.#narrowingOf(statement) }
  }

  #showOfFunction(statement: OwnSelect): OwnText {
    const narrowing = this.#narrowingOf(statement)
    const { tree } = this.#parser.parse(statement.text)
    // PostgreSQL says what is wrong with it.
    if (tree === undefined) return { kind: 'own', statement, narrowing }
    const calls = readPlacedCalls(statement.text, tree, this.schemaName)
    return { kind: 'own', statement: { ...statement, text: calls.text.text }, narrowing, calls }
  }

  #narrowingOf(statement: OwnStatement): Narrowing {
    const { tree } = this.#parser.parse(statement.kind === 'select' ? statement.text : '')
    return narrowingOf(tree ?? { stmts: [] }, this.schemaName)
  }

  #command(text: string, taken: boolean): OwnStatement | undefined {
    return recognise(text, { schemaName: this.schemaName, schemaTaken: taken, hasDialect: this.hasDialect })
  }

  #isOurs(text: string, taken: boolean): boolean {
    try {
      if (this.#command(text, taken) !== undefined) return true
    } catch (error) {
      // What is ours and cannot be read is still ours.
      if (error instanceof ServerError) return true
      throw error
    }
    if (withoutOurOptions(text) !== undefined) return true
    return !taken && text.toLowerCase().includes(this.schemaName) && this.analyse(text).usesVirtualSchema
  }
}
