// What a statement says it writes: relations by name, and how. What that leads to (triggers, cascades, partitions) is the catalogue's.

import type { Parser } from './parser.ts'
import { type Fields, listOf, textOf, unwrap } from './tree.ts'
import { walk } from './walk.ts'

export type WriteVerb = 'insert' | 'update' | 'delete' | 'truncate'

export interface WriteTarget {
  readonly schema: string | undefined
  readonly name: string
  readonly verb: WriteVerb
  /** Columns an update sets; undefined if they are not known. */
  readonly columns: readonly string[] | undefined
  /** Not ONLY: what inherits from it counts. */
  readonly inherits: boolean
  /** TRUNCATE … CASCADE. */
  readonly cascades: boolean
}

interface Writes {
  /** False if it is another kind of statement: DDL, a plain query, several. */
  readonly isDml: boolean
  readonly targets: readonly WriteTarget[]
  /** Names of functions it calls. */
  readonly functions: readonly string[]
}

const roots: ReadonlySet<string> = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt', 'TruncateStmt'])

/** Undefined if our grammar does not read it. */
export function writesOf(parser: Parser, text: string): Writes | undefined {
  const { tree } = parser.parse(text)
  if (tree === undefined) return undefined
  const [first, ...others] = tree.stmts
  const root = unwrap(first?.stmt)
  const writes = collectWrites(first?.stmt)
  const isCopyIn = root?.type === 'CopyStmt' && root.fields.is_from === true
  const isQuery = root?.type === 'SelectStmt' && writes.targets.length > 0
  const isDml = others.length === 0 && root !== undefined && (roots.has(root.type) || isCopyIn || isQuery)
  return { ...writes, isDml }
}

/** Of the actions of a rule, as pg_get_ruledef() prints it; undefined if it cannot be read. */
export function writesOfRule(parser: Parser, definition: string): Omit<Writes, 'isDml'> | undefined {
  const { tree } = parser.parse(definition)
  const rule = unwrap(tree?.stmts[0]?.stmt)
  return rule?.type === 'RuleStmt' ? collectWrites(listOf(rule.fields.actions)) : undefined
}

function collectWrites(node: unknown): Omit<Writes, 'isDml'> {
  const targets: WriteTarget[] = []
  const functions = new Set<string>()
  walk(node, ({ type, fields }) => {
    for (const [verb, columns] of verbsOf(type, fields)) {
      const relations = type === 'TruncateStmt' ? listOf(fields.relations) : [{ RangeVar: fields.relation }]
      for (const relation of relations) {
        const target = targetOf(unwrap(relation)?.fields, verb, columns, fields.behavior === 'DROP_CASCADE')
        if (target !== undefined) targets.push(target)
      }
    }
    if (type === 'FuncCall') functions.add(textOf(lastWord(fields.funcname)) ?? '')
  })
  return { targets, functions: [...functions] }
}

function verbsOf(type: string, fields: Fields): [WriteVerb, readonly string[] | undefined][] {
  switch (type) {
    case 'InsertStmt': {
      const conflict = fields.onConflictClause as Fields | undefined
      return conflict?.action === 'ONCONFLICT_UPDATE'
        ? [
            ['insert', undefined],
            ['update', columnsSet(conflict)],
          ]
        : [['insert', undefined]]
    }
    case 'UpdateStmt':
      return [['update', columnsSet(fields)]]
    case 'DeleteStmt':
      return [['delete', undefined]]
    case 'TruncateStmt':
      return [['truncate', undefined]]
    case 'CopyStmt':
      return fields.is_from === true ? [['insert', undefined]] : []
    case 'MergeStmt':
      return listOf(fields.mergeWhenClauses).flatMap((item) => {
        const clause = unwrap(item)?.fields ?? {}
        const verb = mergeVerbs.get(textOf(clause.commandType) ?? '')
        return verb === undefined ? [] : [[verb, verb === 'update' ? columnsSet(clause) : undefined]]
      })
    default:
      return []
  }
}

const mergeVerbs: ReadonlyMap<string, WriteVerb> = new Map([
  ['CMD_INSERT', 'insert'],
  ['CMD_UPDATE', 'update'],
  ['CMD_DELETE', 'delete'],
])

function columnsSet(fields: Fields): string[] {
  return listOf(fields.targetList).map((item) => textOf(unwrap(item)?.fields.name) ?? '')
}

function targetOf(
  range: Fields | undefined,
  verb: WriteVerb,
  columns: readonly string[] | undefined,
  cascades: boolean,
): WriteTarget | undefined {
  const name = textOf(range?.relname)
  if (range === undefined || name === undefined) return undefined
  return { schema: textOf(range.schemaname), name, verb, columns, inherits: range.inh === true, cascades }
}

function lastWord(names: unknown): unknown {
  return (unwrap(listOf(names).at(-1))?.fields as Fields | undefined)?.sval
}
