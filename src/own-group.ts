// Composition: the steps of one extended group, with at least one statement of ours in it, answered in order.

import type { StatementText } from './cache/plans/index.ts'
import {
  authorise,
  type CommandResult,
  describedIn,
  encodeNotice,
  encodeRowDescription,
  encodeRows,
  type Formats,
  type OwnCommand,
  Parameters,
} from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import { type Aside, type Group, hintsFor, Part, type Request, type Session } from './frontend/index.ts'
import { declaredTypes, readBind } from './own-bind.ts'
import { inlinedGroup, inlineName, prepareHere, routeInlined, typesOf } from './own-inlined-group.ts'
import { ToldError } from './own-parts.ts'
import { deallocate, dropAtOrigin, prepareBySql } from './own-prepared.ts'
import { type OwnRuns, utf8 } from './own-runs.ts'
import { completeSessionStatement } from './own-session-statement.ts'
import type { OwnText } from './own-text.ts'
import { wantedBy } from './own-wanted.ts'
import {
  backend,
  bindCompleteFrame,
  closeCompleteFrame,
  closeFrame,
  commandCompleteFrame,
  executeFrame,
  frame,
  int16,
  int32,
  noDataFrame,
  parseCompleteFrame,
  parseFrame,
  status,
} from './wire/index.ts'

interface Portal {
  readonly text: StatementText
  readonly aside: Aside | undefined
  readonly own: OwnText
  readonly parameters: Parameters
  readonly formats: Formats
  /** Rows that an Execute with a limit left for the next. */
  rest: readonly Buffer[] | undefined
  isSuspended: boolean
  tag: string
  /** All its rows were answered: another Execute finds none left. */
  completed?: Buffer
}

/** The steps of one group, with at least one statement of ours in it. */
export class OwnGroup {
  readonly #runs: OwnRuns
  readonly #session: Session
  readonly #request: Request
  readonly #portals = new Map<string, Portal>()
  /** Whose the texts were when the group came. */
  readonly #owns = new Map<StatementText, OwnText>()

  constructor(runs: OwnRuns, session: Session, request: Request) {
    this.#runs = runs
    this.#session = session
    this.#request = request
  }

  async run(): Promise<void> {
    const session = this.#session
    const group = await this.#closeFirst(this.#request.group as Group)
    if (group.steps.length === 0) return
    const texts = this.#texts(group)
    for (const text of texts) {
      const own = this.#runs.ownOf(session, text)
      if (own !== undefined) this.#owns.set(text, this.#leavesPortal(group) ? this.#atOrigin(text, own) : own)
    }
    this.#runs.checkBlock(session)
    this.#refuseDuplicates(group)
    const kinds = new Set(texts.map((text) => this.#groupKind(text)))
    if (kinds.has('foreign')) {
      throw new ServerError(
        conditions.featureNotSupported,
        ['a statement of the cache and one of the origin before one Sync'],
        {
          hint: 'Send a Sync between them.',
        },
      )
    }
    if (kinds.has('inline')) return this.#inline(group, texts)
    if (kinds.has('system') && kinds.has('command')) {
      throw new ServerError(
        conditions.featureNotSupported,
        ['this mixture of statements of the cache before one Sync'],
        {
          hint: 'Send a Sync between them.',
        },
      )
    }
    if (kinds.has('system')) return this.#system(group, texts)
    for (const step of group.steps) await this.#step(step)
  }

  /** What is closed before anything else; in a failed block too, as by PostgreSQL. The rest of the group is left. */
  async #closeFirst(group: Group): Promise<Group> {
    const found = group.steps.findIndex((step) => step.kind !== 'close')
    const count = found < 0 ? group.steps.length : found
    for (const step of group.steps.slice(0, count)) {
      if (step.kind === 'close' && step.target === 'S') await this.#runs.closeStatement(this.#session, step.name)
      this.#session.output.add(closeCompleteFrame)
    }
    return count === 0 ? group : { ...group, steps: group.steps.slice(count) }
  }

  /** One name, one statement, whoever has it. */
  #refuseDuplicates(group: Group): void {
    const closed = new Set<string>()
    for (const step of group.steps) {
      if (step.kind === 'close' && step.target === 'S') closed.add(step.name)
      const isNamed = step.kind === 'parse' && step.name !== '' && !closed.has(step.name)
      if (isNamed && this.#session.statements.get(step.name) !== undefined) {
        throw new ServerError(conditions.duplicatePreparedStatement, [step.name])
      }
    }
  }

  /** Whether a portal may be read on in later groups: inside a block it lives on, and only the origin can keep it. */
  #leavesPortal(group: Group): boolean {
    if (this.#session.status !== status.inBlock || this.#session.identity.admin) return false
    return group.steps.some((step) => step.kind === 'execute' && step.rowCountMax > 0)
  }

  #atOrigin(text: StatementText, own: OwnText): OwnText {
    const isElsewhere = own.kind === 'virtual' && own.plan.kind === 'system'
    return isElsewhere ? { ...own, plan: this.#runs.planElsewhere(text, own) } : own
  }

  /** Every statement the group prepares or uses. */
  #texts(group: Group): StatementText[] {
    const session = this.#session
    const found: StatementText[] = []
    const parsed = new Map<string, StatementText>()
    for (const step of group.steps) {
      let text: StatementText | undefined
      if (step.kind === 'parse') {
        text = session.texts.get(step.key)
        if (text !== undefined) parsed.set(step.name, text)
      } else if (step.kind === 'bind') text = parsed.get(step.statement) ?? session.statements.get(step.statement)?.text
      else if (step.kind === 'describe' && step.target === 'S')
        text = parsed.get(step.name) ?? session.statements.get(step.name)?.text
      if (text !== undefined) found.push(text)
      else if (step.kind === 'bind') {
        throw new ServerError(conditions.undefinedPreparedStatement, [step.statement])
      }
    }
    return found
  }

  #groupKind(text: StatementText): 'command' | 'system' | 'inline' | 'foreign' {
    const own = this.#owns.get(text)
    if (own === undefined) return 'foreign'
    if (own.kind === 'refused') throw own.error
    if (own.kind === 'own') return own.statement.kind === 'select' ? 'system' : 'command'
    if (own.kind === 'catalogue') return 'system'
    if (own.kind === 'prepared') return 'command'
    if (own.kind === 'several')
      throw new ServerError(conditions.syntaxError, ['cannot insert multiple commands into a prepared statement'])
    if (own.plan.kind === 'refused') throw own.plan.error
    if (own.plan.kind === 'session') return 'command'
    return own.plan.kind
  }

  /** The client's frames go to the system database as they are, but for texts of ours that stand for another. */
  async #system(group: Group, texts: readonly StatementText[]): Promise<void> {
    const session = this.#session
    const relations: string[] = []
    let tag: string | undefined
    let catalogue = false
    for (const text of texts) {
      const own = this.#owns.get(text)
      if (own?.kind === 'own' && own.statement.kind === 'select') {
        authorise(
          await this.#runs.viewer(session),
          own.statement.needs,
          own.statement.subject ?? own.statement.tag,
          session.settings.current,
        )
        relations.push(...own.statement.relations)
        tag = own.statement.tag
      } else if (own?.kind === 'virtual' && own.plan.kind === 'system') relations.push(...own.plan.relations)
      else if (own?.kind === 'catalogue') catalogue = true
    }
    // A command's spelling of a SELECT is nothing the origin could keep open: it is answered as a whole.
    const readsOn = tag !== undefined && this.#leavesPortal(group)
    const frames: Buffer[] = []
    let positionOf: ((position: number) => number | undefined) | undefined
    for (const step of group.steps) {
      const text = step.kind === 'parse' ? session.texts.get(step.key) : undefined
      const own = text === undefined ? undefined : this.#owns.get(text)
      const other = own === undefined ? undefined : textInPlace(own)
      if (step.kind === 'parse' && other !== undefined) {
        frames.push(parseFrame(step.name, other, typesOf(step)))
        const qualified = own?.kind === 'virtual' ? own.qualified : undefined
        if (qualified !== undefined) positionOf = (position) => qualified.positionOf(position)
      } else if (step.kind === 'execute' && readsOn) frames.push(executeFrame(step.portal))
      else frames.push(group.bytes.subarray(step.start, step.end))
      if (step.kind === 'parse' && text !== undefined) prepareHere(session, step, text)
      if (step.kind === 'close' && step.target === 'S') session.statements.delete(step.name)
    }
    const own = isSole(texts) ? this.#owns.get(texts[0] as StatementText) : undefined
    const mayBeElsewhere = own?.kind === 'virtual' && own.plan.kind === 'system' && own.plan.mayBeElsewhere
    const wanted = wantedBy(session, group, relations, (text) => this.#owns.get(text))
    const asked = { simple: false, frames: Buffer.concat(frames), relations, wanted, tag, catalogue, positionOf }
    const outcome = await this.#runs.system(session, { ...asked, mayBeElsewhere })
    if (!outcome.unresolved || own?.kind !== 'virtual') return
    const text = texts[0] as StatementText
    this.#owns.set(text, { ...own, plan: this.#runs.goesElsewhere(text, own) })
    await this.#inline(group, texts)
  }

  /** One statement over user tables too: the origin runs its text with our rows in it. */
  async #inline(group: Group, texts: readonly StatementText[]): Promise<void> {
    const session = this.#session
    const [text] = texts
    const own = text === undefined ? undefined : this.#owns.get(text)
    if (own?.kind === 'virtual' && own.plan.kind === 'refused') throw own.plan.error
    if (text === undefined || own?.kind !== 'virtual' || own.plan.kind !== 'inline' || !isSole(texts)) {
      throw new ServerError(conditions.featureNotSupported, [
        'several statements over the cache and user tables before one Sync',
      ])
    }
    const wanted = wantedBy(session, group, own.plan.inlined.relations, (asked) => this.#owns.get(asked))
    const rendered = await this.#runs.render(session, own.plan, wanted, own.executes)
    const { inlined, hasParse } = inlinedGroup(session, group, text, rendered.text)
    await session.ask(closeFrame('S', inlineName))
    if (session.ended) return
    const { qualified } = own
    const positionOf = (position: number) => {
      const inOurs = rendered.positionOf(position)
      return inOurs === undefined || qualified === undefined ? inOurs : qualified.positionOf(inOurs)
    }
    const cutParses = hasParse ? 0 : 1
    await new Part(session, { positionOf, cutParses, verdict: this.#runs.inlinedVerdict }, () =>
      routeInlined(session, text, inlined),
    ).run()
    if (own.executes !== undefined) await dropAtOrigin(session, own.executes.words.name)
  }

  async #step(step: Group['steps'][number]): Promise<void> {
    const session = this.#session
    const group = this.#request.group as Group
    const { output } = session
    switch (step.kind) {
      case 'parse': {
        const text = session.texts.get(step.key)
        if (text !== undefined) prepareHere(session, step, text)
        output.add(parseCompleteFrame)
        return
      }
      case 'bind': {
        const prepared = session.statements.get(step.statement)
        if (prepared === undefined) throw new ServerError(conditions.undefinedPreparedStatement, [step.statement])
        const { text, aside } = prepared
        const { raw, formats } = readBind(group.bytes.subarray(step.start, step.end))
        const own = this.#ownOfStatement(step.statement)
        const inferred = commandOf(own)?.parameterTypes ?? []
        const parameters = new Parameters(raw, declaredTypes(prepared.types), inferred)
        this.#portals.set(step.portal, {
          text,
          aside,
          own,
          parameters,
          formats,
          rest: undefined,
          isSuspended: false,
          tag: '',
        })
        output.add(bindCompleteFrame)
        return
      }
      case 'describe':
        return step.target === 'S' ? this.#describeStatement(step.name) : this.#describePortal(step.name)
      case 'execute': {
        const portal = this.#portal(step.portal)
        const { own } = portal
        if (portal.completed !== undefined) {
          output.add(portal.completed)
          return
        }
        if (own.kind === 'virtual') {
          output.add(completeSessionStatement(session, own.statement, utf8(portal.text.text)))
          return
        }
        if (own.kind === 'prepared') {
          if (own.words.verb === 'deallocate') output.add(deallocate(this.#runs, session, own))
          else if (await prepareBySql(this.#runs, session, own, (frames) => output.add(frames), 0))
            throw new ToldError()
          return
        }
        if (own.kind !== 'own' || own.statement.kind !== 'command') return
        if (portal.rest === undefined) {
          const said = { hints: hintsFor(portal.text, portal.aside), shift: 0 }
          this.#opened(
            portal,
            await this.#runs.execute(session, own.statement, portal.parameters, said, portal.formats),
          )
        }
        // What a later group of the block would ask for only the origin could keep: it is answered as a whole.
        this.#sendRows(portal, session.status === status.idle ? step.rowCountMax : 0)
        return
      }
      case 'close':
        if (step.target === 'S') await this.#runs.closeStatement(session, step.name)
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
    const { own, parameters, formats } = this.#portal(name)
    const command = commandOf(own)
    const described =
      command === undefined ? undefined : await this.#runs.describe(session, command, parameters.declaredTypes)
    const description = described?.description
    session.output.add(
      description === undefined
        ? (encodeRowDescription(command?.columns ?? [], formats) ?? noDataFrame)
        : describedIn(description, formats),
    )
  }

  #opened(portal: Portal, result: CommandResult): void {
    for (const notice of result.notices ?? []) this.#session.output.add(encodeNotice(notice))
    portal.rest = encodeRows(result, portal.formats)
    portal.tag = result.tag
  }

  /** As many as are asked for; what is left waits for the next Execute of the group. */
  #sendRows(portal: Portal, rowCountMax: number): void {
    const { output } = this.#session
    const rest = portal.rest ?? []
    const isPart = rowCountMax > 0 && rest.length > rowCountMax
    for (const row of isPart ? rest.slice(0, rowCountMax) : rest) output.add(row)
    portal.rest = isPart ? rest.slice(rowCountMax) : []
    if (isPart) portal.isSuspended = true
    // As PostgreSQL, which counts what the last Execute gave.
    const tag = portal.isSuspended ? portal.tag.replace(/^SELECT \d+$/, `SELECT ${rest.length}`) : portal.tag
    output.add(isPart ? portalSuspendedFrame : commandCompleteFrame(tag))
    if (!isPart) portal.completed = commandCompleteFrame(portal.tag.replace(/ \d+$/, ' 0'))
  }

  #ownOfStatement(name: string): OwnText {
    const text = this.#session.statements.get(name)?.text
    if (text === undefined) throw new ServerError(conditions.undefinedPreparedStatement, [name])
    const own = this.#owns.get(text)
    if (own === undefined) throw new ServerError(conditions.undefinedPreparedStatement, [name])
    return own
  }

  #portal(name: string): Portal {
    const portal = this.#portals.get(name)
    if (portal === undefined) throw new ServerError(conditions.undefinedPortal, [name])
    return portal
  }
}

function commandOf(own: OwnText): OwnCommand | undefined {
  return own.kind === 'own' && own.statement.kind === 'command' ? own.statement : undefined
}

function isSole(texts: readonly StatementText[]): boolean {
  return new Set(texts).size === 1
}

const portalSuspendedFrame = frame(backend.portalSuspended)

/** What runs in place of the client's text, if anything does. */
function textInPlace(own: OwnText): string | undefined {
  if (own.kind === 'own' && own.statement.kind === 'select') return own.statement.text
  return own.kind === 'virtual' ? own.qualified?.text : undefined
}
