// Reads off a parse tree, in one walk, all that a statement is told by: the names it uses, the reasons against caching it,
// whether it modifies, its parameters, and what it names of the virtual schema.

import { elementName, isBuiltinType, isCatalogType, isDatetimeType } from './builtin-types.ts'
import { columnsCastToDate, mayMeanNow } from './dates.ts'
import { functionReason, settingNamed } from './function-reasons.ts'
import { NameList, qualifiedName } from './names.ts'
import { namedObjects } from './object-names.ts'
import { namedSchemas } from './object-schemas.ts'
import { operatorsOf } from './operators.ts'
import { relationReason } from './relation-reasons.ts'
import type { NamesUsed, QualifiedName, TextReason } from './statement.ts'
import { type Fields, fieldsIf, listOf, nodeIn, textOf, unwrap, wordsOf } from './tree.ts'
import { inScope, type Visited, walk } from './walk.ts'

export interface Collected {
  readonly names: NamesUsed
  /** The first reason not to cache; one that leaves the session's settings unknown comes before all others. */
  readonly reason: TextReason | undefined
  readonly parameterCount: number
  /** INSERT, UPDATE, DELETE or MERGE anywhere, in WITH too. */
  readonly modifies: boolean
  /** SELECT … INTO, and whether its target is temporary. */
  readonly into: 'table' | 'temporary' | undefined
  readonly usesVirtualSchema: boolean
  readonly virtualRelations: readonly string[]
  readonly virtualFunctions: readonly string[]
  readonly usesOtherRelations: boolean
}

export function collect(root: unknown, virtualSchema: string | undefined): Collected {
  const collector = new Collector(virtualSchema)
  walk(root, (node) => collector.visit(node))
  return collector.result()
}

const modifyingTypes: ReadonlySet<string> = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])

const systemColumns: ReadonlySet<string> = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid'])

class Collector {
  readonly #virtualSchema: string | undefined
  readonly #relations = new NameList()
  readonly #functions = new NameList()
  readonly #operators = new NameList()
  readonly #userTypes = new NameList()
  readonly #dateCasts = new Set<string>()
  readonly #settingsRead = new Set<string>()
  readonly #columns = new Set<string>()
  readonly #fields = new Set<string>()
  /** What functions in FROM go by, and what is read of anything by its name: `x.f`. */
  readonly #rangeNames = new Set<string>()
  readonly #qualified: { readonly of: string; readonly word: string }[] = []
  readonly #virtualRelations = new Set<string>()
  readonly #virtualFunctions = new Set<string>()
  /** Type names whose cast has been dealt with, so that they are not counted as column definitions. */
  readonly #castTypes = new Set<unknown>()
  #reason: TextReason | undefined
  #settingsReason: TextReason | undefined
  #parameterCount = 0
  #modifies = false
  #into: 'table' | 'temporary' | undefined
  #usesOtherRelations = false
  #usesVirtualSchema = false

  constructor(virtualSchema: string | undefined) {
    this.#virtualSchema = virtualSchema
  }

  visit(node: Visited): void {
    const { type, fields } = node
    for (const operator of operatorsOf(type, fields)) this.#operators.add(operator)
    if (modifyingTypes.has(type)) this.#modifies = true
    switch (type) {
      case 'RangeVar':
        this.#relationAt(node)
        break
      case 'FuncCall':
        this.#functionCalled(fields)
        break
      case 'ColumnRef':
        this.#columnRead(listOf(fields.fields))
        break
      case 'A_Indirection':
        for (const word of wordsOf(fields.indirection)) this.#fieldRead(word, fields.arg)
        break
      case 'A_Const':
        this.#constant(fields)
        break
      case 'ParamRef':
        this.#parameterCount = Math.max(this.#parameterCount, Number(fields.number ?? 0))
        break
      case 'TypeCast':
        this.#cast(fields)
        break
      case 'TypeName':
        this.#typeNamed(fields)
        break
      case 'SQLValueFunction':
        this.#valueFunction(textOf(fields.op) ?? '')
        break
      case 'RangeFunction':
        for (const name of namesOfRange(fields)) this.#rangeNames.add(name)
        break
      case 'RangeTableSample':
        if (!fields.repeatable) this.#note({ code: 'volatile', argument: 'tablesample' })
        break
      case 'LockingClause':
        this.#note({ code: 'locking', argument: undefined })
        break
      case 'IntoClause':
        this.#intoClause(node)
        break
      default:
        this.#objectsOf(type, fields)
    }
  }

  result(): Collected {
    // A function in FROM may answer plain values, and `x.f` calls a function of one.
    for (const { of, word } of this.#qualified) if (this.#rangeNames.has(of)) this.#fieldRead(word, undefined)
    return {
      names: {
        relations: this.#relations.values(),
        functions: this.#functions.values(),
        operators: this.#operators.values(),
        userTypes: this.#userTypes.values(),
        dateCasts: [...this.#dateCasts],
        settingsRead: [...this.#settingsRead],
        columns: [...this.#columns],
        fields: [...this.#fields],
      },
      reason: this.#settingsReason ?? this.#reason,
      parameterCount: this.#parameterCount,
      modifies: this.#modifies,
      into: this.#into,
      usesVirtualSchema: this.#usesVirtualSchema,
      virtualRelations: [...this.#virtualRelations],
      virtualFunctions: [...this.#virtualFunctions],
      usesOtherRelations: this.#usesOtherRelations,
    }
  }

  #note(reason: TextReason): void {
    if (reason.code === 'unknown_key') this.#settingsReason ??= reason
    else this.#reason ??= reason
  }

  #relationAt(node: Visited): void {
    const name = textOf(node.fields.relname) ?? ''
    const schema = textOf(node.fields.schemaname)
    if (schema === undefined && inScope(node.scope, name)) return
    this.#relation({ schema, name })
  }

  #relation(relation: QualifiedName): void {
    this.#relations.add(relation)
    if (relation.schema !== undefined && relation.schema === this.#virtualSchema) {
      this.#virtualRelations.add(relation.name)
      this.#usesVirtualSchema = true
      this.#note({ code: 'catalog', argument: this.#virtualSchema })
      return
    }
    this.#usesOtherRelations = true
    const reason = relationReason(relation)
    if (reason) this.#note(reason)
  }

  #function(called: QualifiedName): void {
    this.#functions.add(called)
    if (called.schema === undefined || called.schema !== this.#virtualSchema) return
    this.#virtualFunctions.add(called.name)
    this.#usesVirtualSchema = true
  }

  #functionCalled(fields: Fields): void {
    const called = qualifiedName(wordsOf(fields.funcname))
    if (!called) return
    this.#function(called)
    // `xmax(t)` is a way to write `t.xmax`.
    if (called.schema === undefined && systemColumns.has(called.name)) {
      this.#note({ code: 'catalog', argument: called.name })
    }
    const args = listOf(fields.args)
    const reason = functionReason(called, args)
    if (reason) this.#note(reason)
    const setting = settingNamed(called, args)
    if (setting !== undefined) this.#settingsRead.add(setting)
    // `date(x)` is a way to write `x::date`.
    if (args.length === 1 && isDatetimeType(called)) this.#castToDate(args[0])
  }

  #columnRead(items: readonly unknown[]): void {
    const last = textOf(fieldsIf('String', items.at(-1))?.sval)
    if (last === undefined) return
    this.#columns.add(last)
    const of = textOf(fieldsIf('String', items.at(-2))?.sval)
    if (of !== undefined) this.#qualified.push({ of, word: last })
    if (systemColumns.has(last)) this.#note({ code: 'catalog', argument: last })
  }

  /** `(x).f` is a field of x, `f(x)` or `x::f`: which one, the type of x decides, and no text shows it. */
  #fieldRead(word: string, whole: unknown): void {
    this.#columns.add(word)
    this.#fields.add(word)
    const called = { schema: undefined, name: word }
    const reason = functionReason(called, [whole])
    if (reason) this.#note(reason)
    if (isDatetimeType(called)) this.#dateCasts.add('')
    if (systemColumns.has(word)) this.#note({ code: 'catalog', argument: word })
  }

  #constant(fields: Fields): void {
    const text = (fields.sval as Fields | undefined)?.sval
    if (typeof text === 'string' && mayMeanNow(text)) this.#note({ code: 'stable', argument: 'now' })
  }

  #cast(fields: Fields): void {
    const typeName = nodeIn('TypeCast', 'typeName', fields.typeName)
    if (!typeName) return
    const type = qualifiedName(wordsOf(typeName.fields.names))
    this.#castTypes.add(typeName.fields)
    if (!type) return
    if (isDatetimeType(type)) this.#castToDate(fields.arg)
    // A text search configuration given by name is what the functions of text search take anyway.
    const searchConfiguration = elementName(type.name) === 'regconfig' && unwrap(fields.arg)?.type === 'A_Const'
    if (isCatalogType(type) && !searchConfiguration) this.#note({ code: 'catalog', argument: elementName(type.name) })
  }

  #castToDate(expression: unknown): void {
    for (const column of columnsCastToDate(expression)) this.#dateCasts.add(column)
  }

  #typeNamed(fields: Fields): void {
    const type = qualifiedName(wordsOf(fields.names))
    if (!type) return
    if (!isBuiltinType(type)) this.#userTypes.add(type)
    // Times with a zone but no date take the zone's offset of today.
    if (isBuiltinType(type) && elementName(type.name) === 'timetz') this.#note({ code: 'stable', argument: 'timetz' })
    if (this.#castTypes.has(fields)) return
    if (isDatetimeType(type)) this.#dateCasts.add('')
    if (isCatalogType(type)) this.#note({ code: 'catalog', argument: elementName(type.name) })
  }

  #valueFunction(op: string): void {
    // SVFOP_CURRENT_TIMESTAMP_N, with a precision, is the same clock.
    const name = op
      .replace(/^SVFOP_/, '')
      .replace(/_N$/, '')
      .toLowerCase()
    if (/date|time/.test(name)) this.#note({ code: 'stable', argument: name })
  }

  #intoClause(node: Visited): void {
    if (node.parentType !== 'SelectStmt') return
    const target = node.fields.rel as Fields | undefined
    this.#into = isTemporary(target) ? 'temporary' : 'table'
  }

  #objectsOf(type: string, fields: Fields): void {
    const objects = namedObjects(type, fields)
    for (const relation of objects.relations) this.#relation(relation)
    for (const called of objects.functions) this.#function(called)
    if (this.#virtualSchema === undefined) return
    if (namedSchemas(type, fields).includes(this.#virtualSchema)) this.#usesVirtualSchema = true
    // WITH (cache.refresh = …)
    if (type === 'DefElem' && fields.defnamespace === this.#virtualSchema) this.#usesVirtualSchema = true
  }
}

/** Of a function in FROM: its alias, or else its own name. */
function namesOfRange(fields: Fields): readonly string[] {
  const alias = textOf((fields.alias as Fields | undefined)?.aliasname)
  if (alias !== undefined) return [alias]
  return listOf(fields.functions)
    .flatMap((item) => listOf(fieldsIf('List', item)?.items))
    .flatMap((called) => wordsOf(fieldsIf('FuncCall', called)?.funcname).slice(-1))
}

export function isTemporary(relation: Fields | undefined): boolean {
  return relation?.relpersistence === 't' || /^pg_temp(_\d+)?$/.test(String(relation?.schemaname ?? ''))
}
