// Composition: which rows of ours a group of messages can use, by the texts it binds and the values it binds to them.

import type { StatementText } from './cache/plans/index.ts'
import type { Group, Session } from './frontend/index.ts'
import type { OwnText } from './own-text.ts'
import { declaredTypes, type Narrowing, readBoundParameters, type Wanted, wantedByAll } from './virtual/index.ts'

interface Reading {
  readonly relations: readonly string[]
  readonly narrowing: Narrowing
}

/** What a text reads in the system database; undefined if it does not run there, or names none of our relations. */
function readingOf(own: OwnText | undefined): Reading | undefined {
  if (own === undefined) return undefined
  if (own.kind === 'own' && own.statement.kind === 'select') {
    return { relations: own.statement.relations, narrowing: own.narrowing }
  }
  if (own.kind !== 'virtual' || (own.plan.kind !== 'system' && own.plan.kind !== 'inline')) return undefined
  const relations = own.plan.kind === 'system' ? own.plan.relations : own.plan.inlined.relations
  return { relations, narrowing: own.plan.narrowing }
}

/** `relations` are all that the group names; those it binds nothing of need no rows. */
export function wantedBy(
  session: Session,
  group: Group,
  relations: readonly string[],
  ownOf: (text: StatementText) => OwnText | undefined,
): Wanted {
  const parsed = new Map<string, { readonly text: StatementText | undefined; readonly types: string }>()
  const uses: { relations: readonly string[]; wanted: Wanted }[] = []
  for (const step of group.steps) {
    if (step.kind === 'parse') parsed.set(step.name, { text: session.texts.get(step.key), types: step.types })
    if (step.kind !== 'bind') continue
    const prepared = parsed.get(step.statement) ?? session.statements.get(step.statement)
    const reading = prepared?.text === undefined ? undefined : readingOf(ownOf(prepared.text))
    if (prepared === undefined || reading === undefined) continue
    const types = declaredTypes(Buffer.from(prepared.types, 'latin1'))
    const values = readBoundParameters(group.bytes.subarray(step.start, step.end), types)
    uses.push({ relations: reading.relations, wanted: reading.narrowing.wanted(values) })
  }
  const used = new Set(uses.flatMap((use) => use.relations))
  const unused = relations.filter((relation) => !used.has(relation))
  return new Map([...wantedByAll(uses), ...unused.map((relation) => [relation, []] as const)])
}
