// Databases that a statement wants for itself: it fails, or waits and fails, while anybody else is connected to them.

import { fieldsIf, listOf, type Typed, textOf, unwrap } from './tree.ts'

export function databasesWanted({ type, fields }: Typed): readonly string[] {
  const name = textOf(fields.dbname)
  switch (type) {
    case 'DropdbStmt':
      return name === undefined ? [] : [name]
    case 'AlterDatabaseStmt':
      return name === undefined || optionOf(fields.options, 'tablespace') === undefined ? [] : [name]
    case 'CreatedbStmt':
      return [optionOf(fields.options, 'template') ?? 'template1']
    case 'RenameStmt': {
      const renamed = textOf(fields.subname)
      return fields.renameType === 'OBJECT_DATABASE' && renamed !== undefined ? [renamed] : []
    }
    default:
      return []
  }
}

function optionOf(options: unknown, name: string): string | undefined {
  for (const option of listOf(options)) {
    const element = fieldsIf('DefElem', option)
    if (element?.defname !== name) continue
    const value = unwrap(element.arg)
    return value?.type === 'String' ? textOf(value.fields.sval) : ''
  }
  return undefined
}
