// Visits every node of a parse tree once, parents first, left to right, and knows which WITH names are in scope.
//
// The walk keeps its own stack: a chain of ten thousand operators is ten thousand levels deep in the tree, which
// the JavaScript stack does not hold.
//
// A WITH query sees the names before it, or all of its WITH clause if that is RECURSIVE; the statement's body sees all.
// The target of INSERT, UPDATE, DELETE and MERGE is never a WITH name.

import { type Fields, fieldsIf, listOf, nodeIn } from './tree.ts'

interface Scope {
  readonly names: ReadonlySet<string>
  readonly outer: Scope | undefined
}

/** A node with its place: the field of its parent it was found in. */
export interface Visited {
  readonly type: string
  readonly fields: Fields
  readonly parentType: string
  readonly parentField: string
  readonly scope: Scope | undefined
}

export function inScope(scope: Scope | undefined, name: string): boolean {
  for (let level = scope; level; level = level.outer) if (level.names.has(name)) return true
  return false
}

export function walk(root: unknown, visit: (node: Visited) => void): void {
  const pending: Visited[] = []
  push(pending, '', '', root, undefined)
  for (let node = pending.pop(); node; node = pending.pop()) {
    visit(node)
    pushChildren(pending, node)
  }
}

const dmlTypes: ReadonlySet<string> = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])

function pushChildren(pending: Visited[], node: Visited): void {
  const { type, fields, scope } = node
  const withClause = fields.withClause as Fields | undefined
  const bodyScope = withClause ? scopeInside(withClause, scope) : scope
  const names = Object.keys(fields)
  for (let index = names.length - 1; index >= 0; index--) {
    const field = names[index] as string
    const value = fields[field]
    if (typeof value !== 'object' || value === null) continue
    if (field === 'withClause') pushWith(pending, value as Fields, scope)
    else if (field === 'relation' && dmlTypes.has(type)) push(pending, type, field, value, undefined)
    // FOR UPDATE OF names aliases of the FROM list, not relations of its own.
    else if (field !== 'lockedRels') push(pending, type, field, value, bodyScope)
  }
}

function push(pending: Visited[], parentType: string, parentField: string, value: unknown, scope: Scope | undefined) {
  if (Array.isArray(value)) {
    for (let index = value.length - 1; index >= 0; index--) push(pending, parentType, parentField, value[index], scope)
    return
  }
  const node = nodeIn(parentType, parentField, value)
  if (node?.fields) pending.push({ type: node.type, fields: node.fields, parentType, parentField, scope })
}

function scopeInside(withClause: Fields, outer: Scope | undefined): Scope {
  return { names: new Set(listOf(withClause.ctes).map(nameOfWith)), outer }
}

function pushWith(pending: Visited[], withClause: Fields, outer: Scope | undefined): void {
  const queries = listOf(withClause.ctes)
  for (let index = queries.length - 1; index >= 0; index--) {
    const seen = withClause.recursive ? queries : queries.slice(0, index)
    push(pending, 'WithClause', 'ctes', queries[index], { names: new Set(seen.map(nameOfWith)), outer })
  }
}

function nameOfWith(query: unknown): string {
  return String(fieldsIf('CommonTableExpr', query)?.ctename ?? '')
}
