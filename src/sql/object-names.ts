// The relations and functions that DDL names as objects: lists of words rather than nodes of their own.
//
//   DROP TABLE app.t            objects: [[app, t]]             COMMENT ON COLUMN app.t.c   object: [app, t, c]
//   DROP FUNCTION app.f(int)    objects: [{ objname: [app, f] }]   CREATE FUNCTION app.f()  funcname: [app, f]

import { qualifiedName } from './names.ts'
import type { QualifiedName } from './statement.ts'
import { type Fields, fieldsIf, listOf, textOf, wordsOf } from './tree.ts'

interface NamedObjects {
  readonly relations: readonly QualifiedName[]
  readonly functions: readonly QualifiedName[]
}

const nothing: NamedObjects = { relations: [], functions: [] }

/** The names in the node's own fields; nodes below it are asked for themselves. */
export function namedObjects(type: string, fields: Fields): NamedObjects {
  switch (type) {
    case 'DropStmt':
      return objectsOf(textOf(fields.removeType), listOf(fields.objects))
    case 'CommentStmt':
    case 'SecLabelStmt':
    case 'AlterExtensionContentsStmt':
      return objectsOf(textOf(fields.objtype), [fields.object])
    case 'RenameStmt':
      return objectsOf(textOf(fields.renameType), [fields.object])
    case 'AlterObjectSchemaStmt':
    case 'AlterOwnerStmt':
    case 'AlterObjectDependsStmt':
      return objectsOf(textOf(fields.objectType), [fields.object])
    case 'GrantStmt':
      return objectsOf(textOf(fields.objtype), listOf(fields.objects))
    case 'AlterFunctionStmt':
      return { relations: [], functions: functionNamed((fields.func as Fields | undefined)?.objname) }
    case 'CreateFunctionStmt':
    case 'CreateTrigStmt':
    case 'CreateEventTrigStmt':
      return { relations: [], functions: functionNamed(fields.funcname) }
    case 'DefineStmt':
      return fields.kind === 'OBJECT_AGGREGATE' ? { relations: [], functions: functionNamed(fields.defnames) } : nothing
    default:
      return nothing
  }
}

const relationKinds: ReadonlySet<string> = new Set(
  `OBJECT_TABLE OBJECT_VIEW OBJECT_MATVIEW OBJECT_INDEX OBJECT_SEQUENCE OBJECT_FOREIGN_TABLE`.split(' '),
)

/** Parts of a relation, written behind its name. */
const partKinds: ReadonlySet<string> = new Set(
  `OBJECT_COLUMN OBJECT_TABCONSTRAINT OBJECT_TRIGGER OBJECT_RULE OBJECT_POLICY`.split(' '),
)

const functionKinds: ReadonlySet<string> = new Set(
  `OBJECT_FUNCTION OBJECT_PROCEDURE OBJECT_ROUTINE OBJECT_AGGREGATE`.split(' '),
)

function objectsOf(kind: string | undefined, objects: readonly unknown[]): NamedObjects {
  if (kind === undefined) return nothing
  if (relationKinds.has(kind)) return { relations: objects.flatMap((object) => nameIn(object, 0)), functions: [] }
  if (partKinds.has(kind)) return { relations: objects.flatMap((object) => nameIn(object, 1)), functions: [] }
  if (!functionKinds.has(kind)) return nothing
  return {
    relations: [],
    functions: objects.flatMap((object) => functionNamed(fieldsIf('ObjectWithArgs', object)?.objname)),
  }
}

/** A name given as a list of words, without the last `cut` of them. */
function nameIn(object: unknown, cut: number): QualifiedName[] {
  const words = wordsOf(object)
  const name = qualifiedName(words.slice(0, words.length - cut))
  return name ? [name] : []
}

function functionNamed(words: unknown): QualifiedName[] {
  const name = qualifiedName(wordsOf(words))
  return name ? [name] : []
}
