// A row of cache.dependencies: what was derived from which relation, and at which epoch. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface DependenciesRow {
  /** what was derived: result, view, aggregate, plan or label */
  readonly kind: string
  /** its identity */
  readonly node: string
  /** relation it was derived from */
  readonly relation: number
  /** name of that relation */
  readonly relation_name: string | null
  /** epoch of the relation when it was derived */
  readonly epoch: string
  /** epoch of the relation now */
  readonly current_epoch: string
  /** partition of the graph that holds the edge */
  readonly partition: string | null
}
