// An error of ours on its way to a client: a named condition with its arguments.

import type { Condition, Severity } from './conditions.ts'

/** What an error is about, as PostgreSQL names it in fields of their own. */
interface ErrorSubject {
  readonly schema?: string
  readonly table?: string
  readonly constraint?: string
}

interface ErrorFields {
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  /** 1-based character position in the statement. */
  readonly position?: number | undefined
  readonly subject?: ErrorSubject | undefined
  readonly cause?: unknown
}

export class ServerError extends Error {
  override readonly name = 'ServerError'
  readonly condition: Condition
  readonly severity: Severity
  readonly sqlstate: string
  readonly detail: string | undefined
  readonly hint: string | undefined
  readonly position: number | undefined
  readonly subject: ErrorSubject | undefined

  constructor(condition: Condition, args: readonly (string | number)[] = [], fields: ErrorFields = {}) {
    super(fillIn(condition.message, args), fields.cause === undefined ? undefined : { cause: fields.cause })
    this.condition = condition
    this.severity = condition.severity
    this.sqlstate = condition.sqlstate
    this.detail = fields.detail
    this.hint = fields.hint
    this.position = fields.position
    this.subject = fields.subject
  }

  /** The same where the statement begins behind so many characters of a text. */
  movedBy(characters: number): ServerError {
    if (this.position === undefined || characters === 0) return this
    const { detail, hint, subject, cause } = this
    const position = this.position + characters
    return new ServerError({ ...this.condition, message: '%s' }, [this.message], {
      detail,
      hint,
      position,
      subject,
      cause,
    })
  }
}

/** Replaces each `%s` by its argument; arguments are taken literally, also when they hold `%s` themselves. */
function fillIn(template: string, args: readonly (string | number)[]): string {
  let index = 0
  return template.replace(/%s/g, () => String(args[index++] ?? ''))
}
