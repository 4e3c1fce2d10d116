// Composition: EXPLAIN (CACHE, ANALYZE) of a statement of ours runs it where it would run, and drops the answer.

import type { StatementText } from './cache/plans/index.ts'
import { type ExplainCache, type ExplainRequest, encodeResult, Parameters } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import type { Session } from './frontend/index.ts'
import { runThrough } from './own-explain-run.ts'
import { originError } from './own-parts.ts'
import type { OwnRuns } from './own-runs.ts'
import type { OwnText } from './own-text.ts'
import { backend, bindFrame, closeFrame, executeFrame, framesIn, parseFrame, readFields } from './wire/index.ts'

type Actual = NonNullable<ExplainCache['actual']>
type VirtualText = Extract<OwnText, { kind: 'virtual' }>

/** What is run, and for whom. */
interface OwnRun {
  readonly runs: OwnRuns
  readonly session: Session
  readonly text: StatementText
  readonly request: ExplainRequest
  /** Characters of the client's text before the EXPLAIN. */
  readonly shift: number
}

/** Throws its error; ToldError where the client has it already. */
export async function runOwn(run: OwnRun, own: OwnText): Promise<Actual> {
  const { text, request } = run
  const { parameterCount } = text.shape.statement
  if ((request.parameters?.length ?? 0) < parameterCount) {
    throw new ServerError(conditions.undefinedParameter, [(request.parameters?.length ?? 0) + 1])
  }
  if (own.kind === 'virtual' && own.plan.kind === 'inline') return runAtOrigin(run, own)
  const startedUs = performance.now() * 1000
  const { rows, bytes } = own.kind === 'own' ? await runCommand(run, own) : await runInSystem(run, own)
  return { us: performance.now() * 1000 - startedUs, rows, bytes, unstored: undefined }
}

type Amount = Pick<Actual, 'rows' | 'bytes'>

/** Rows are counted as DataRow frames, as they are of the origin's answers. */
function amountOf(frames: Buffer): Amount {
  let rows = 0
  let bytes = 0
  for (const frame of framesIn(frames)) {
    if (frame[0] !== backend.dataRow) continue
    rows++
    bytes += frame.length
  }
  return { rows, bytes }
}

async function runCommand(
  { runs, session, request, shift }: OwnRun,
  { statement }: Extract<OwnText, { kind: 'own' }>,
): Promise<Amount> {
  if (statement.kind !== 'command') throw new Error('a command was expected')
  const values = (request.parameters ?? []).slice(0, statement.parameterCount)
  const parameters = Parameters.ofTexts(values, statement.parameterTypes)
  const result = await runs.execute(session, statement, parameters, { hints: undefined, shift })
  return amountOf(encodeResult(result))
}

const name = ' explain'

async function runInSystem({ runs, session, text, request }: OwnRun, own: OwnText): Promise<Amount> {
  const qualified = own.kind === 'virtual' ? own.qualified : undefined
  const values = (request.parameters ?? []).slice(0, text.shape.statement.parameterCount)
  const plan = own.kind === 'virtual' && own.plan.kind === 'system' ? own.plan : undefined
  const frames: Buffer[] = []
  await runs.system(session, {
    simple: false,
    frames: Buffer.concat([
      closeFrame('S', name),
      parseFrame(name, qualified?.text ?? request.text),
      bindFrame('', name, values),
      executeFrame(''),
      closeFrame('S', name),
    ]),
    relations: plan?.relations ?? [],
    wanted: plan?.narrowing.wanted(values.map((value) => ({ type: 0, isBinary: false, bytes: bytesOf(value) }))),
    calls: await callsOf(runs, session, own, values),
    catalogue: own.kind === 'catalogue',
    answer: (bytes) => frames.push(Buffer.from(bytes)),
  })
  const answer = Buffer.concat(frames)
  for (const frame of framesIn(answer)) {
    if (frame[0] !== backend.error) continue
    throw originError(readFields(frame, 0, frame.length), (position) => {
      const inText = qualified === undefined ? position : qualified.positionOf(position)
      return inText === undefined || request.offset === undefined ? undefined : inText + request.offset
    })
  }
  return amountOf(answer)
}

/** With the rows in it: it goes the way of any statement, but is never kept. */
async function runAtOrigin({ runs, session, text, request, shift }: OwnRun, own: VirtualText): Promise<Actual> {
  const { plan, qualified } = own
  if (plan.kind !== 'inline') throw new Error('a statement for the origin was expected')
  const values = (request.parameters ?? []).slice(0, text.shape.statement.parameterCount)
  const wanted = plan.narrowing.wanted(values.map((value) => ({ type: 0, isBinary: false, bytes: bytesOf(value) })))
  const rendered = await runs.render(session, plan, wanted, { calls: await callsOf(runs, session, own, values) })
  const positionOf = (position: number) => {
    const inOurs = rendered.positionOf(position)
    return inOurs === undefined || qualified === undefined ? inOurs : qualified.positionOf(inOurs)
  }
  const asked = { ...request, text: rendered.text, parameters: values }
  return runThrough(
    session,
    { text, aside: undefined, request: asked, parameters: '', positionOf, verdict: runs.verdictOf(own) },
    shift,
  )
}

function callsOf(runs: OwnRuns, session: Session, own: OwnText, values: readonly (string | null)[]) {
  const types = own.kind === 'virtual' ? own.calls?.parameterTypes : undefined
  return runs.callsOf(session, own, Parameters.ofTexts(values, types))
}

function bytesOf(value: string | null): Buffer | null {
  return value === null ? null : Buffer.from(value)
}
