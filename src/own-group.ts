// Composition: extended messages about statements of ours, up to a Sync, a Flush, or the next that is the origin's.
//
// They are answered in order. Those about one statement that lie together are one batch for the system database, or for the origin; commands
// are answered message by message, and so is what was kept of portals (own-portals.ts).
//
//   Parse(a) Bind Describe Execute | Parse(a command) | Bind | Execute | Execute(a portal of before) | Parse(b) Bind Execute

import type { StatementText } from './cache/plans/index.ts'
import { describedIn, encodeRowDescription, type OwnCommand, Parameters } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import {
  type Group,
  hintsFor,
  isInFailedBlock,
  type Request,
  type Session,
  untilOpenAnswered,
} from './frontend/index.ts'
import { prepareOurs, runInlined, runInSystem } from './own-batch.ts'
import { declaredTypes, readBind } from './own-bind.ts'
import { ToldError } from './own-parts.ts'
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

/** Who answers: the system database, the origin with our rows, or nobody else. */
type Place = 'system' | 'inline' | 'here'

interface Batch {
  readonly place: Place
  readonly text: StatementText | undefined
  readonly steps: Step[]
}

export class OwnGroup {
  readonly #runs: OwnRuns
  readonly #session: Session
  readonly #group: Group
  /** Texts of the group's Parses, by their keys, as they were when it came. */
  readonly #texts = new Map<string, StatementText>()
  /** Whose the texts were when the group came. */
  readonly #owns = new Map<StatementText, OwnText>()
  /** What the group has prepared, as far as it was looked at. */
  readonly #parsed = new Map<string, StatementText>()
  /** Statements it has closed and not prepared again. */
  readonly #closed = new Set<string>()
  /** Portals bound in the batch at hand, and those that are at the origin. */
  readonly #bound = new Map<string, Batch>()

  constructor(runs: OwnRuns, session: Session, request: Request) {
    this.#runs = runs
    this.#session = session
    this.#group = request.group as Group
    for (const step of this.#group.steps) {
      const text = step.kind === 'parse' ? session.texts.get(step.key) : this.#usedText(step)
      if (text === undefined) continue
      if (step.kind === 'parse') this.#texts.set(step.key, text)
      const own = runs.ownOf(session, text)
      if (own !== undefined) this.#owns.set(text, own)
    }
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
      if (next instanceof ServerError) throw next
      batch = next
    }
    if (batch !== undefined) await this.#answer(batch, true)
  }

  /** The batch at hand, with the step in it, or the next that begins with it. */
  #batchOf(step: Step, batch: Batch | undefined): Batch {
    const [place, text] = this.#placeOf(step, batch)
    // The origin has one statement of ours at a time.
    const isNew =
      place === 'here' || (place === 'inline' && step.kind === 'parse') || this.#callsAnew(step, text, batch)
    const joins = batch !== undefined && !isNew && batch.place === place && batch.text === text
    const joined = joins ? batch : { place, text, steps: [] }
    joined.steps.push(step)
    this.#note(step, text, joined)
    return joined
  }

  /** Functions of ours in a statement are called once a batch: with other values, in another. */
  #callsAnew(step: Step, text: StatementText | undefined, batch: Batch | undefined): boolean {
    const own = step.kind === 'bind' && text !== undefined ? this.#owns.get(text) : undefined
    const calls = own !== undefined && 'calls' in own ? own.calls : undefined
    const takesValues = calls !== undefined && calls.parameterTypes.length > 0
    return takesValues && batch?.steps.some(({ kind }) => kind === 'bind') === true
  }

  #note(step: Step, text: StatementText | undefined, batch: Batch): void {
    if (step.kind === 'parse') {
      this.#closed.delete(step.name)
      if (text !== undefined) this.#parsed.set(step.name, text)
    } else if (step.kind === 'bind') {
      this.#bound.set(step.portal, batch)
    } else if (step.kind === 'close') {
      if (step.target === 'P') this.#bound.delete(step.name)
      else {
        this.#parsed.delete(step.name)
        this.#closed.add(step.name)
      }
    }
  }

  #placeOf(step: Step, batch: Batch | undefined): readonly [Place, StatementText | undefined] {
    if (isInFailedBlock(this.#session) && !this.#mayRunFailed(step)) {
      throw new ServerError(conditions.inFailedTransaction)
    }
    switch (step.kind) {
      case 'parse': {
        if (step.name !== '' && this.#statement(step.name) !== undefined) {
          throw new ServerError(conditions.duplicatePreparedStatement, [step.name])
        }
        const text = this.#texts.get(step.key)
        // Also where it is refused: then there is no other either.
        if (step.name === '' && text !== undefined && this.#isRefused(text)) prepareOurs(this.#session, step, text)
        return this.#placeOfText(text)
      }
      case 'bind': {
        const text = this.#statement(step.statement)
        if (text === undefined) throw new ServerError(conditions.undefinedPreparedStatement, [step.statement])
        if (step.portal !== '' && this.#isPortal(step.portal))
          throw new ServerError(conditions.duplicatePortal, [step.portal])
        return this.#placeOfText(text)
      }
      case 'execute':
        return this.#placeOfPortal(step.portal, batch)
      case 'describe':
      case 'close': {
        if (step.target === 'P' && step.kind === 'describe') return this.#placeOfPortal(step.name, batch)
        if (step.target === 'P') return this.#isBound(step.name, batch) ? this.#placeOfPortal(step.name, batch) : here
        if (step.kind === 'close') return here
        const text = this.#statement(step.name)
        if (text !== undefined) return this.#placeOfText(text)
        throw new ServerError(conditions.undefinedPreparedStatement, [step.name])
      }
    }
  }

  #placeOfPortal(name: string, batch: Batch | undefined): readonly [Place, StatementText | undefined] {
    const bound = this.#bound.get(name)
    if (bound !== undefined && this.#isBound(name, batch)) return [bound.place, bound.text]
    if (bound !== undefined || ownPortal(this.#session, name) !== undefined) return here
    throw new ServerError(conditions.undefinedPortal, [name])
  }

  /** True if whoever answers for the portal still has it. */
  #isBound(name: string, batch: Batch | undefined): boolean {
    const bound = this.#bound.get(name)
    return bound !== undefined && (bound.place !== 'system' || bound === batch)
  }

  #placeOfText(text: StatementText | undefined): readonly [Place, StatementText | undefined] {
    const own = text === undefined ? undefined : this.#owns.get(text)
    if (own === undefined) return here
    if (own.kind === 'refused') throw own.error
    if (own.kind === 'catalogue') return ['system', text]
    if (own.kind === 'own') return [own.statement.kind === 'select' ? 'system' : 'here', text]
    if (own.kind === 'prepared') return ['here', text]
    if (own.kind === 'several')
      throw new ServerError(conditions.syntaxError, ['cannot insert multiple commands into a prepared statement'])
    if (own.plan.kind === 'refused') throw own.plan.error
    return [own.plan.kind === 'session' ? 'here' : own.plan.kind, text]
  }

  #isRefused(text: StatementText): boolean {
    const own = this.#owns.get(text)
    return (
      own?.kind === 'refused' || own?.kind === 'several' || (own?.kind === 'virtual' && own.plan.kind === 'refused')
    )
  }

  #statement(name: string): StatementText | undefined {
    if (this.#closed.has(name)) return undefined
    return this.#parsed.get(name) ?? this.#session.statements.get(name)?.text
  }

  #isPortal(name: string): boolean {
    const { portals } = this.#session
    return this.#bound.has(name) || ownPortal(this.#session, name) !== undefined || portals.get(name) !== undefined
  }

  /** In a failed block: Close, a Parse of what ends it, and in an admin database that itself. */
  #mayRunFailed(step: Step): boolean {
    if (step.kind === 'close') return true
    if (!this.#session.identity.admin && step.kind !== 'parse') return false
    const portal = step.kind === 'execute' ? ownPortal(this.#session, step.portal) : undefined
    const text =
      step.kind === 'parse'
        ? this.#texts.get(step.key)
        : step.kind === 'bind'
          ? this.#statement(step.statement)
          : portal?.kind === 'command'
            ? portal.text
            : undefined
    const verb = text?.shape.statement.verb
    return verb === 'commit' || verb === 'rollback' || verb === 'rollback_to'
  }

  #usedText(step: Step): StatementText | undefined {
    const name = step.kind === 'bind' ? step.statement : 'target' in step && step.target === 'S' ? step.name : undefined
    return name === undefined ? undefined : this.#session.statements.get(name)?.text
  }

  async #answer(batch: Batch, isLast: boolean): Promise<void> {
    const session = this.#session
    const group = this.#group
    const isWhole = batch.steps.length === group.steps.length
    const ends = isLast && group.last === frontend.sync && session.status === status.idle && session.open === undefined
    const [step] = batch.steps
    if (batch.place === 'here') return step && this.#step(step)
    const { text } = batch
    const own = text === undefined ? undefined : this.#owns.get(text)
    if (text === undefined || own === undefined) throw new Error('a batch of nobody')
    const asked = { runs: this.#runs, session, group: { ...group, steps: batch.steps }, text, own }
    const isAlone = isWhole && ends
    let answered = batch.place === 'system'
    if (answered) answered = await runInSystem({ ...asked, endsPortals: ends })
    if (!answered) await runInlined({ ...asked, own: this.#runs.ownElsewhere(text, own), isAlone })
    for (const [portal, bound] of this.#bound) if (bound === batch && answered) this.#bound.delete(portal)
  }

  async #step(step: Step): Promise<void> {
    const session = this.#session
    const { output } = session
    switch (step.kind) {
      case 'parse': {
        const text = this.#texts.get(step.key)
        if (text !== undefined) prepareOurs(session, step, text)
        output.add(parseCompleteFrame)
        return
      }
      case 'bind': {
        const prepared = session.statements.get(step.statement)
        if (prepared === undefined) throw new ServerError(conditions.undefinedPreparedStatement, [step.statement])
        const { text, aside } = prepared
        const { raw, formats } = readBind(this.#group.bytes.subarray(step.start, step.end))
        const own = this.#ownOfStatement(step.statement)
        const parameters = new Parameters(raw, declaredTypes(prepared.types), commandOf(own)?.parameterTypes ?? [])
        keepPortal(session, step.portal, { kind: 'command', text, aside, own, parameters, formats, rest: undefined })
        output.add(bindCompleteFrame)
        return
      }
      case 'describe':
        return step.target === 'S' ? this.#describeStatement(step.name) : this.#describePortal(step.name)
      case 'execute':
        return this.#execute(step.portal, step.rowCountMax)
      case 'close':
        if (step.target === 'S') await this.#runs.closeStatement(session, step.name)
        else closePortal(session, step.name)
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
    const own = text === undefined ? undefined : this.#owns.get(text)
    if (own === undefined) throw new ServerError(conditions.undefinedPreparedStatement, [name])
    return own
  }

  #portal(name: string) {
    const portal = ownPortal(this.#session, name)
    if (portal === undefined) throw new ServerError(conditions.undefinedPortal, [name])
    return portal
  }
}

const here = ['here', undefined] as const

function commandOf(own: OwnText): OwnCommand | undefined {
  return own.kind === 'own' && own.statement.kind === 'command' ? own.statement : undefined
}
