// What cannot be kept up to date from changes, and what an expression refuses to compute.

/** Why a query is not maintained from changes. `shape`: of its text; `type`: of the values in it; `relation`: of what it reads. */
type RefusalKind = 'shape' | 'type' | 'relation'

export class NotMaintainable extends Error {
  override readonly name = 'NotMaintainable'
  readonly kind: RefusalKind

  constructor(kind: RefusalKind, message: string) {
    super(message)
    this.kind = kind
  }
}

/** PostgreSQL would answer with this error. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError'
  readonly sqlstate: string

  constructor(sqlstate: string, message: string) {
    super(message)
    this.sqlstate = sqlstate
  }
}
