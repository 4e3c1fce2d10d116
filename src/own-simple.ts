// Composition: one statement of ours in a simple query, by itself or one of several.

import type { StatementText } from './cache/plans/index.ts'
import { authorise, encodeResult, Parameters } from './commands/index.ts'
import { partOf, routeToOrigin, type Session } from './frontend/index.ts'
import { type OwnRuns, utf8 } from './own-runs.ts'
import { completeSessionStatement } from './own-session-statement.ts'
import type { OwnText } from './own-text.ts'
import type { ReasonCode } from './sql/index.ts'
import { queryFrame } from './wire/index.ts'

interface SimpleOptions {
  /** Gets the answer, in whole frames. */
  readonly answer: (frames: Buffer) => void
  /** Gets the completion of what runs at the origin, in place of the client. */
  readonly completed?: ((frame: Buffer) => void) | undefined
  /** Characters of the client's text before this statement: positions in errors are moved by them. */
  readonly shift: number
  readonly bypass?: ReasonCode | undefined
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
  const system = { simple: true, answer: options.answer, shift: options.shift }
  switch (own.kind) {
    case 'refused':
      throw own.error
    case 'own': {
      const { statement } = own
      if (statement.kind === 'command') {
        options.answer(encodeResult(await runs.execute(session, statement, Parameters.none)))
        return false
      }
      authorise(await runs.viewer(session), statement.needs, statement.tag, session.settings.current)
      const { relations, tag } = statement
      return runs.system(session, { ...system, frames: queryFrame(statement.text), relations, tag })
    }
    case 'catalogue':
      return runs.system(session, { ...system, frames: queryOf(text), relations: [], catalogue: true })
    case 'several':
      throw new Error('several statements where one was expected')
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
  const { plan } = own
  const { answer, completed, shift, bypass } = options
  switch (plan.kind) {
    case 'refused':
      throw plan.error
    case 'session':
      answer(completeSessionStatement(session, own.statement, utf8(text.text)))
      return false
    case 'system': {
      const { relations, narrowing } = plan
      const wanted = narrowing.wanted()
      return runs.system(session, { simple: true, frames: queryOf(text), relations, wanted, answer, shift })
    }
    case 'inline': {
      // With our rows in it, at the origin: a write is one there, and an answer is never kept.
      const rendered = await runs.render(session, plan)
      const bytes = queryFrame(rendered.text)
      const positionOf = (position: number) => moved(rendered.positionOf(position), shift)
      const request = { simple: true, bytes, start: 0, end: bytes.length, group: undefined }
      return partOf(session, text, request, routeToOrigin, { positionOf, completed, bypass }).run()
    }
  }
}

function queryOf(text: StatementText): Buffer {
  return queryFrame(text.text, 'latin1')
}

function moved(position: number | undefined, shift: number): number | undefined {
  return position === undefined ? undefined : position + shift
}
