// INVALIDATE CACHE: tells that something changed.
//
//   invalidate = INVALIDATE CACHE target [ MARK STALE ]
//   target     = [ NAMESPACE name ] ( KEY | PREFIX | TAG | DEPENDENCY ) list(value) | ( RELATION | TABLE ) list(relation)

import { conditions, ServerError } from '../errors/index.ts'
import { unknownNamespace } from './flush.ts'
import { comesLater } from './later.ts'
import type {
  CommandContext,
  CommandResult,
  InvalidateRow,
  OwnCommand,
  RelationName,
  ResultColumn,
} from './own-statement.ts'
import { authorise } from './privileges.ts'
import type { StatementReader, Value } from './statement-reader.ts'
import { changeNotices } from './transactions.ts'
import { textValue } from './values.ts'

export const invalidateColumns: readonly ResultColumn[] = [
  { name: 'kind', type: 'text' },
  { name: 'subject', type: 'text' },
  { name: 'entries', type: 'int8' },
  { name: 'durable', type: 'bool' },
]

interface InvalidateTarget {
  readonly relations: readonly RelationName[]
  readonly tags: readonly string[]
}

/** Behind INVALIDATE. */
export function readInvalidate(reader: StatementReader): OwnCommand {
  reader.expect('CACHE')
  const target = readTarget(reader)
  if (reader.accept('MARK')) {
    reader.expect('STALE')
    throw comesLater('MARK STALE')
  }
  reader.expectEnd()
  return {
    kind: 'command',
    tag: 'INVALIDATE CACHE',
    columns: invalidateColumns,
    needs: 'read',
    parameterCount: reader.parameterCount,
    parameterTypes: Array.from({ length: reader.parameterCount }, () => 25),
    changes: true,
    execute: (context, parameters) => {
      const tags = target.tags.map((value) => labelOf(textValue(value, parameters)))
      return invalidate(context, { relations: target.relations, tags }, 'INVALIDATE CACHE')
    },
  }
}

function readTarget(reader: StatementReader): { relations: readonly RelationName[]; tags: readonly Value[] } {
  const namespace = reader.accept('NAMESPACE') ? reader.name() : undefined
  const kind = reader.peek()
  switch (kind) {
    case 'KEY':
    case 'PREFIX':
    case 'TAG':
    case 'DEPENDENCY': {
      reader.skip()
      const values = reader.list(() => reader.value())
      if (namespace !== undefined) throw unknownNamespace(namespace)
      if (kind === 'DEPENDENCY') throw comesLater('INVALIDATE CACHE DEPENDENCY')
      if (kind === 'TAG') return { relations: [], tags: values }
      throw new ServerError(conditions.syntaxError, [`INVALIDATE CACHE ${kind} needs a namespace`], {
        hint: `Expected INVALIDATE CACHE NAMESPACE name ${kind}.`,
      })
    }
    case 'RELATION':
    case 'TABLE':
      if (namespace !== undefined) break
      reader.skip()
      return { relations: reader.list(() => reader.qualifiedName()), tags: [] }
  }
  if (namespace !== undefined) throw reader.syntaxError('KEY', 'PREFIX', 'TAG', 'DEPENDENCY')
  throw reader.syntaxError('RELATION', 'TABLE', 'TAG', 'DEPENDENCY', 'NAMESPACE')
}

export async function invalidate(
  context: CommandContext,
  target: InvalidateTarget,
  tag: string,
): Promise<CommandResult> {
  const { actions, viewer } = context
  // What a reader may: tags of its own roles' entries, relations it may write. The actions know which those are.
  authorise(viewer, 'read', tag, context.settings.current)
  const rows: InvalidateRow[] = []
  for (const relation of target.relations) rows.push(await actions.invalidateRelation(relation, viewer))
  for (const subject of target.tags) {
    const entries = await actions.invalidateResults('tag', subject, viewer)
    rows.push({ kind: 'tag', subject, entries, durable: true })
  }
  const values = rows.map((row) => [row.kind, row.subject, row.entries, row.durable])
  return { tag, columns: invalidateColumns, rows: values, notices: changeNotices(context) }
}

/** A label has 1 to 255 bytes and no NUL, CR or LF. */
export function labelOf(text: string | null): string {
  if (text === null || text === '' || Buffer.byteLength(text) > 255 || /[\0\r\n]/.test(text)) {
    throw new ServerError(conditions.invalidName, [text ?? 'NULL'], { hint: 'A tag has 1 to 255 bytes.' })
  }
  return text
}
