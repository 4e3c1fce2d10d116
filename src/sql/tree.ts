// The shape of a parse tree, and the few questions that are asked of its nodes everywhere.
//
// libpg-query prints PostgreSQL's own tree as JSON. Where the grammar allows any node, the node is wrapped in an object
// whose one key is its type (`{ RangeVar: { relname: 't' } }`, always a capital letter); where only one type can stand,
// it is printed bare (`relation: { relname: 't' }`). `bareTypes` says what the bare ones are.

export type Fields = { readonly [field: string]: unknown }

export interface Typed {
  readonly type: string
  readonly fields: Fields
}

export interface ParseTree {
  readonly stmts: readonly RawStatement[]
}

export interface RawStatement {
  readonly stmt: unknown
  /** Byte offsets in the text, UTF-8; left out when zero (for the length: up to the end). */
  readonly stmt_location?: number
  readonly stmt_len?: number
}

/** Fields that hold one bare node, by its type. Generated from the grammar's node definitions; roles and aliases left out. */
const bareFields = {
  RangeVar: `IntoClause.rel ColumnDef.identitySequence TableLikeClause.relation PartitionCmd.name InsertStmt.relation
    DeleteStmt.relation UpdateStmt.relation MergeStmt.relation AlterTableStmt.relation CopyStmt.relation CreateStmt.relation
    Constraint.pktable CreatePolicyStmt.table AlterPolicyStmt.table CreateTrigStmt.relation CreateTrigStmt.constrrel
    CreateSeqStmt.sequence AlterSeqStmt.sequence IndexStmt.relation RenameStmt.relation AlterObjectDependsStmt.relation
    AlterObjectSchemaStmt.relation AlterOwnerStmt.relation RuleStmt.relation CompositeTypeStmt.typevar ViewStmt.view
    ClusterStmt.relation VacuumRelation.relation RefreshMatViewStmt.relation ReindexStmt.relation PublicationTable.relation`,
  TypeName: `TypeCast.typeName RangeTableFuncCol.typeName ColumnDef.typeName XmlSerialize.typeName JsonOutput.typeName
    JsonTableColumn.typeName CreateStmt.ofTypename CreateDomainStmt.typeName CreateOpClassStmt.datatype
    CreateOpClassItem.storedtype CreateFunctionStmt.returnType FunctionParameter.argType CreateCastStmt.sourcetype
    CreateCastStmt.targettype CreateTransformStmt.type_name`,
  SelectStmt: 'SelectStmt.larg SelectStmt.rarg',
  WithClause:
    'InsertStmt.withClause DeleteStmt.withClause UpdateStmt.withClause MergeStmt.withClause SelectStmt.withClause',
  IntoClause: 'SelectStmt.intoClause CreateTableAsStmt.into',
  FuncCall: 'CallStmt.funccall',
  WindowDef: 'FuncCall.over JsonAggConstructor.over',
  ObjectWithArgs: `CreateOpClassItem.name AlterFunctionStmt.func AlterOperatorStmt.opername CreateCastStmt.func
    CreateTransformStmt.fromsql CreateTransformStmt.tosql`,
  OnConflictClause: 'InsertStmt.onConflictClause',
  ReturningClause:
    'InsertStmt.returningClause DeleteStmt.returningClause UpdateStmt.returningClause MergeStmt.returningClause',
  InferClause: 'OnConflictClause.infer',
  CollateClause: 'ColumnDef.collClause CreateDomainStmt.collClause',
  CTESearchClause: 'CommonTableExpr.search_clause',
  CTECycleClause: 'CommonTableExpr.cycle_clause',
  JsonValueExpr: `JsonArgument.val JsonFuncExpr.context_item JsonTable.context_item JsonKeyValue.value JsonParseExpr.expr
    JsonSerializeExpr.expr JsonArrayAgg.arg`,
  JsonOutput: `JsonFuncExpr.output JsonParseExpr.output JsonScalarExpr.output JsonSerializeExpr.output
    JsonObjectConstructor.output JsonArrayConstructor.output JsonArrayQueryConstructor.output JsonAggConstructor.output`,
  JsonBehavior: `JsonFuncExpr.on_empty JsonFuncExpr.on_error JsonTable.on_error JsonTableColumn.on_empty
    JsonTableColumn.on_error`,
  JsonTablePathSpec: 'JsonTable.pathspec JsonTableColumn.pathspec',
  JsonAggConstructor: 'JsonObjectAgg.constructor JsonArrayAgg.constructor',
  JsonKeyValue: 'JsonObjectAgg.arg',
  CreateStmt: 'CreateForeignTableStmt.base',
  GrantStmt: 'AlterDefaultPrivilegesStmt.action',
  VariableSetStmt: 'AlterRoleSetStmt.setstmt AlterDatabaseSetStmt.setstmt AlterSystemStmt.setstmt',
  PartitionBoundSpec: 'PartitionCmd.bound CreateStmt.partbound',
  PartitionSpec: 'CreateStmt.partspec',
  PublicationTable: 'PublicationObjSpec.pubtable',
  Integer: 'A_Const.ival',
  Float: 'A_Const.fval',
  Boolean: 'A_Const.boolval',
  String: 'A_Const.sval AlterObjectDependsStmt.extname',
  BitString: 'A_Const.bsval',
}

const bareTypes = new Map<string, string>()
for (const [type, places] of Object.entries(bareFields)) {
  for (const place of places.split(/\s+/)) bareTypes.set(place, type)
}

/**
 * The node a field's value is, wrapped or bare, or undefined if the value is no node (a list, a number, a word).
 * A bare object at an unknown place has the type ''.
 */
export function nodeIn(parentType: string, field: string, value: unknown): Typed | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return unwrap(value) ?? { type: bareTypes.get(`${parentType}.${field}`) ?? '', fields: value as Fields }
}

/** The node inside a wrapper, or undefined if the value is not a wrapped node. */
export function unwrap(value: unknown): Typed | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const keys = Object.keys(value)
  const type = keys[0]
  if (keys.length !== 1 || type === undefined) return undefined
  const first = type.charCodeAt(0)
  if (first < 65 || first > 90) return undefined
  return { type, fields: (value as Fields)[type] as Fields }
}

/** The fields of a wrapped node if it has that type. */
export function fieldsIf(type: string, value: unknown): Fields | undefined {
  const node = unwrap(value)
  return node?.type === type ? node.fields : undefined
}

/** A list field's items; an absent list is empty. */
export function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  const list = fieldsIf('List', value)
  return list ? listOf(list.items) : []
}

/** The words of a list of String nodes, such as a qualified name. Nodes of other types are left out. */
export function wordsOf(value: unknown): string[] {
  const words: string[] = []
  for (const item of listOf(value)) {
    const word = fieldsIf('String', item)?.sval
    if (typeof word === 'string') words.push(word)
    else if (fieldsIf('String', item)) words.push('')
  }
  return words
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** The value of a string constant, through casts of it to a text type or any other; undefined for everything else. */
export function stringConstant(value: unknown): string | undefined {
  let node = unwrap(value)
  while (node?.type === 'TypeCast') node = unwrap(node.fields.arg)
  if (node?.type !== 'A_Const') return undefined
  const constant = node.fields.sval as Fields | undefined
  return constant ? (textOf(constant.sval) ?? '') : undefined
}
