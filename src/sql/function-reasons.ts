// Function calls whose arguments decide whether a read may be cached. What a function's volatility decides is not here:
// that is the catalogue's to say.

import { isCatalogType } from './builtin-types.ts'
import { isTemporarySchema } from './relation-reasons.ts'
import type { QualifiedName, TextReason } from './statement.ts'
import { type Fields, fieldsIf, stringConstant } from './tree.ts'

export function functionReason(called: QualifiedName, args: readonly unknown[]): TextReason | undefined {
  if (called.schema !== undefined && isTemporarySchema(called.schema)) {
    return { code: 'temporary', argument: called.name }
  }
  if (called.schema !== undefined && called.schema !== 'pg_catalog') return undefined
  switch (called.name) {
    case 'set_config':
      return { code: 'unknown_key', argument: firstConstant(args)?.toLowerCase() ?? 'set_config' }
    case 'current_setting':
      return firstConstant(args) === undefined ? { code: 'unknown_key', argument: 'current_setting' } : undefined
    case 'age':
      // With one argument it is the time since then.
      return args.length === 1 ? { code: 'stable', argument: 'age' } : undefined
    case 'timetz':
      return { code: 'stable', argument: 'timetz' }
    case 'current_schemas':
      // With true it lists the session's own temporary schema.
      return isFalse(args[0]) ? undefined : { code: 'stable', argument: 'current_schemas' }
    default:
      return args.length === 1 && isCatalogType(called) ? { code: 'catalog', argument: called.name } : undefined
  }
}

/** The setting that a call of current_setting() reads, in lower case. */
export function settingNamed(called: QualifiedName, args: readonly unknown[]): string | undefined {
  if (called.name !== 'current_setting') return undefined
  if (called.schema !== undefined && called.schema !== 'pg_catalog') return undefined
  return firstConstant(args)?.toLowerCase()
}

function firstConstant(args: readonly unknown[]): string | undefined {
  return stringConstant(args[0])
}

function isFalse(argument: unknown): boolean {
  const constant = fieldsIf('A_Const', argument)
  const flag = constant?.boolval as Fields | undefined
  return flag !== undefined && flag.boolval !== true
}
