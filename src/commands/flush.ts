// FLUSH: forgets what is stored.
//
//   flush = FLUSH CACHE list(name) | FLUSH CACHE NAMESPACE ( list(name) | ALL ) | FLUSH CACHE PLANS | FLUSH ALL CACHES

import { conditions, ServerError } from '../errors/index.ts'
import { changeable, isReserved, mayChange } from './blobs/namespace-access.ts'
import type { CommandContext, CommandResult, FlushRow, OwnCommand, ResultColumn } from './own-statement.ts'
import { authorise } from './privileges.ts'
import type { StatementReader } from './statement-reader.ts'
import { changeNotices } from './transactions.ts'

export const flushColumns: readonly ResultColumn[] = [
  { name: 'kind', type: 'text' },
  { name: 'name', type: 'text' },
  { name: 'existed', type: 'bool' },
  { name: 'generation_before', type: 'int8' },
  { name: 'generation_after', type: 'int8' },
  { name: 'entries', type: 'int8' },
]

interface FlushTarget {
  readonly everything: boolean
  readonly plans: boolean
  readonly caches: readonly string[]
  /** 'all': those of users. */
  readonly namespaces: readonly string[] | 'all'
}

const nothing: FlushTarget = { everything: false, plans: false, caches: [], namespaces: [] }

/** Behind FLUSH. */
export function readFlush(reader: StatementReader): OwnCommand {
  const target = readTarget(reader)
  reader.expectEnd()
  return {
    kind: 'command',
    tag: target.everything ? 'FLUSH ALL CACHES' : 'FLUSH CACHE',
    columns: flushColumns,
    needs: 'anyone',
    parameterCount: 0,
    parameterTypes: [],
    changes: true,
    execute(context) {
      return flush(context, target, this.tag)
    },
  }
}

function readTarget(reader: StatementReader): FlushTarget {
  if (reader.accept('ALL')) {
    reader.expect('CACHES')
    return { ...nothing, everything: true }
  }
  if (!reader.accept('CACHE')) throw reader.syntaxError('CACHE', 'ALL CACHES')
  if (reader.accept('PLANS')) return { ...nothing, plans: true }
  // Unquoted it would be taken for FLUSH ALL CACHES.
  if (reader.peek() === 'ALL') throw reader.syntaxError('a name', 'NAMESPACE', 'PLANS')
  if (!reader.accept('NAMESPACE')) return { ...nothing, caches: reader.list(() => reader.name()) }
  if (reader.accept('ALL')) return { ...nothing, namespaces: 'all' }
  return { ...nothing, namespaces: reader.list(() => reader.name()) }
}

/** Who may is checked for all before anything is removed (G-7); names, as far as one name tells. */
export async function flush(context: CommandContext, target: FlushTarget, tag: string): Promise<CommandResult> {
  const { actions, viewer } = context
  const namespaces = namespacesOf(context, target, tag)
  if (target.everything || target.plans || target.caches.length > 0 || target.namespaces.length === 0) {
    authorise(viewer, 'admin', tag, context.settings.current)
  }
  const rows: FlushRow[] = []
  if (target.everything) rows.push(await actions.flushAll())
  else if (target.plans) rows.push(await actions.flushPlans())
  for (const name of target.everything ? [] : target.caches) {
    const row = await actions.flushCache(name, viewer.database)
    if (row === undefined) {
      throw new ServerError(conditions.undefinedObject, [`cache "${name}"`], { hint: 'List them with SHOW CACHES.' })
    }
    rows.push(row)
  }
  for (const name of namespaces) rows.push({ kind: 'namespace', name, ...(await context.blobs.flush(name)) })
  for (const { kind, name, entries } of rows) actions.invalidated(kind, name, entries)
  return { tag, columns: flushColumns, rows: rows.map(valuesOf), notices: changeNotices(context) }
}

function namespacesOf(context: CommandContext, { namespaces }: FlushTarget, tag: string): readonly string[] {
  if (namespaces !== 'all') {
    for (const name of namespaces) mayChange(context, name)
    return namespaces
  }
  if (context.viewer.isAdmin)
    return [...context.blobs.namespaces()].map(({ name }) => name).filter((name) => !isReserved(name))
  const names = changeable(context)
  if (names.length === 0) authorise(context.viewer, 'admin', tag, context.settings.current)
  return names
}

function valuesOf(row: FlushRow): readonly unknown[] {
  return [row.kind, row.name, row.existed, row.generationBefore, row.generationAfter, row.entries]
}
