// Composition: what a text of ours is. Asked once per new text; the answer lies in StatementText.own.

import { type OwnStatement, readBlobStatement, recognise } from './commands/index.ts'
import { ServerError } from './errors/index.ts'
import { analyse, type Parser, type Statement } from './sql/index.ts'
import { planVirtual, readsCatalogueOnly, statementSpans, type VirtualPlan } from './virtual/index.ts'

export type OwnText =
  | { readonly kind: 'own'; readonly statement: OwnStatement }
  | { readonly kind: 'refused'; readonly error: ServerError }
  | { readonly kind: 'virtual'; readonly statement: Statement; readonly plan: VirtualPlan }
  /** Reads only the catalogue: ours if it asks about our schema. */
  | { readonly kind: 'catalogue'; readonly statement: Statement }
  /** Several statements in one text, some of them ours. */
  | { readonly kind: 'several' }

export class OwnTexts {
  readonly schemaName: string
  readonly #parser: Parser

  constructor(parser: Parser, schemaName: string) {
    this.#parser = parser
    this.schemaName = schemaName
  }

  /** Without `statement` by its first words alone, else by what the grammar says of it. Undefined: the origin's. */
  recognise(text: string, statement: Statement | undefined): OwnText | undefined {
    try {
      return statement === undefined ? this.#byFirstWords(text) : this.#byGrammar(text, statement)
    } catch (error) {
      if (error instanceof ServerError) return { kind: 'refused', error }
      throw error
    }
  }

  /** `admin`: for a session that has no origin. */
  plan(text: string, statement: Statement, admin: boolean): VirtualPlan {
    return planVirtual(text, statement, { parser: this.#parser, schemaName: this.schemaName, admin })
  }

  #byFirstWords(text: string): OwnText | undefined {
    const spans = text.includes(';') ? statementSpans(text) : []
    // A semicolon in front makes an empty statement, which nobody answers.
    if (spans.length > 1 || (spans[0]?.start ?? 0) > 0) {
      return spans.some((span) => this.#isOurs(text.slice(span.start, span.end))) ? { kind: 'several' } : undefined
    }
    const statement = recognise(text, { schemaName: this.schemaName })
    return statement === undefined ? undefined : { kind: 'own', statement }
  }

  #isOurs(text: string): boolean {
    try {
      if (recognise(text, { schemaName: this.schemaName }) !== undefined) return true
    } catch (error) {
      // What is ours and cannot be read is still ours.
      if (error instanceof ServerError) return true
      throw error
    }
    return text.toLowerCase().includes(this.schemaName) && this.#analyse(text).usesVirtualSchema
  }

  #byGrammar(text: string, statement: Statement): OwnText | undefined {
    if (statement.usesVirtualSchema) {
      const overBlobs = this.#overBlobs(text, statement)
      if (overBlobs !== undefined) return { kind: 'own', statement: overBlobs }
      return { kind: 'virtual', statement, plan: this.plan(text, statement, false) }
    }
    return readsCatalogueOnly(statement) ? { kind: 'catalogue', statement } : undefined
  }

  /** A change of blobs, or a read of some by their keys. */
  #overBlobs(text: string, statement: Statement): OwnStatement | undefined {
    if (!statement.virtualRelations.includes('blobs') || statement.virtualFunctions.length > 0) return undefined
    const { tree } = this.#parser.parse(text)
    return tree === undefined ? undefined : readBlobStatement(text, tree, statement, this.schemaName)
  }

  #analyse(text: string): Statement {
    return analyse(this.#parser, text, { virtualSchema: this.schemaName })
  }
}
