// Composition: EXPLAIN (CACHE) of a statement of ours: it takes part in no cache, so what there is to say is who answers it, and how.

import type { StatementText } from './cache/plans/index.ts'
import type { ExplainCache, ExplainRequest } from './commands/index.ts'
import { findText, isOurs, readSource, type Session } from './frontend/index.ts'
import { refuseOtherThanQuery, remedyOf } from './own-explain.ts'
import { runOwn } from './own-explain-own-run.ts'
import { linesOf, openingOf, originPlan, type PositionOf } from './own-explain-plan.ts'
import { type OwnParts, originError } from './own-parts.ts'
import type { OwnRuns } from './own-runs.ts'
import type { OwnText } from './own-text.ts'
import type { SplicedText } from './virtual/index.ts'
import {
  backend,
  bindFrame,
  closeFrame,
  executeFrame,
  frameHeaderBytes,
  parseFrame,
  readDataRow,
  readFields,
} from './wire/index.ts'

type Plan = ExplainCache['originPlan']
type VirtualText = Extract<OwnText, { kind: 'virtual' }>

/** Undefined if the statement is the origin's. `shift`: characters of the client's text before the EXPLAIN. */
export async function explainOwn(
  runs: OwnRuns,
  session: Session,
  request: ExplainRequest,
  parts: OwnParts,
  shift: number,
): Promise<ExplainCache | undefined> {
  const bytes = Buffer.from(request.text)
  const text = findText(session, readSource(bytes, 0, bytes.length).text, undefined)
  if (!runs.isSettled(session, text)) await runs.settle(session, text)
  const own = isOurs(session, text) ? runs.ownOf(session, text) : undefined
  if (own === undefined) return undefined
  if (own.kind !== 'refused') refuseOtherThanQuery(text, request, parts)
  const { answeredBy, plan } = await planOf(runs, session, text, own, request)
  // The system database may have turned out not to know a name in it.
  const settled = runs.ownOf(session, text) ?? own
  const actual = request.analyze ? await runOwn({ runs, session, text, request, shift }, settled) : undefined
  const name = (relation: string) => `${runs.schemaName}.${relation}`
  return {
    verdict: 'bypass',
    reason: 'catalog',
    argument: runs.schemaName,
    remedy: remedyOf('catalog', parts),
    fingerprint: undefined,
    cache: undefined,
    consistency: session.settings.current.consistency,
    ttlMs: undefined,
    ttlSource: undefined,
    keyInputs: [],
    // Their rows are those of the moment they are copied in.
    relations: relationsOf(text, settled).map((relation) => ({
      name: name(relation),
      proof: 'exact',
      feed: undefined,
      lagMs: undefined,
    })),
    entry: undefined,
    expectedUs: { hit: undefined, miss: undefined, origin: undefined },
    answeredBy,
    actual,
    originPlan: plan,
    notices: [],
  }
}

function relationsOf(text: StatementText, own: OwnText): readonly string[] {
  if (own.kind === 'own' && own.statement.kind === 'command') {
    return own.statement.relations ?? text.shape.statement.virtualRelations
  }
  if (own.kind !== 'virtual') return []
  if (own.plan.kind === 'system') return own.plan.relations
  return own.plan.kind === 'inline' ? own.plan.inlined.relations : []
}

async function planOf(
  runs: OwnRuns,
  session: Session,
  text: StatementText,
  own: OwnText,
  request: ExplainRequest,
): Promise<{ answeredBy: string; plan: Plan }> {
  const offset = request.offset ?? 0
  if (own.kind === 'refused') throw own.error.movedBy(offset)
  if (own.kind === 'virtual' && own.plan.kind === 'refused') throw own.plan.error.movedBy(offset)
  if (own.kind === 'catalogue') {
    return { answeredBy: 'system database', plan: (await systemPlan(runs, session, text, request, false)).plan }
  }
  if (own.kind !== 'virtual') return { answeredBy: 'Larder', plan: undefined }
  if (own.plan.kind === 'system') {
    const asked = { ...request, text: own.qualified?.text ?? request.text }
    const inStatement = (position: number) => inSource(own.qualified, position)
    const { unresolved, plan } = await systemPlan(runs, session, text, asked, own.plan.mayBeElsewhere, inStatement)
    if (!unresolved) return { answeredBy: 'system database', plan }
  }
  const plan = await planAtOrigin(runs, session, { ...own, plan: runs.goesElsewhere(text, own) }, text, request)
  return { answeredBy: 'origin, with the rows in the statement', plan }
}

/** Where a position in what stands for the statement is in it. */
function inSource(qualified: SplicedText | undefined, position: number | undefined): number | undefined {
  return qualified === undefined || position === undefined ? position : qualified.positionOf(position)
}

/** It is planned with no rows of ours in it. */
async function planAtOrigin(
  runs: OwnRuns,
  session: Session,
  { plan, qualified }: VirtualText,
  text: StatementText,
  request: ExplainRequest,
): Promise<Plan> {
  if (plan.kind === 'refused') throw plan.error
  if (plan.kind !== 'inline') return undefined
  const rendered = await runs.render(session, plan, new Map(plan.inlined.relations.map((name) => [name, []])))
  const asked = { ...request, text: rendered.text }
  const inStatement = (position: number) => inSource(qualified, rendered.positionOf(position))
  return (await originPlan(session, asked, text.shape.statement.parameterCount, inStatement)).lines
}

/** What the system database says of it; its relations are empty then, so that nothing need be copied. */
async function systemPlan(
  runs: OwnRuns,
  session: Session,
  text: StatementText,
  request: ExplainRequest,
  mayBeElsewhere: boolean,
  inStatement: PositionOf = (position) => position,
): Promise<{ unresolved: boolean; plan: Plan }> {
  const { parameterCount } = text.shape.statement
  const values = request.parameters ?? []
  // Without values it is only read: a plan for NULLs would be another one.
  const isShape = values.length < parameterCount
  const opening = isShape ? '' : openingOf(request, [])
  const name = ' explain'
  const asked = [closeFrame('S', name), parseFrame(name, opening + request.text)]
  if (!isShape) asked.push(bindFrame('', name, values.slice(0, parameterCount)), executeFrame(''))
  asked.push(closeFrame('S', name))
  const frames: Buffer[] = []
  const outcome = await runs.system(session, {
    simple: false,
    frames: Buffer.concat(asked),
    relations: [],
    mayBeElsewhere,
    answer: (bytes) => frames.push(Buffer.from(bytes)),
  })
  if (outcome.unresolved) return { unresolved: true, plan: undefined }
  const rows: (string | null)[][] = []
  for (const [type, bytes, start, end] of framesIn(Buffer.concat(frames))) {
    if (type === backend.dataRow) rows.push(readDataRow(bytes, start))
    if (type !== backend.error) continue
    const fields = readFields(bytes, start, end)
    throw originError(fields, (position) => {
      const found = position <= opening.length ? undefined : inStatement(position - opening.length)
      return request.offset === undefined || found === undefined ? undefined : found + request.offset
    })
  }
  return { unresolved: false, plan: isShape ? undefined : linesOf(rows, request) }
}

function* framesIn(bytes: Buffer): Generator<[type: number, bytes: Buffer, start: number, end: number]> {
  for (let at = 0; at + frameHeaderBytes <= bytes.length; ) {
    const end = at + 1 + bytes.readInt32BE(at + 1)
    yield [bytes[at] as number, bytes, at, end]
    at = end
  }
}
