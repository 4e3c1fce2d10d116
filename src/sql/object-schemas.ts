// The schemas that DDL names: as such, and in front of objects that are neither relations nor functions (types, domains, operators …).
//
//   CREATE SCHEMA app          ALTER TABLE t SET SCHEMA app          CREATE TYPE app.mood AS ENUM (…)          DROP COLLATION app.c

import { qualifiedName } from './names.ts'
import { type Fields, fieldsIf, listOf, textOf, unwrap, wordsOf } from './tree.ts'

/** Fields that hold the name of what is made or changed, as a list of words. */
const nameFields =
  `typeName domainname defnames opclassname opfamilyname conversion_name collname dictname cfgname`.split(' ')

/** The schemas named in the node's own fields; nodes below it are asked for themselves. */
export function namedSchemas(type: string, fields: Fields): string[] {
  const found: (string | undefined)[] = []
  switch (type) {
    case 'CreateSchemaStmt':
      // Without a name the schema is called as its owner.
      found.push(textOf(fields.schemaname) ?? textOf((fields.authrole as Fields | undefined)?.rolename))
      break
    case 'RenameStmt':
      if (fields.renameType === 'OBJECT_SCHEMA') found.push(textOf(fields.subname), textOf(fields.newname))
      else found.push(...objectSchemas(textOf(fields.renameType), [fields.object]))
      break
    case 'AlterObjectSchemaStmt':
      found.push(textOf(fields.newschema), ...objectSchemas(textOf(fields.objectType), [fields.object]))
      break
    case 'ImportForeignSchemaStmt':
      found.push(textOf(fields.local_schema))
      break
    case 'CreateExtensionStmt':
    case 'AlterDefaultPrivilegesStmt':
      found.push(...schemaOptions(fields.options))
      break
    case 'DropStmt':
      found.push(...objectSchemas(textOf(fields.removeType), listOf(fields.objects)))
      break
    case 'GrantStmt': {
      const all = fields.targtype === 'ACL_TARGET_ALL_IN_SCHEMA'
      found.push(...objectSchemas(all ? 'OBJECT_SCHEMA' : textOf(fields.objtype), listOf(fields.objects)))
      break
    }
    case 'CommentStmt':
    case 'SecLabelStmt':
      found.push(...objectSchemas(textOf(fields.objtype), [fields.object]))
      break
    case 'AlterOwnerStmt':
      found.push(...objectSchemas(textOf(fields.objectType), [fields.object]))
      break
    case 'AlterOperatorStmt':
      found.push(schemaOf((fields.opername as Fields | undefined)?.objname))
      break
    default:
      if (type.endsWith('Stmt')) found.push(...nameFields.map((field) => schemaOf(fields[field])))
  }
  return found.filter((name) => name !== undefined)
}

/** Parts of something: what stands before their name is that, not a schema (COMMENT ON COLUMN t.c, DROP TRIGGER x ON t). */
const partKinds: ReadonlySet<string | undefined> = new Set(
  'OBJECT_COLUMN OBJECT_ATTRIBUTE OBJECT_TABCONSTRAINT OBJECT_DOMCONSTRAINT OBJECT_TRIGGER OBJECT_RULE OBJECT_POLICY'.split(
    ' ',
  ),
)

function objectSchemas(kind: string | undefined, objects: readonly unknown[]): (string | undefined)[] {
  if (kind === 'OBJECT_SCHEMA') return objects.map((object) => textOf(fieldsIf('String', object)?.sval))
  if (partKinds.has(kind)) return []
  return objects.map((object) => {
    const node = unwrap(object)
    if (node?.type === 'TypeName') return schemaOf(node.fields.names)
    return schemaOf(node?.type === 'ObjectWithArgs' ? node.fields.objname : object)
  })
}

function schemaOptions(options: unknown): (string | undefined)[] {
  return listOf(options).flatMap((option) => {
    const element = fieldsIf('DefElem', option)
    if (element?.defname !== 'schema' && element?.defname !== 'schemas') return []
    const text = textOf(fieldsIf('String', element.arg)?.sval)
    return text === undefined ? wordsOf(element.arg) : [text]
  })
}

function schemaOf(words: unknown): string | undefined {
  return qualifiedName(wordsOf(words))?.schema
}
