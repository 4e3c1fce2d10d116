// Composition: what a text of ours is. Asked once per new text; the answer lies in StatementText.own.

import { type OwnStatement, recognise } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import { analyse, type Parser, type Statement } from './sql/index.ts'
import { planVirtual, readsCatalogueOnly, statementSpans, type VirtualPlan } from './virtual/index.ts'

export type OwnText =
  | { readonly kind: 'own'; readonly statement: OwnStatement }
  | { readonly kind: 'refused'; readonly error: ServerError }
  | { readonly kind: 'virtual'; readonly statement: Statement; readonly plan: VirtualPlan }
  /** Reads only the catalogue: ours if it asks about our schema. */
  | { readonly kind: 'catalogue'; readonly statement: Statement }
  /** Several statements of ours in one text. */
  | { readonly kind: 'several'; readonly texts: readonly string[] }

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

  /** One of several statements in a text. */
  recognisePart(text: string): OwnText {
    const own = this.recognise(text, undefined) ?? this.recognise(text, this.#analyse(text))
    // What the origin answers ends with a ReadyForQuery of its own.
    const isAtOrigin = own?.kind === 'virtual' && own.plan.kind === 'inline'
    if (own !== undefined && !isAtOrigin) return own
    throw new ServerError(conditions.featureNotSupported, ['this statement among others'])
  }

  /** `admin`: for a session that has no origin. */
  plan(text: string, statement: Statement, admin: boolean): VirtualPlan {
    return planVirtual(text, statement, { parser: this.#parser, schemaName: this.schemaName, admin })
  }

  #byFirstWords(text: string): OwnText | undefined {
    const spans = text.includes(';') ? statementSpans(text) : []
    if (spans.length > 1) return this.#severalOfOurs(spans.map((span) => text.slice(span.start, span.end)))
    const statement = recognise(text, { schemaName: this.schemaName })
    return statement === undefined ? undefined : { kind: 'own', statement }
  }

  /** Undefined if none is ours; refused if some are: they would have to be taken apart. */
  #severalOfOurs(texts: readonly string[]): OwnText | undefined {
    const ours = texts.map((text) => this.#isOurs(text))
    if (!ours.includes(true)) return undefined
    if (!ours.includes(false)) return { kind: 'several', texts }
    throw new ServerError(conditions.featureNotSupported, ['a statement of the cache among others in one text'], {
      hint: 'Send the statements one by one.',
    })
  }

  #isOurs(text: string): boolean {
    if (recognise(text, { schemaName: this.schemaName }) !== undefined) return true
    return this.#analyse(text).usesVirtualSchema
  }

  #byGrammar(text: string, statement: Statement): OwnText | undefined {
    if (statement.usesVirtualSchema) {
      return { kind: 'virtual', statement, plan: this.plan(text, statement, false) }
    }
    return readsCatalogueOnly(statement) ? { kind: 'catalogue', statement } : undefined
  }

  #analyse(text: string): Statement {
    return analyse(this.#parser, text, { virtualSchema: this.schemaName })
  }
}
