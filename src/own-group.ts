// Composition: extended messages about statements of ours, up to a Sync, a Flush, or the next that is the origin's.
//
// They are answered in order. Those about one statement that lie together are one batch for the system database, or for the origin; commands
// are answered message by message, and so is what was kept of portals (own-portals.ts).
//
//   Parse(a) Bind Describe Execute | Parse(a command) | Bind | Execute | Execute(a portal of before) | Parse(b) Bind Execute

import { describedIn, encodeRowDescription, type OwnCommand, Parameters } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import { castShadow, type Group, hintsFor, type Request, type Session, untilOpenAnswered } from './frontend/index.ts'
import { dropUnnamed, isWrong, prepareOurs, runInlined, runInSystem } from './own-batch.ts'
import { declaredTypes, readBind } from './own-bind.ts'
import { ToldError } from './own-parts.ts'
import { type Batch, OwnPlaces, undefinedStatement } from './own-places.ts'
import { type CommandPortal, closePortal, keepPortal, ownPortal, PortalRest, restOfCommand } from './own-portals.ts'
import { deallocate, prepareBySql } from './own-prepared.ts'
import { type OwnRuns, utf8 } from './own-runs.ts'
import { completeSessionStatement } from './own-session-statement.ts'
import type { OwnText } from './own-text.ts'
import {
  backend,
  bindCompleteFrame,
  closeCompleteFrame,
  frame,
  framesIn,
  frontend,
  int16,
  int32,
  noDataFrame,
  parseCompleteFrame,
  status,
} from './wire/index.ts'

type Step = Group['steps'][number]

export class OwnGroup {
  readonly #runs: OwnRuns
  readonly #session: Session
  readonly #group: Group
  readonly #places: OwnPlaces

  constructor(runs: OwnRuns, session: Session, request: Request) {
    this.#runs = runs
    this.#session = session
    this.#group = request.group as Group
    this.#places = new OwnPlaces(runs, session, this.#group)
  }

  /** Throws what is still to be told, and ToldError where it has been. */
  async run(): Promise<void> {
    const session = this.#session
    await untilOpenAnswered(session)
    if (session.open?.unit.failed || session.ended) return
    let batch: Batch | undefined
    for (const step of this.#group.steps) {
      let next: Batch | ServerError
      try {
        next = this.#batchOf(step, batch)
      } catch (error) {
        if (!(error instanceof ServerError)) throw error
        next = error
      }
      if (next === batch) continue
      if (batch !== undefined) await this.#answer(batch, false)
      if (session.ended) return
      if (next instanceof ServerError) {
        if (step.kind === 'parse' && step.name === '') await dropUnnamed(session)
        if (next.condition === conditions.duplicatePreparedStatement) await this.#analyse(step)
        throw next
      }
      batch = next
    }
    if (batch !== undefined) await this.#answer(batch, true)
  }

  /** The batch at hand, with the step in it, or the next that begins with it. */
  #batchOf(step: Step, batch: Batch | undefined): Batch {
    const [place, text] = this.#places.placeOf(step, batch)
    // The origin has one statement of ours at a time.
    const isNew =
      place === 'here' || (place === 'inline' && step.kind === 'parse') || this.#places.callsAnew(step, text, batch)
    const joins = batch !== undefined && !isNew && batch.place === place && batch.text === text
    const joined = joins ? batch : { place, text, steps: [] }
    joined.steps.push(step)
    this.#places.note(step, text, joined)
    return joined
  }

  /** A text that is wrong is refused for that, before its name is looked at. */
  async #analyse(step: Step): Promise<void> {
    const text = step.kind === 'parse' ? this.#places.textOf(step) : undefined
    const own = this.#places.ownOf(text)
    if (step.kind !== 'parse' || text === undefined || own?.kind !== 'virtual' || own.plan.kind !== 'system') return
    const group = { ...this.#group, steps: [step] }
    if (await isWrong({ runs: this.#runs, session: this.#session, group, text, own })) throw new ToldError()
  }

  async #answer(batch: Batch, isLast: boolean): Promise<void> {
    const session = this.#session
    const group = this.#group
    const isWhole = batch.steps.length === group.steps.length
    const ends = isLast && group.last === frontend.sync && session.status === status.idle && session.open === undefined
    const [step] = batch.steps
    if (batch.place === 'here') return step && this.#step(step)
    const { text } = batch
    const own = this.#places.ownOf(text)
    if (text === undefined || own === undefined) throw new Error('a batch of nobody')
    const asked = { runs: this.#runs, session, group: { ...group, steps: batch.steps }, text, own }
    const isAlone = isWhole && ends
    let answered = batch.place === 'system'
    if (answered) {
      // It may ask the origin, and not behind a name that is refused there.
      await this.#runs.viewer(session)
      const { shadows, taken } = await this.#castNamed(batch)
      if (taken !== undefined && batch.steps.length === 0) throw taken
      answered = await runInSystem({ ...asked, shadows, endsPortals: ends })
      if (taken !== undefined) throw taken
    }
    if (!answered) await runInlined({ ...asked, own: this.#runs.ownElsewhere(text, own), isAlone })
    if (answered) this.#places.leave(batch)
  }

  /** Named portals that a batch binds get their shadows; from a name that the origin has in use on nothing is left of the batch. */
  async #castNamed(batch: Batch): Promise<{ shadows: ReadonlySet<string>; taken: ServerError | undefined }> {
    const session = this.#session
    const shadows = new Set<string>()
    for (const [index, step] of batch.steps.entries()) {
      if (step.kind !== 'bind' || step.portal === '' || shadows.has(step.portal)) continue
      try {
        if (await castShadow(session, step.portal)) shadows.add(step.portal)
      } catch (error) {
        if (!(error instanceof ServerError)) throw error
        batch.steps.length = index
        return { shadows, taken: error }
      }
    }
    return { shadows, taken: undefined }
  }

  async #step(step: Step): Promise<void> {
    const session = this.#session
    const { output } = session
    switch (step.kind) {
      case 'parse': {
        const text = this.#places.textOf(step)
        if (text !== undefined) prepareOurs(session, step, text)
        output.add(parseCompleteFrame)
        return
      }
      case 'bind': {
        const prepared = session.statements.get(step.statement)
        if (prepared === undefined) throw undefinedStatement(step.statement)
        const { text, aside } = prepared
        const { raw, formats } = readBind(this.#group.bytes.subarray(step.start, step.end))
        const own = this.#ownOfStatement(step.statement)
        const parameters = new Parameters(raw, declaredTypes(prepared.types), commandOf(own)?.parameterTypes ?? [])
        const shadowed = await castShadow(session, step.portal)
        const portal = { kind: 'command', text, aside, own, parameters, formats, rest: undefined, shadowed } as const
        keepPortal(session, step.portal, portal)
        output.add(bindCompleteFrame)
        return
      }
      case 'describe':
        return step.target === 'S' ? this.#describeStatement(step.name) : this.#describePortal(step.name)
      case 'execute':
        return this.#execute(step.portal, step.rowCountMax)
      case 'close':
        if (step.target === 'S') await this.#runs.closeStatement(session, step.name)
        else await closePortal(session, step.name)
        output.add(closeCompleteFrame)
    }
  }

  async #describeStatement(name: string): Promise<void> {
    const session = this.#session
    const command = commandOf(this.#ownOfStatement(name))
    const declared = declaredTypes(session.statements.get(name)?.types ?? '')
    const described = command === undefined ? undefined : await this.#runs.describe(session, command, declared)
    const types = (described?.parameterTypes ?? []).map((inferred, index) => declared[index] || inferred)
    session.output.add(frame(backend.parameterDescription, int16(types.length), ...types.map(int32)))
    session.output.add(described?.description ?? encodeRowDescription(command?.columns ?? []) ?? noDataFrame)
  }

  async #describePortal(name: string): Promise<void> {
    const session = this.#session
    const { output } = session
    const portal = this.#portal(name)
    if (portal.kind === 'query') {
      output.add(portal.rest.description ?? noDataFrame)
      return
    }
    const { own, formats, parameters } = portal
    const command = commandOf(own)
    const described =
      command === undefined ? undefined : await this.#runs.describe(session, command, parameters.declaredTypes)
    const { description } = described ?? {}
    if (description !== undefined) output.add(describedIn(description, formats))
    else output.add(encodeRowDescription(command?.columns ?? [], formats) ?? noDataFrame)
  }

  async #execute(name: string, rowCountMax: number): Promise<void> {
    const session = this.#session
    const portal = this.#portal(name)
    if (portal.kind === 'command') portal.rest ??= await this.#run(portal)
    const rest = portal.rest as PortalRest
    if (rest.give(name, rowCountMax, (given) => session.output.add(given))) return
    await this.#runs.failed(session)
    throw new ToldError()
  }

  /** What the command answers. */
  async #run(portal: CommandPortal): Promise<PortalRest> {
    const session = this.#session
    const { own, text, aside, parameters, formats } = portal
    if (own.kind === 'virtual') return PortalRest.of(completeSessionStatement(session, own.statement, utf8(text.text)))
    if (own.kind === 'prepared') return this.#runPrepared(own)
    if (own.kind !== 'own' || own.statement.kind !== 'command') throw new Error('a command was expected')
    const { statement } = own
    // It would ask the origin in a message that ends the transaction which waits there.
    if (session.open !== undefined && statement.tag.startsWith('EXPLAIN')) {
      throw new ServerError(conditions.featureNotSupported, [
        `${statement.tag} behind other statements before one Sync`,
      ])
    }
    const said = { hints: hintsFor(text, aside), shift: 0 }
    return restOfCommand(session, await this.#runs.execute(session, statement, parameters, said, formats), formats)
  }

  async #runPrepared(own: Extract<OwnText, { kind: 'prepared' }>): Promise<PortalRest> {
    const session = this.#session
    if (own.words.verb === 'deallocate') return PortalRest.of(deallocate(this.#runs, session, own))
    const rest = new PortalRest()
    const keep = (frames: Buffer) => {
      for (const answer of framesIn(frames)) rest.add(Buffer.from(answer))
    }
    await prepareBySql(this.#runs, session, own, keep, 0)
    return rest
  }

  #ownOfStatement(name: string): OwnText {
    const text = this.#session.statements.get(name)?.text
    const own = this.#places.ownOf(text)
    if (own === undefined) throw undefinedStatement(name)
    return own
  }

  #portal(name: string) {
    const portal = ownPortal(this.#session, name)
    if (portal === undefined) throw new ServerError(conditions.undefinedPortal, [name])
    return portal
  }
}

function commandOf(own: OwnText): OwnCommand | undefined {
  return own.kind === 'own' && own.statement.kind === 'command' ? own.statement : undefined
}
