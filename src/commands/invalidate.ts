// INVALIDATE CACHE: tells that something changed.
//
//   invalidate = INVALIDATE CACHE target [ MARK STALE ]
//   target     = [ NAMESPACE name ] ( KEY | PREFIX | TAG | DEPENDENCY ) list(value) | ( RELATION | TABLE ) list(relation)

import { conditions, ServerError } from '../errors/index.ts'
import type { BlobTarget } from './blobs/blob-store.ts'
import { changeable, mayChange } from './blobs/namespace-access.ts'
import { comesLater } from './later.ts'
import type { CommandContext, CommandResult, OwnCommand, RelationName, ResultColumn } from './own-statement.ts'
import type { Parameters } from './parameters.ts'
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

/** Row of INVALIDATE. */
interface InvalidateRow {
  readonly kind: string
  readonly subject: string
  readonly entries: number
  readonly durable: boolean
}

/** Entries of blobs by key or label, results by label too; or relations of the origin. */
export type InvalidateTarget =
  | (BlobTarget & { readonly markStale: boolean })
  | { readonly kind: 'relation'; readonly relations: readonly RelationName[] }

type ReadTarget =
  | { readonly kind: BlobTarget['kind']; readonly namespace: string | undefined; readonly values: readonly Value[] }
  | { readonly kind: 'relation'; readonly relations: readonly RelationName[] }

/** Behind INVALIDATE. */
export function readInvalidate(reader: StatementReader): OwnCommand {
  reader.expect('CACHE')
  const target = readTarget(reader)
  const markStale = reader.accept('MARK')
  if (markStale) reader.expect('STALE')
  if (markStale && target.kind === 'relation') throw comesLater('MARK STALE of a relation')
  reader.expectEnd()
  return {
    kind: 'command',
    tag: 'INVALIDATE CACHE',
    columns: invalidateColumns,
    needs: 'anyone',
    parameterCount: reader.parameterCount,
    parameterTypes: Array.from({ length: reader.parameterCount }, () => 25),
    changes: true,
    execute: (context, parameters) =>
      invalidate(context, [resolved(target, parameters, markStale)], 'INVALIDATE CACHE'),
  }
}

function readTarget(reader: StatementReader): ReadTarget {
  const namespace = reader.accept('NAMESPACE') ? reader.name() : undefined
  const kind = reader.peek()
  switch (kind) {
    case 'KEY':
    case 'PREFIX':
    case 'TAG':
    case 'DEPENDENCY': {
      reader.skip()
      const values = reader.list(() => reader.value())
      if (namespace === undefined && (kind === 'KEY' || kind === 'PREFIX')) {
        throw new ServerError(conditions.syntaxError, [`INVALIDATE CACHE ${kind} needs a namespace`], {
          hint: `Expected INVALIDATE CACHE NAMESPACE name ${kind}.`,
        })
      }
      return { kind: kind.toLowerCase() as BlobTarget['kind'], namespace, values }
    }
    case 'RELATION':
    case 'TABLE':
      if (namespace !== undefined) break
      reader.skip()
      return { kind: 'relation', relations: reader.list(() => reader.qualifiedName()) }
  }
  if (namespace !== undefined) throw reader.syntaxError('KEY', 'PREFIX', 'TAG', 'DEPENDENCY')
  throw reader.syntaxError('RELATION', 'TABLE', 'TAG', 'DEPENDENCY', 'NAMESPACE')
}

function resolved(target: ReadTarget, parameters: Parameters, markStale: boolean): InvalidateTarget {
  if (target.kind === 'relation') return target
  const { kind, namespace, values } = target
  const subjects = values.map((value) => textValue(value, parameters) ?? refuseNull(kind))
  return { kind, namespace, subjects, markStale }
}

function refuseNull(kind: string): never {
  throw new ServerError(conditions.invalidName, ['NULL'], { hint: `A ${kind} is a text.` })
}

/** Each takes effect before it is answered, and is durable then (G-5). */
export async function invalidate(
  context: CommandContext,
  targets: readonly InvalidateTarget[],
  tag: string,
): Promise<CommandResult> {
  const rows: InvalidateRow[] = []
  for (const target of targets) {
    const kinds = target.kind === 'relation' ? invalidateRelations : invalidateEntries
    rows.push(...(await kinds(context, target as never, tag)))
  }
  const values = rows.map((row) => [row.kind, row.subject, row.entries, row.durable])
  return { tag, columns: invalidateColumns, rows: values, notices: changeNotices(context) }
}

async function invalidateRelations(
  { actions, viewer, settings }: CommandContext,
  { relations }: Extract<InvalidateTarget, { kind: 'relation' }>,
  tag: string,
): Promise<InvalidateRow[]> {
  // What a reader may: relations it may write. The actions know which those are.
  if (relations.length > 0) authorise(viewer, 'read', tag, settings.current)
  const rows: InvalidateRow[] = []
  for (const relation of relations) rows.push(await actions.invalidateRelation(relation, viewer))
  return rows
}

async function invalidateEntries(
  context: CommandContext,
  { kind, namespace, subjects, markStale }: BlobTarget & { readonly markStale: boolean },
  tag: string,
): Promise<InvalidateRow[]> {
  if (subjects.length === 0) return []
  const isLabel = kind === 'tag' || kind === 'dependency'
  if (isLabel) for (const subject of subjects) checkLabel(subject)
  const entries = subjects.map(() => 0)
  let isDurable = true
  for (const name of namespacesFor(context, namespace, tag)) {
    const removed = await context.blobs.invalidate({ kind, namespace: name, subjects }, markStale)
    isDurable &&= removed.durable
    for (const [index, count] of removed.entries.entries()) entries[index] = (entries[index] as number) + count
  }
  if (isLabel && namespace === undefined && context.viewer.canRead) {
    for (const [index, subject] of subjects.entries()) {
      const count = await context.actions.invalidateResults(kind, subject, context.viewer)
      entries[index] = (entries[index] as number) + count
    }
  }
  return subjects.map((subject, index) => {
    const count = entries[index] as number
    if (count > 0) context.actions.invalidated(kind, subject, count)
    return { kind, subject, entries: count, durable: isDurable }
  })
}

/** The one named; all (undefined), for an admin; else those the role may write, and then there must be some, or results of its own. */
function namespacesFor(
  context: CommandContext,
  namespace: string | undefined,
  tag: string,
): readonly (string | undefined)[] {
  if (namespace !== undefined) return mayChange(context, namespace) ? [namespace] : []
  if (context.viewer.isAdmin) return [undefined]
  const names = changeable(context)
  if (names.length === 0) authorise(context.viewer, 'read', tag, context.settings.current)
  return names
}

/** A label has 1 to 255 bytes and no NUL, CR or LF. */
function checkLabel(text: string): void {
  if (text === '' || Buffer.byteLength(text) > 255 || /[\0\r\n]/.test(text)) {
    throw new ServerError(conditions.invalidName, [text], { hint: 'A tag has 1 to 255 bytes.' })
  }
}
