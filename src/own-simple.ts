// Composition: one statement of ours in a simple query, by itself or one of several.

import type { StatementText } from './cache/plans/index.ts'
import { authorise, encodeResult, Parameters } from './commands/index.ts'
import { type Aside, hintsFor, partOf, routeToOrigin, type Session } from './frontend/index.ts'
import { deallocate, dropAtOrigin, prepareBySql } from './own-prepared.ts'
import { type OwnRuns, utf8 } from './own-runs.ts'
import { completeSessionStatement } from './own-session-statement.ts'
import type { OwnText } from './own-text.ts'
import type { SplicedText } from './virtual/index.ts'
import { queryFrame } from './wire/index.ts'

interface SimpleOptions {
  /** Gets the answer, in whole frames. */
  readonly answer: (frames: Buffer) => void
  /** Gets the completion of what runs at the origin, in place of the client. */
  readonly completed?: ((frame: Buffer) => void) | undefined
  /** Characters of the client's text before this statement: positions in errors are moved by them. */
  readonly shift: number
  /** What was said beside the statement. */
  readonly aside?: Aside | undefined
}

/** True if it failed and the client has been told. What it throws is still to be told. */
export async function runSimple(
  runs: OwnRuns,
  session: Session,
  text: StatementText,
  options: SimpleOptions,
): Promise<boolean> {
  runs.checkBlock(session)
  const own = runs.ownOf(session, text)
  if (own === undefined) throw new Error('a statement of the origin where one of ours was expected')
  const { shift } = options
  const positionOf = shift === 0 ? undefined : (position: number) => position + shift
  const system = { simple: true, answer: options.answer, positionOf }
  switch (own.kind) {
    case 'refused':
      throw own.error
    case 'own': {
      const { statement } = own
      if (statement.kind === 'command') {
        const said = { hints: hintsFor(text, options.aside), shift: options.shift }
        options.answer(encodeResult(await runs.execute(session, statement, Parameters.none, said)))
        return false
      }
      authorise(
        await runs.viewer(session),
        statement.needs,
        statement.subject ?? statement.tag,
        session.settings.current,
      )
      const { relations, tag } = statement
      const wanted = own.narrowing.wanted()
      const calls = await runs.callsOf(session, own, Parameters.none)
      const request = { ...system, frames: queryFrame(statement.text), relations, tag, wanted, calls }
      return (await runs.system(session, request)).failed
    }
    case 'catalogue':
      return (await runs.system(session, { ...system, frames: queryOf(text), relations: [], catalogue: true })).failed
    case 'several':
      throw new Error('several statements where one was expected')
    case 'prepared':
      if (own.words.verb === 'prepare') return prepareBySql(runs, session, own, options.answer, shift)
      options.answer(deallocate(runs, session, own))
      return false
    case 'virtual':
      return runVirtual(runs, session, text, own, options)
  }
}

async function runVirtual(
  runs: OwnRuns,
  session: Session,
  text: StatementText,
  own: Extract<OwnText, { kind: 'virtual' }>,
  options: SimpleOptions,
): Promise<boolean> {
  const { plan, qualified } = own
  const { answer, completed, shift } = options
  /** From the text that runs, through ours, to the client's. */
  const positionIn = (made: SplicedText | undefined) => (position: number) => {
    const inOurs = made === undefined ? position : made.positionOf(position)
    const inText = inOurs === undefined || qualified === undefined ? inOurs : qualified.positionOf(inOurs)
    return inText === undefined ? undefined : inText + shift
  }
  switch (plan.kind) {
    case 'refused':
      throw plan.error
    case 'session':
      answer(completeSessionStatement(session, own.statement, utf8(text.text)))
      return false
    case 'system': {
      const frames = qualified === undefined ? queryOf(text) : queryFrame(qualified.text)
      const { relations, narrowing, mayBeElsewhere } = plan
      const calls = await runs.callsOf(session, own, Parameters.none)
      const request = { simple: true, frames, relations, wanted: narrowing.wanted(), calls, answer, mayBeElsewhere }
      const outcome = await runs.system(session, { ...request, positionOf: positionIn(undefined) })
      if (!outcome.unresolved) return outcome.failed
      return runVirtual(runs, session, text, { ...own, plan: runs.goesElsewhere(text, own) }, options)
    }
    case 'inline': {
      // With our rows in it, at the origin: a write is one there, and an answer is never kept.
      const calls = await runs.callsOf(session, own, Parameters.none)
      const { executes } = own
      const rendered = await runs.render(session, plan, plan.narrowing.wanted(), { executes, calls })
      const bytes = queryFrame(rendered.text)
      const request = { simple: true, bytes, start: 0, end: bytes.length, group: undefined }
      const asked = { positionOf: positionIn(rendered), completed, verdict: runs.verdictOf(own) }
      const failed = await partOf(session, text, request, routeToOrigin, asked).run()
      if (executes !== undefined) await dropAtOrigin(session, executes.words.name)
      return failed
    }
  }
}

function queryOf(text: StatementText): Buffer {
  return queryFrame(text.text, 'latin1')
}
