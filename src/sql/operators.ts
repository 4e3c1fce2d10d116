// The operators a node of the parse tree uses, also those its syntax implies: IN compares with `=`, ORDER BY with `<`.
//
// What sorts or groups without naming an operator uses the type's default ones. The catalogue can only be asked about
// names, so they are reported as `=`, `<` and `>`.

import { qualifiedName } from './names.ts'
import type { QualifiedName } from './statement.ts'
import { type Fields, listOf, textOf, wordsOf } from './tree.ts'

const equal: QualifiedName = { schema: undefined, name: '=' }
const less: QualifiedName = { schema: undefined, name: '<' }
const greater: QualifiedName = { schema: undefined, name: '>' }
const lessOrEqual: QualifiedName = { schema: undefined, name: '<=' }
const greaterOrEqual: QualifiedName = { schema: undefined, name: '>=' }

export function operatorsOf(type: string, fields: Fields): readonly QualifiedName[] {
  switch (type) {
    case 'A_Expr':
      return operatorsOfExpression(fields)
    case 'SubLink':
      return operatorsOfSubLink(fields)
    case 'JoinExpr':
      return fields.isNatural || fields.usingClause ? [equal] : []
    case 'CaseExpr':
      return fields.arg ? [equal] : []
    case 'MinMaxExpr':
      return [less, greater]
    case 'SelectStmt':
      return operatorsOfSelect(fields)
    case 'SortBy':
      return operatorsOfSort(fields)
    case 'WindowDef':
      return fields.partitionClause ? [equal] : []
    case 'FuncCall':
      return fields.agg_distinct ? [equal, less] : []
    case 'CTECycleClause':
      return [equal]
    default:
      return []
  }
}

function operatorsOfExpression(fields: Fields): readonly QualifiedName[] {
  switch (textOf(fields.kind)) {
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM':
      return [greaterOrEqual, lessOrEqual, less, greater]
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT':
    case 'AEXPR_NULLIF':
      return [equal]
    default:
      // AEXPR_IN, LIKE, ILIKE and SIMILAR carry the operator they stand for: `=`, `<>`, `~~`, `!~~*`, `~`.
      return operatorNamed(fields.name)
  }
}

function operatorNamed(name: unknown): readonly QualifiedName[] {
  const operator = qualifiedName(wordsOf(name))
  return operator ? [operator] : []
}

function operatorsOfSubLink(fields: Fields): readonly QualifiedName[] {
  if (fields.operName) return operatorNamed(fields.operName)
  return fields.testexpr ? [equal] : []
}

function operatorsOfSelect(fields: Fields): readonly QualifiedName[] {
  const setOperation = fields.op !== 'SETOP_NONE' && !(fields.op === 'SETOP_UNION' && fields.all)
  const groups = setOperation || listOf(fields.distinctClause).length > 0 || fields.groupClause !== undefined
  return groups ? [equal, less] : []
}

function operatorsOfSort(fields: Fields): readonly QualifiedName[] {
  return fields.useOp ? operatorNamed(fields.useOp) : [less, greater]
}
