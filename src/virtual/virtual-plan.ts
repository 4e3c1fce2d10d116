// What happens to a statement that names the virtual schema: the system database runs it, the origin gets it with the
// rows in it, or it is refused. Decided once per text.

import { conditions, ServerError } from '../errors/index.ts'
import {
  type Fields,
  fieldsIf,
  listOf,
  type Parser,
  type ParseTree,
  type Statement,
  unwrap,
  walk,
} from '../sql/index.ts'
import { isCatalogue } from './catalogue-router.ts'
import { InlinedStatement } from './inlined-statement.ts'
import { Narrowing, narrowingOf } from './narrowing.ts'
import { laterFunctions, ownFunctions } from './own-functions.ts'
import { dependsOnServer } from './server-names.ts'
import { findVirtualTable, laterRelations } from './tables/index.ts'

export type VirtualPlan =
  /**
   * For VirtualSession.run with these relations, and of them the rows that `narrowing` says. `mayBeElsewhere`: a name that is not known
   * there may be known at the origin.
   */
  | {
      readonly kind: 'system'
      readonly relations: readonly string[]
      readonly narrowing: Narrowing
      readonly mayBeElsewhere: boolean
    }
  /** For the origin: `inlined.render()` before each run; neither the text nor the answer may be kept. */
  | { readonly kind: 'inline'; readonly inlined: InlinedStatement; readonly narrowing: Narrowing }
  /**
   * In an admin database: a statement about the session itself (BEGIN, SET, DEALLOCATE …), which the session answers.
   */
  | { readonly kind: 'session' }
  | { readonly kind: 'refused'; readonly error: ServerError }

interface VirtualPlanOptions {
  readonly parser: Parser
  readonly schemaName: string
  /** True in an admin database: there is no origin to ask. */
  readonly admin: boolean
  /** True when the system database did not know a name (`VirtualOutcome.unresolved`): the origin may. */
  readonly elsewhere?: boolean
}

/** For one statement that names the virtual schema, or for any one statement in an admin database. */
export function planVirtual(text: string, statement: Statement, options: VirtualPlanOptions): VirtualPlan {
  try {
    return options.admin ? planForAdmin(text, statement, options) : planFor(text, statement, options)
  } catch (error) {
    if (error instanceof ServerError) return { kind: 'refused', error }
    throw error
  }
}

/** For a text that is the origin's but for words of ours that have been taken out. */
export function planPlain(text: string): VirtualPlan {
  return { kind: 'inline', inlined: InlinedStatement.plain(text), narrowing: new Narrowing([]) }
}

const readingKinds: ReadonlySet<string> = new Set(['read', 'explain', 'copy_out'])

const sessionKinds: ReadonlySet<string> = new Set(['transaction', 'set', 'deallocate', 'empty'])

function planForAdmin(text: string, statement: Statement, options: VirtualPlanOptions): VirtualPlan {
  if (sessionKinds.has(statement.kind)) return { kind: 'session' }
  if (statement.kind === 'unreadable') throw unreadable(statement)
  const { relations } = statement.names
  const { tree } = options.parser.parse(text)
  const ours = (schema: string | undefined, name: string): boolean =>
    schema === options.schemaName || isCatalogue(schema, name)
  const foreign = relations.find(({ schema, name }) => !ours(schema, name))
  const onlyReads = statement.kind === 'show' || isReading(statement, tree)
  if (!onlyReads && !statement.usesVirtualSchema) throw onlyOurs(options, 'this statement')
  if (foreign !== undefined) throw onlyOurs(options, `relation "${foreign.name}"`)
  if (onlyReads && !statement.usesVirtualSchema) return system(statement, tree, options)
  return planFor(text, { ...statement, usesOtherRelations: false }, options)
}

function planFor(text: string, statement: Statement, options: VirtualPlanOptions): VirtualPlan {
  if (options.admin && statement.kind === 'cursor') throw onlyOurs(options, 'a cursor')
  const { schemaName, parser } = options
  if (statement.kind === 'unreadable') throw unreadable(statement)
  const tree = parser.parse(text).tree
  if (tree === undefined) throw notSupported('a statement over the virtual schema that cannot be parsed')
  refuseChanges(tree, statement, schemaName)
  for (const name of statement.virtualRelations) {
    if (laterRelations.has(name)) throw comesLater(`relation "${schemaName}.${name}"`)
  }
  const [called] = statement.virtualFunctions
  if (called !== undefined) throw misplacedFunction(schemaName, called)
  // What is none of ours may be a view of the database, the types of whose columns only the origin knows.
  const mayBeView = statement.virtualRelations.some((name) => findVirtualTable(name) === undefined)
  if (options.admin || !(options.elsewhere === true || mayBeView || needsOrigin(statement, tree)))
    return system(statement, tree, options)
  const inlined = InlinedStatement.make(text, tree, schemaName, parser)
  return { kind: 'inline', inlined, narrowing: narrowingOf(tree, schemaName) }
}

function system(statement: Statement, tree: ParseTree | undefined, options: VirtualPlanOptions): VirtualPlan {
  const relations = statement.virtualRelations
  const narrowing = tree === undefined ? new Narrowing([]) : narrowingOf(tree, options.schemaName)
  // A relation of ours that there is none of is nowhere else.
  const mayBeElsewhere = !options.admin && relations.every((name) => findVirtualTable(name) !== undefined)
  return { kind: 'system', relations, narrowing, mayBeElsewhere }
}

/** EXPLAIN ANALYZE runs what it explains, and so counts as a writer at the origin; here a query reads all the same. */
function isReading(statement: Statement, tree: ParseTree | undefined): boolean {
  if (statement.kind !== 'explain_write' || tree === undefined) return readingKinds.has(statement.kind)
  return [...statementsIn(tree)].every(({ type, fields }) => type === 'SelectStmt' && fields.intoClause === undefined)
}

/** Built-in functions and types are in the system database; whatever has another schema's name is not. */
function needsOrigin(statement: Statement, tree: ParseTree): boolean {
  const { functions, operators, userTypes } = statement.names
  const isElsewhere = ({ schema }: { schema: string | undefined }): boolean =>
    schema !== undefined && schema !== 'pg_catalog'
  return (
    statement.usesOtherRelations ||
    !isReading(statement, tree) ||
    userTypes.length > 0 ||
    functions.some(isElsewhere) ||
    operators.some(isElsewhere) ||
    dependsOnServer(statement, tree)
  )
}

/** Nothing of the virtual schema can be changed by SQL in this release. */
function refuseChanges(tree: ParseTree, statement: Statement, schemaName: string): void {
  const node = unwrap(tree.stmts[0]?.stmt)
  if (node === undefined) return
  switch (statement.kind) {
    case 'write':
    case 'explain':
    case 'explain_write':
    case 'copy_in':
      refuseWrites(tree, schemaName)
      return
    case 'copy_file':
      refuseWrites(tree, schemaName)
      throw notSupported(`a file in a statement on schema "${schemaName}"`)
    case 'ddl':
      refuseDdl(tree, node.type, node.fields, schemaName)
      return
    // A cursor keeps the rows it was opened on: the origin gets them with it (SQL-25), and answers FETCH.
    case 'cursor':
    case 'read':
    case 'copy_out':
    case 'call':
      return
    default:
      throw notSupported(`this statement on schema "${schemaName}"`)
  }
}

const verbs: Readonly<Record<string, string>> = {
  InsertStmt: 'INSERT',
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
  CopyStmt: 'COPY FROM',
}

/** Writes to a user's table that read ours are the origin's; writes to ours are refused, wherever in the statement. */
function refuseWrites(tree: ParseTree, schemaName: string): void {
  for (const { type, fields } of statementsIn(tree)) {
    const verb = verbs[type]
    const target = fields.relation as Fields | undefined
    const reads = type === 'CopyStmt' && fields.is_from !== true
    if (verb !== undefined && !reads && target?.schemaname === schemaName) refuseWrite(verb, target, schemaName)
    if (type !== 'TruncateStmt') continue
    const emptied = listOf(fields.relations).map((item) => fieldsIf('RangeVar', item))
    const ours = emptied.find((relation) => relation?.schemaname === schemaName)
    if (ours !== undefined) refuseTruncate(String(ours.relname), schemaName)
  }
}

function refuseWrite(verb: string, target: Fields, schemaName: string): never {
  const name = String(target.relname)
  if (laterRelations.has(name)) throw comesLater(`relation "${schemaName}.${name}"`)
  // By itself it would have been a command.
  if (name === 'blobs') {
    const place = verb === 'TRUNCATE' || verb === 'COPY FROM' ? '' : ' inside another statement'
    throw new ServerError(conditions.featureNotSupported, [`${verb} of relation "${schemaName}.blobs"${place}`], {
      hint: changeHint(schemaName, name),
    })
  }
  throw new ServerError(conditions.readOnlyRelation, [verb, `${schemaName}.${name}`], {
    hint: changeHint(schemaName, name),
  })
}

/** No object of our schema can be truncated (SQL-11). */
function refuseTruncate(relation: string, schemaName: string): never {
  throw new ServerError(conditions.featureNotSupported, [`TRUNCATE of relation "${schemaName}.${relation}"`], {
    hint: changeHint(schemaName, relation),
  })
}

/** The statement that does what a write to the relation would. */
function changeHint(schemaName: string, relation: string): string {
  switch (relation) {
    case 'settings':
      return `Change a setting with SET ${schemaName}.name = value, or for the whole server with ALTER SYSTEM SET.`
    case 'results':
    case 'entries':
    case 'caches':
      return 'Remove entries with FLUSH ALL CACHES, FLUSH CACHE name or INVALIDATE CACHE RELATION name.'
    case 'plans':
      return 'Forget plans with FLUSH CACHE PLANS.'
    case 'relations':
    case 'dependencies':
      return 'Tell of a change with INVALIDATE CACHE RELATION name.'
    case 'blobs':
      return 'Change it with INSERT, UPDATE or DELETE alone; FLUSH CACHE NAMESPACE name empties a namespace.'
    case 'tags':
      return 'Remove the entries of a label with INVALIDATE CACHE TAG value, or change it with UPDATE of blobs.'
    case 'namespaces':
      return 'CREATE, ALTER and DROP CACHE NAMESPACE change namespaces.'
    case 'jobs':
    case 'backups':
      return 'BACKUP CACHE and RESTORE CACHE start a job, CANCEL JOB ends it.'
    case 'stats':
      return `Zero the counters with CALL ${schemaName}.reset_stats().`
    default:
      return 'The server fills it; it can only be read.'
  }
}

function refuseDdl(tree: ParseTree, type: string, fields: Fields, schemaName: string): void {
  if (makesSchema(type, fields) === schemaName) {
    throw new ServerError(conditions.reservedName, [schemaName], { hint: 'The setting virtual_schema renames ours.' })
  }
  if (type === 'CreateTableAsStmt' || type === 'SelectStmt') {
    const into = (fields.into ?? fields.intoClause) as Fields | undefined
    const target = into?.rel as Fields | undefined
    const isView = fields.objtype === 'OBJECT_MATVIEW'
    if (isView && target?.schemaname === schemaName) throw comesLater('CREATE MATERIALIZED VIEW')
    refuseOptions(tree, schemaName)
    // A table of the user's made from our rows is the origin's business.
    if (target?.schemaname !== schemaName && !isView) return
  }
  refuseOptions(tree, schemaName)
  const verb = verbOfView(type, fields)
  if (verb !== undefined) throw comesLater(`${verb} MATERIALIZED VIEW`)
  throw new ServerError(conditions.featureNotSupported, [`this definition over schema "${schemaName}"`], {
    hint: `Objects in schema "${schemaName}", and views over its relations, cannot be made, changed or dropped.`,
  })
}

/** Statements that a view of ours will have. */
function verbOfView(type: string, { objtype, objectType, removeType, renameType }: Fields): string | undefined {
  if (type === 'RefreshMatViewStmt') return 'REFRESH'
  if (![objtype, objectType, removeType, renameType].includes('OBJECT_MATVIEW')) return undefined
  if (type === 'DropStmt') return 'DROP'
  return type === 'CommentStmt' ? 'COMMENT ON' : 'ALTER'
}

/** The schema that comes to be by it. */
function makesSchema(type: string, fields: Fields): unknown {
  if (type === 'CreateSchemaStmt') return fields.schemaname ?? (fields.authrole as Fields | undefined)?.rolename
  return type === 'RenameStmt' && fields.renameType === 'OBJECT_SCHEMA' ? fields.newname : undefined
}

/** Options of ours say how a view of ours is kept; on an object of another schema they mean nothing. */
function refuseOptions(tree: ParseTree, schemaName: string): void {
  let option: unknown
  let relation: unknown
  walk(
    tree.stmts.map((raw) => raw.stmt),
    ({ type, fields }) => {
      if (type === 'RangeVar') relation ??= fields.relname
      if (type === 'DefElem' && fields.defnamespace === schemaName) option ??= fields.defname
    },
  )
  if (option === undefined) return
  const what = `option "${schemaName}.${option}" of an object of another schema`
  throw new ServerError(conditions.featureNotSupported, [what], { hint: `Name the view ${schemaName}.${relation}.` })
}

function* statementsIn(tree: ParseTree): Iterable<{ type: string; fields: Fields }> {
  for (const raw of tree.stmts) {
    let node = unwrap(raw.stmt)
    while (node?.type === 'ExplainStmt') node = unwrap(node.fields.query)
    if (node === undefined) continue
    yield node
    const withClause = node.fields.withClause as Fields | undefined
    for (const query of listOf(withClause?.ctes)) {
      const inner = unwrap(fieldsIf('CommonTableExpr', query)?.ctequery)
      if (inner !== undefined) yield inner
    }
  }
}

/** It stands in another statement, and does not belong there. */
export function misplacedFunction(schemaName: string, name: string): ServerError {
  const label = `${schemaName}.${name}()`
  if (laterFunctions.has(name)) return comesLater(`function ${label}`)
  if (!ownFunctions.has(name)) return new ServerError(conditions.undefinedFunction, [label])
  return new ServerError(conditions.featureNotSupported, [`function ${label} in this place`], {
    hint: `A function of schema "${schemaName}" that changes something stands alone: SELECT * FROM ${label}, SELECT ${label} or CALL ${label}.`,
  })
}

function comesLater(what: string): ServerError {
  return new ServerError(conditions.featureNotSupported, [what], { detail: 'It comes with a later release.' })
}

function notSupported(what: string): ServerError {
  return new ServerError(conditions.featureNotSupported, [what])
}

function onlyOurs(options: VirtualPlanOptions, what: string): ServerError {
  return new ServerError(conditions.featureNotSupported, [`${what} in an admin database`], {
    hint: `Here are only the relations of schema "${options.schemaName}" and the server's own statements; connect to a database of the origin.`,
  })
}

function unreadable(statement: Statement): ServerError {
  return new ServerError(conditions.syntaxError, [statement.syntaxError?.message ?? 'syntax error'], {
    position: statement.syntaxError?.position,
  })
}
