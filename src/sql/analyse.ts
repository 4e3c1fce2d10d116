// Says what a statement is, from its text alone.

import { type Collected, collect, isTemporary } from './collect.ts'
import { databasesWanted } from './databases-wanted.ts'
import { kindOfType, transactionVerbs } from './kinds.ts'
import { mergeNames, noNames } from './names.ts'
import type { Parser } from './parser.ts'
import type { Statement, StatementKind, TransactionVerb } from './statement.ts'
import { type Fields, fieldsIf, listOf, type RawStatement, stringConstant, type Typed, textOf, unwrap } from './tree.ts'

interface AnalyseOptions {
  /** The schema whose relations and functions are ours, as written before a dot; undefined where it is somebody else's. */
  readonly virtualSchema: string | undefined
}

export function analyse(parser: Parser, text: string, options: AnalyseOptions): Statement {
  const { tree, failure } = parser.parse(text)
  if (!tree) return { ...nothingKnown('unreadable'), syntaxError: failure }
  if (tree.stmts.length === 0) return nothingKnown('empty')
  const statements = tree.stmts.map((raw) => analyseOne(raw, options.virtualSchema))
  const first = statements[0]
  return statements.length === 1 && first ? first : several(statements)
}

function nothingKnown(kind: StatementKind): Statement {
  return {
    kind,
    verb: undefined,
    chain: false,
    isolation: undefined,
    reason: undefined,
    names: noNames,
    parameterCount: 0,
    usesVirtualSchema: false,
    virtualRelations: [],
    virtualFunctions: [],
    usesOtherRelations: false,
    renamed: kind === 'unreadable' ? undefined : [],
    truncates: false,
    temporaryOnly: false,
    fillsTemporary: false,
    databasesWanted: [],
    withHold: false,
    parts: [],
    syntaxError: undefined,
  }
}

function several(statements: readonly Statement[]): Statement {
  return {
    ...nothingKnown('several'),
    reason: statements.find((statement) => statement.reason?.code === 'unknown_key')?.reason,
    renamed: statements.every(({ renamed }) => renamed)
      ? statements.flatMap(({ renamed }) => renamed ?? [])
      : undefined,
    truncates: statements.every((statement) => statement.truncates),
    names: statements.map((statement) => statement.names).reduce(mergeNames),
    parameterCount: Math.max(...statements.map((statement) => statement.parameterCount)),
    usesVirtualSchema: statements.some((statement) => statement.usesVirtualSchema),
    virtualRelations: [...new Set(statements.flatMap((statement) => statement.virtualRelations))],
    virtualFunctions: [...new Set(statements.flatMap((statement) => statement.virtualFunctions))],
    usesOtherRelations: statements.some((statement) => statement.usesOtherRelations),
    parts: statements.map((statement) => statement.kind),
  }
}

function analyseOne(raw: RawStatement, virtualSchema: string | undefined): Statement {
  const node = unwrap(raw.stmt)
  if (!node) return nothingKnown('unreadable')
  const found = collect(raw.stmt, virtualSchema)
  const kind = kindOf(node, found)
  return {
    kind,
    verb: verbOf(node),
    chain: node.type === 'TransactionStmt' && node.fields.chain === true,
    isolation: isolationOf(node),
    reason: kind === 'read' ? found.reason : undefined,
    names: found.names,
    parameterCount: found.parameterCount,
    usesVirtualSchema: found.usesVirtualSchema,
    virtualRelations: found.virtualRelations,
    virtualFunctions: found.virtualFunctions,
    usesOtherRelations: found.usesOtherRelations,
    renamed: renamedBy(node),
    truncates: node.type === 'TruncateStmt',
    temporaryOnly: kind === 'ddl' && isTemporaryOnly(node, found),
    fillsTemporary: (node.type === 'SelectStmt' || node.type === 'CreateTableAsStmt') && isTemporaryOnly(node, found),
    databasesWanted: databasesWanted(node),
    withHold: node.type === 'DeclareCursorStmt' && (Number(node.fields.options ?? 0) & cursorWithHold) !== 0,
    parts: [],
    syntaxError: undefined,
  }
}

function renamedBy({ type, fields }: Typed): readonly string[] | undefined {
  if (type === 'DiscardStmt') return fields.target === 'DISCARD_ALL' ? undefined : []
  if (type !== 'PrepareStmt' && type !== 'DeallocateStmt') return []
  const name = textOf(fields.name)
  // DEALLOCATE ALL has none.
  return name === undefined ? undefined : [name]
}

/** CURSOR_OPT_HOLD of PostgreSQL's parsenodes.h. */
const cursorWithHold = 0x20

function kindOf(node: Typed, found: Collected): StatementKind {
  switch (node.type) {
    case 'SelectStmt':
      return kindOfQuery(node, found)
    case 'CopyStmt':
      return kindOfCopy(node.fields, found)
    case 'ExplainStmt':
      return kindOfExplain(node.fields)
    case 'VacuumStmt':
      return node.fields.is_vacuumcmd && isOptionOn(node.fields.options, 'full') ? 'ddl' : 'utility'
    default:
      return kindOfType(node.type) ?? 'unreadable'
  }
}

function kindOfQuery(query: Typed | undefined, found: Collected): StatementKind {
  if (query?.type !== 'SelectStmt') return 'write'
  if (found.into) return 'ddl'
  return found.modifies ? 'write' : 'read'
}

function kindOfCopy(fields: Fields, found: Collected): StatementKind {
  const query = unwrap(fields.query)
  if (query && kindOfQuery(query, found) !== 'read') return 'explain_write'
  if (fields.filename !== undefined || fields.is_program) return 'copy_file'
  return fields.is_from ? 'copy_in' : 'copy_out'
}

function kindOfExplain(fields: Fields): StatementKind {
  if (!isOptionOn(fields.options, 'analyze')) return 'explain'
  // ANALYZE runs the query, and what it calls may write whatever the text looks like.
  return 'explain_write'
}

/** A boolean option as EXPLAIN and VACUUM read it; the last one counts, and what is not plainly off is on. */
function isOptionOn(options: unknown, name: string): boolean {
  let on = false
  for (const option of listOf(options)) {
    const element = fieldsIf('DefElem', option)
    if (element?.defname === name) on = !isOff(unwrap(element.arg))
  }
  return on
}

function isOff(value: Typed | undefined): boolean {
  if (value?.type === 'String') return ['off', 'false'].includes((textOf(value.fields.sval) ?? '').toLowerCase())
  if (value?.type === 'Boolean') return value.fields.boolval !== true
  return value?.type === 'Integer' && Number(value.fields.ival ?? 0) === 0
}

function verbOf(node: Typed): TransactionVerb | undefined {
  return node.type === 'TransactionStmt' ? transactionVerbs.get(textOf(node.fields.kind) ?? '') : undefined
}

function isolationOf(node: Typed): string | undefined {
  const level = isolationSet(node)?.toLowerCase()
  return level === 'read committed' ? undefined : level
}

function isolationSet(node: Typed): string | undefined {
  const { type, fields } = node
  if (type === 'TransactionStmt') return isolationAmong(fields.options)
  if (type !== 'VariableSetStmt') return undefined
  if (fields.name === 'TRANSACTION') return isolationAmong(fields.args)
  // SET transaction_isolation = 'serializable' is the other spelling of SET TRANSACTION.
  return fields.name === 'transaction_isolation' ? stringConstant(listOf(fields.args)[0]) : undefined
}

function isolationAmong(options: unknown): string | undefined {
  let level: string | undefined
  for (const option of listOf(options)) {
    const element = fieldsIf('DefElem', option)
    if (element?.defname === 'transaction_isolation') level = stringConstant(element.arg)
  }
  return level
}

function isTemporaryOnly(node: Typed, found: Collected): boolean {
  const { type, fields } = node
  switch (type) {
    case 'SelectStmt':
      return found.into === 'temporary'
    case 'CreateStmt':
      return isTemporary(fields.relation as Fields)
    case 'CreateTableAsStmt':
      return isTemporary((fields.into as Fields | undefined)?.rel as Fields)
    case 'ViewStmt':
      return isTemporary(fields.view as Fields)
    case 'CreateSeqStmt':
      return isTemporary(fields.sequence as Fields)
    default:
      return false
  }
}
