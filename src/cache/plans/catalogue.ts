// What the catalogue of the origin says about the names a statement uses, and the verdict that follows: may its answers be kept?
//
// Two questions are put to the origin, once per statement shape and context and again now and then: one about the relations that were
// locked (kind, persistence, inheritance, row security, text of views and policies), one about the functions, operators, types and
// columns that those texts and the statement name. Whatever is not plainly harmless is refused with a reason (RRC-12).

import {
  comparableTypes,
  type NamesUsed,
  type ReasonCode,
  stableFunctionsInKey,
  type TextReason,
} from '../../sql/index.ts'
import { bindFrame, closeFrame, executeFrame, parseFrame } from '../../wire/index.ts'
import type { ColumnFacts } from './shape.ts'

export interface RelationFacts {
  readonly oid: number
  readonly name: string
  /** pg_class.relkind: r table, p partitioned, v view, m materialized view, f foreign, S sequence, i index, t toast, c type … */
  readonly kind: string
  readonly persistence: string
  /** Has or had children: which of them a read locks may change from run to run. */
  readonly inherited: boolean
  readonly secured: boolean
  readonly definition: string | undefined
  readonly policies: readonly { readonly name: string; readonly expression: string | undefined }[]
  readonly schema: string
  readonly table: string
  /** Of a permanent table: those of types that compare as they are printed. */
  readonly columns: readonly ColumnFacts[] | null
}

interface FunctionFacts {
  readonly name: string
  readonly schema: string
  readonly volatility: 'i' | 's' | 'v'
  readonly builtin: boolean
}

interface NamedFacts {
  readonly functions: readonly FunctionFacts[]
  /** Operators that are not built in. */
  readonly operators: readonly { readonly name: string; readonly volatility: string }[]
  readonly types: readonly { readonly name: string; readonly kind: string }[]
  /** Columns of the relations involved whose names are cast to dates. */
  readonly columns: readonly { readonly name: string; readonly type: string; readonly builtin: boolean }[]
  /** Users' functions that a column reference on a row may stand for: `o.total` is `total(o)`. */
  readonly attributes: readonly FunctionFacts[]
  /** Casts of users whose functions are not immutable, or that go by way of text: their input may read the clock. */
  readonly volatileCasts: number
  /** Functions, built in or not, that a word behind any value may call: `(x).total` is `total(x)`. */
  readonly calls: readonly FunctionFacts[]
  /** Types of users that such a word may cast to. */
  readonly castTypes: readonly string[]
  /** A type of a user that is found before the built-in one of its name. */
  readonly shadowed: string | undefined
  /** A type among those the client gave its parameters whose input may run code of users, or read the clock. */
  readonly parameterType: string | undefined
  /** Columns of the relations involved of type timetz, and of type time. */
  readonly zonedTimes: readonly string[]
  readonly times: readonly string[]
}

/** Neither generated nor of a collation for which other texts are equal; in the identity if an index says so that holds at every moment. */
const comparableColumns = `(SELECT pg_catalog.json_agg(pg_catalog.json_build_object('attribute', a.attnum, 'name', a.attname, 'type', a.atttypid::pg_catalog.int8,
   'identity', EXISTS (SELECT 1 FROM pg_catalog.pg_index i, pg_catalog.generate_series(0, i.indnkeyatts OPERATOR(pg_catalog.-) 1) k
     WHERE i.indrelid OPERATOR(pg_catalog.=) c.oid AND i.indkey[k] OPERATOR(pg_catalog.=) a.attnum AND i.indisvalid AND i.indimmediate
     AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END)
    OR c.relreplident OPERATOR(pg_catalog.=) 'f'))
  FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_collation l ON l.oid OPERATOR(pg_catalog.=) a.attcollation
  WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
   AND a.attgenerated OPERATOR(pg_catalog.=) ''::pg_catalog."char" AND a.atttypid OPERATOR(pg_catalog.=) ANY ('{${comparableTypes.join()}}'::pg_catalog.oid[])
   AND (l.oid IS NULL OR (l.collisdeterministic AND pg_catalog.getdatabaseencoding() OPERATOR(pg_catalog.=) 'UTF8')))`

const relationsText = `SELECT pg_catalog.json_agg(pg_catalog.json_build_object('oid', c.oid::pg_catalog.int8, 'name', pg_catalog.concat(n.nspname, '.', c.relname),
  'kind', c.relkind, 'persistence', c.relpersistence, 'inherited', c.relhassubclass OR c.relkind OPERATOR(pg_catalog.=) 'p', 'secured', c.relrowsecurity,
  'schema', n.nspname, 'table', c.relname, 'columns', CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'r' AND c.relpersistence OPERATOR(pg_catalog.=) 'p' THEN ${comparableColumns} END,
  'definition', CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'v' THEN pg_catalog.pg_get_viewdef(c.oid) END,
  'policies', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', p.polname, 'expression', pg_catalog.pg_get_expr(p.polqual, p.polrelid)))
    FROM pg_catalog.pg_policy p WHERE c.relrowsecurity AND p.polrelid OPERATOR(pg_catalog.=) c.oid)))
 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
 WHERE c.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[])`

const volatilityOfAggregate = `(SELECT pg_catalog.max(q.provolatile::pg_catalog.text) FROM pg_catalog.pg_aggregate a JOIN pg_catalog.pg_proc q ON q.oid OPERATOR(pg_catalog.=) ANY (ARRAY[
  a.aggtransfn::pg_catalog.oid, a.aggfinalfn::pg_catalog.oid, a.aggcombinefn::pg_catalog.oid, a.aggserialfn::pg_catalog.oid, a.aggdeserialfn::pg_catalog.oid,
  a.aggmtransfn::pg_catalog.oid, a.aggminvtransfn::pg_catalog.oid, a.aggmfinalfn::pg_catalog.oid]) WHERE a.aggfnoid::pg_catalog.oid OPERATOR(pg_catalog.=) f.oid)`

/** True if the defaults of a function's parameters, which belong to each call that leaves them out, are constants or made of such. */
const defaultsStandStill = `(f.proargdefaults::pg_catalog.text OPERATOR(pg_catalog.!~) '[{](?!(CONST|FUNCEXPR|OPEXPR|RELABELTYPE|ARRAYEXPR|ARRAY) )'
  AND NOT EXISTS (SELECT FROM pg_catalog.regexp_matches(f.proargdefaults::pg_catalog.text, ':(?:op)?funcid ([0-9]+)', 'g') m(ids)
   LEFT JOIN pg_catalog.pg_proc d ON d.oid OPERATOR(pg_catalog.=) m.ids[1]::pg_catalog.oid
   WHERE d.oid IS NULL OR d.oid OPERATOR(pg_catalog.>=) 16384 OR d.provolatile OPERATOR(pg_catalog.<>) 'i'))`

/** Of a function as it is called: a default that is evaluated at each call makes an immutable one stable at best. */
const volatility = `CASE WHEN f.oid OPERATOR(pg_catalog.<) 16384 THEN f.provolatile::pg_catalog.text
   WHEN f.prokind OPERATOR(pg_catalog.=) 'a' THEN ${volatilityOfAggregate}
   WHEN f.provolatile OPERATOR(pg_catalog.<>) 'i' OR f.proargdefaults IS NULL OR ${defaultsStandStill} THEN f.provolatile::pg_catalog.text ELSE 's' END`

/** May be called with one argument. */
const takesOne = `(f.pronargs OPERATOR(pg_catalog.>=) 1 AND f.pronargs OPERATOR(pg_catalog.-) f.pronargdefaults OPERATOR(pg_catalog.<=) 1)`

const pathOfSession = 'pg_catalog.current_schemas(false)'

/** Without pg_catalog in the path, what is built in is found first. */
const shadowedType = `CASE WHEN 'pg_catalog' OPERATOR(pg_catalog.=) ANY (${pathOfSession}) THEN (SELECT pg_catalog.min(t.typname::pg_catalog.text)
  FROM pg_catalog.pg_type b JOIN pg_catalog.pg_type t ON t.typname OPERATOR(pg_catalog.=) b.typname AND t.oid OPERATOR(pg_catalog.>=) 16384
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace
  WHERE b.typnamespace OPERATOR(pg_catalog.=) 11::pg_catalog.oid AND pg_catalog.array_position(${pathOfSession}, n.nspname)
   OPERATOR(pg_catalog.<) pg_catalog.array_position(${pathOfSession}, 'pg_catalog'::pg_catalog.name)) END`

const columnsOf = (types: string) => `(SELECT pg_catalog.json_agg(a.attname) FROM pg_catalog.pg_attribute a
   JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) a.atttypid
   WHERE a.attrelid OPERATOR(pg_catalog.=) ANY ($4::pg_catalog.oid[]) AND (t.oid OPERATOR(pg_catalog.=) ANY ('{${types}}'::pg_catalog.oid[])
    OR t.typbasetype OPERATOR(pg_catalog.=) ANY ('{${types}}'::pg_catalog.oid[])))`

const namesText = `SELECT pg_catalog.json_build_object(
 'functions', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', f.proname, 'schema', n.nspname, 'builtin', f.oid OPERATOR(pg_catalog.<) 16384,
    'volatility', ${volatility}))
   FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) f.pronamespace
   WHERE f.proname OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.name[])),
 'operators', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', o.oprname, 'volatility', f.provolatile))
   FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_proc f ON f.oid OPERATOR(pg_catalog.=) o.oprcode::pg_catalog.oid
   WHERE o.oid OPERATOR(pg_catalog.>=) 16384 AND o.oprname OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.name[])),
 'types', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', t.typname, 'kind', t.typtype))
   FROM pg_catalog.pg_type t WHERE t.typname OPERATOR(pg_catalog.=) ANY ($3::pg_catalog.name[])),
 'columns', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', a.attname, 'type', t.typname, 'builtin', t.oid OPERATOR(pg_catalog.<) 16384))
   FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) a.atttypid
   WHERE a.attrelid OPERATOR(pg_catalog.=) ANY ($4::pg_catalog.oid[]) AND a.attname OPERATOR(pg_catalog.=) ANY ($5::pg_catalog.name[])),
 'attributes', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', f.proname, 'schema', n.nspname, 'builtin', false, 'volatility', ${volatility}))
   FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) f.pronamespace
   JOIN pg_catalog.pg_type a ON a.oid OPERATOR(pg_catalog.=) f.proargtypes[0]
   WHERE f.oid OPERATOR(pg_catalog.>=) 16384 AND ${takesOne} AND a.typtype OPERATOR(pg_catalog.<>) 'b'
   AND f.proname OPERATOR(pg_catalog.=) ANY ($6::pg_catalog.name[])),
 'calls', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', f.proname, 'schema', n.nspname, 'builtin', f.oid OPERATOR(pg_catalog.<) 16384,
    'volatility', ${volatility}))
   FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) f.pronamespace
   WHERE f.proname OPERATOR(pg_catalog.=) ANY ($7::pg_catalog.name[]) AND ${takesOne}),
 'castTypes', (SELECT pg_catalog.json_agg(t.typname) FROM pg_catalog.pg_type t
   WHERE t.oid OPERATOR(pg_catalog.>=) 16384 AND t.typtype OPERATOR(pg_catalog.<>) 'e' AND t.typname OPERATOR(pg_catalog.=) ANY ($7::pg_catalog.name[])),
 'parameterType', (SELECT pg_catalog.min(t.typname::pg_catalog.text) FROM pg_catalog.pg_type t
   LEFT JOIN pg_catalog.pg_type e ON e.oid OPERATOR(pg_catalog.=) t.typelem
   WHERE t.oid OPERATOR(pg_catalog.=) ANY ($8::pg_catalog.oid[]) AND (t.oid OPERATOR(pg_catalog.=) ANY ('{1266,1270}'::pg_catalog.oid[])
    OR (t.oid OPERATOR(pg_catalog.>=) 16384 AND COALESCE(e.typtype, t.typtype) OPERATOR(pg_catalog.<>) ALL ('{e,b}'::pg_catalog."char"[])))),
 'shadowed', ${shadowedType}, 'zonedTimes', ${columnsOf('1266,1270')}, 'times', ${columnsOf('1083,1183')},
 'volatileCasts', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_cast c LEFT JOIN pg_catalog.pg_proc f ON f.oid OPERATOR(pg_catalog.=) c.castfunc
   WHERE c.oid OPERATOR(pg_catalog.>=) 16384 AND (f.provolatile OPERATOR(pg_catalog.<>) 'i' OR c.castmethod OPERATOR(pg_catalog.=) 'i')))`

function arrayLiteral(items: readonly (string | number)[]): string {
  return `{${items.map((item) => `"${String(item).replace(/(["\\])/g, '\\$1')}"`).join(',')}}`
}

/** Names under which a connection keeps our questions; they show in pg_prepared_statements. */
export const relationsQuestion = '_larder_relations'
export const namesQuestion = '_larder_names'

function question(statement: string, text: string, values: readonly string[], prepared: boolean): Buffer {
  const parse = prepared ? [] : [closeFrame('S', statement), parseFrame(statement, text)]
  return Buffer.concat([...parse, bindFrame('', statement, values), executeFrame('')])
}

/** `prepared` says that the connection has the question already. */
export function relationFactsFrames(oids: readonly number[], prepared: boolean): Buffer {
  return question(relationsQuestion, relationsText, [arrayLiteral(oids)], prepared)
}

export function namedFactsFrames(
  names: NamesUsed,
  oids: readonly number[],
  parameterTypes: readonly number[],
  prepared: boolean,
): Buffer {
  const plain = (items: readonly { readonly name: string }[]) =>
    arrayLiteral([...new Set(items.map((item) => item.name))])
  const columns = arrayLiteral(names.dateCasts.filter((column) => column !== ''))
  const attributes = arrayLiteral([...new Set(names.columns ?? [])])
  const values = [
    plain(names.functions),
    plain(names.operators),
    plain(names.userTypes),
    arrayLiteral(oids),
    columns,
    attributes,
    arrayLiteral(names.fields ?? []),
    arrayLiteral(parameterTypes),
  ]
  return question(namesQuestion, namesText, values, prepared)
}

export function readRelationFacts(json: string | null): RelationFacts[] {
  const rows = (json === null ? [] : JSON.parse(json)) as (Omit<RelationFacts, 'policies' | 'definition'> & {
    policies: { name: string; expression: string | null }[] | null
    definition: string | null
  })[]
  return (rows ?? []).map((row) => ({
    ...row,
    oid: Number(row.oid),
    definition: row.definition ?? undefined,
    policies: (row.policies ?? []).map((policy) => ({ name: policy.name, expression: policy.expression ?? undefined })),
  }))
}

export function readNamedFacts(json: string | null): NamedFacts {
  const facts = JSON.parse(json ?? '{}') as { [Field in keyof NamedFacts]: NamedFacts[Field] | null }
  return {
    functions: facts.functions ?? [],
    operators: facts.operators ?? [],
    types: facts.types ?? [],
    columns: facts.columns ?? [],
    attributes: facts.attributes ?? [],
    volatileCasts: Number(facts.volatileCasts ?? 0),
    calls: facts.calls ?? [],
    castTypes: facts.castTypes ?? [],
    shadowed: facts.shadowed ?? undefined,
    parameterType: facts.parameterType ?? undefined,
    zonedTimes: facts.zonedTimes ?? [],
    times: facts.times ?? [],
  }
}

function refusal(code: ReasonCode, argument: string | undefined): TextReason {
  return { code, argument }
}

/** Why a read of these relations may not be kept; undefined if nothing speaks against it. Indexes and toast are no matter. */
export function refusalOfRelations(
  relations: readonly RelationFacts[],
  asked: readonly number[],
): TextReason | undefined {
  for (const oid of asked) {
    if (!relations.some((relation) => relation.oid === oid)) return refusal('unknown_dependency', String(oid))
  }
  for (const relation of relations) {
    if (relation.oid < 16384) return refusal('catalog', relation.name)
    if (relation.persistence === 't') return refusal('temporary', relation.name)
    if (relation.kind === 'S') return refusal('sequence', relation.name)
    if (relation.kind === 'f') return refusal('unfed', relation.name)
  }
  return undefined
}

const dateTypes = new Set([
  'date',
  'time',
  'timetz',
  'timestamp',
  'timestamptz',
  '_date',
  '_time',
  '_timetz',
  '_timestamp',
  '_timestamptz',
])

/** Why a statement that uses these names may not be kept; undefined if nothing speaks against it. */
export function refusalOfNames(names: NamesUsed, facts: NamedFacts): TextReason | undefined {
  return (
    refusalOfFunctions(names, facts) ??
    refusalOfFields(facts) ??
    refusalOfOperators(names, facts) ??
    refusalOfTypes(names, facts) ??
    refusalOfDateCasts(names, facts) ??
    (facts.parameterType === undefined ? undefined : refusal('unknown_dependency', facts.parameterType)) ??
    (facts.shadowed === undefined ? undefined : refusal('unknown_dependency', facts.shadowed)) ??
    (facts.volatileCasts > 0 ? refusal('unknown_dependency', 'volatile cast') : undefined)
  )
}

const mayHoldTime = /['$]|\?[suc]|time/i
const mayPairValues = /[<>=(]|\b(?:union|intersect|except|case|natural)\b/i
const readsUnnamed = /\*|\b(?:natural|using|table)\b/i

/**
 * True if a time without a zone may become one with a zone in one of these texts, which use `names` and of which the catalogue has said
 * `facts`. It takes the zone's offset of today then, which is another in summer, and no text tells: `opens = '10:00'`.
 */
export function mayZoneTimes(texts: readonly string[], names: NamesUsed, facts: NamedFacts): boolean {
  if (facts.zonedTimes.length === 0) return false
  const isNamed = facts.zonedTimes.some((column) => names.columns?.includes(column) ?? true)
  if (!isNamed && !texts.some((text) => readsUnnamed.test(text))) return false
  return texts.some((text) => mayHoldTime.test(text) || (facts.times.length > 0 && mayPairValues.test(text)))
}

function refusalOfFunctions(names: NamesUsed, facts: NamedFacts): TextReason | undefined {
  for (const called of names.functions) {
    const candidates = facts.functions.filter(
      (candidate) =>
        candidate.name === called.name && (called.schema === undefined || called.schema === candidate.schema),
    )
    // A name without a function may be a cast in function notation, or a column of a row: types are checked as types.
    if (candidates.length === 0) return refusal('unknown_dependency', called.name)
    if (candidates.some((candidate) => candidate.volatility === 'v')) return refusal('volatile', called.name)
    const stable = candidates.find((candidate) => candidate.volatility === 's')
    if (stable && !(stable.builtin && stableFunctionsInKey.has(called.name))) return refusal('stable', called.name)
    if (candidates.some((candidate) => candidate.volatility !== 'i' && !candidate.builtin))
      return refusal('stable', called.name)
  }
  return undefined
}

function refusalOfFields(facts: NamedFacts): TextReason | undefined {
  for (const called of facts.calls) {
    if (called.volatility === 'v') return refusal('volatile', called.name)
    const isInKey = called.builtin && stableFunctionsInKey.has(called.name)
    if (called.volatility === 's' && !isInKey) return refusal('stable', called.name)
  }
  const [type] = facts.castTypes
  return type === undefined ? undefined : refusal('unknown_dependency', type)
}

function refusalOfOperators(names: NamesUsed, facts: NamedFacts): TextReason | undefined {
  for (const used of names.operators) {
    const unsure = facts.operators.find((operator) => operator.name === used.name && operator.volatility !== 'i')
    if (unsure) return refusal(unsure.volatility === 'v' ? 'volatile' : 'stable', used.name)
  }
  return undefined
}

function refusalOfTypes(names: NamesUsed, facts: NamedFacts): TextReason | undefined {
  for (const used of facts.attributes) {
    if (used.volatility !== 'i') return refusal(used.volatility === 'v' ? 'volatile' : 'stable', used.name)
  }
  for (const used of names.userTypes) {
    const candidates = facts.types.filter((type) => type.name === used.name)
    if (candidates.length === 0) return refusal('unknown_dependency', used.name)
    // Domains, composites and ranges may hide a date whose input reads the clock.
    if (candidates.some((type) => type.kind !== 'e' && type.kind !== 'b'))
      return refusal('unknown_dependency', used.name)
  }
  return undefined
}

function refusalOfDateCasts(names: NamesUsed, facts: NamedFacts): TextReason | undefined {
  for (const column of names.dateCasts) {
    const candidates = facts.columns.filter((candidate) => candidate.name === column)
    if (column === '' || candidates.length === 0) return refusal('stable', column === '' ? 'date_in' : column)
    if (!candidates.every((candidate) => candidate.builtin && dateTypes.has(candidate.type)))
      return refusal('stable', column)
  }
  return undefined
}

/** Built in, and yet they run whatever SQL they are given. */
const sqlRunners = /^(?:(?:query|cursor|table|schema|database)_to_xml.*|ts_stat|ts_rewrite|pg_restore_.*)$/

/** True if every function named is built in, so that nothing a user wrote runs: the read cannot write, and locks the same each time. */
export function onlyBuiltins(names: NamesUsed, facts: NamedFacts): boolean {
  return (
    facts.attributes.length === 0 &&
    facts.castTypes.length === 0 &&
    facts.shadowed === undefined &&
    facts.parameterType === undefined &&
    facts.calls.every((called) => called.builtin && !sqlRunners.test(called.name)) &&
    facts.volatileCasts === 0 &&
    !names.functions.some((called) => sqlRunners.test(called.name)) &&
    // An enum's input is built in; a domain checks, a base type reads with a function of its maker.
    names.userTypes.every((used) =>
      facts.types.filter((type) => type.name === used.name).every((type) => type.kind === 'e'),
    ) &&
    names.functions.every((called) =>
      facts.functions.filter((candidate) => candidate.name === called.name).every((candidate) => candidate.builtin),
    ) &&
    names.operators.every((used) => !facts.operators.some((operator) => operator.name === used.name))
  )
}
