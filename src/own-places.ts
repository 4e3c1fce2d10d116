// Composition: which of a group's messages about statements of ours go where, and what PostgreSQL says of names before it looks any further.

import type { StatementText } from './cache/plans/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import { type Group, isInFailedBlock, type Session } from './frontend/index.ts'
import { declaredTypes, readBind } from './own-bind.ts'
import { ownPortal } from './own-portals.ts'
import type { OwnRuns } from './own-runs.ts'
import type { OwnText } from './own-text.ts'

type Step = Group['steps'][number]

/** Who answers: the system database, the origin with our rows, or nobody else. */
type Place = 'system' | 'inline' | 'here'

export interface Batch {
  readonly place: Place
  readonly text: StatementText | undefined
  readonly steps: Step[]
}

export class OwnPlaces {
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

  constructor(runs: OwnRuns, session: Session, group: Group) {
    this.#session = session
    this.#group = group
    for (const step of this.#group.steps) {
      const text = step.kind === 'parse' ? session.texts.get(step.key) : this.#usedText(step)
      if (text === undefined) continue
      if (step.kind === 'parse') this.#texts.set(step.key, text)
      const own = runs.ownOf(session, text)
      if (own !== undefined) this.#owns.set(text, own)
    }
  }

  /** What a Parse prepares. */
  textOf(step: Extract<Step, { kind: 'parse' }>): StatementText | undefined {
    return this.#texts.get(step.key)
  }

  ownOf(text: StatementText | undefined): OwnText | undefined {
    return text === undefined ? undefined : this.#owns.get(text)
  }

  /** A batch is answered: its portals are where they were left. */
  leave(batch: Batch): void {
    for (const [portal, bound] of this.#bound) if (bound === batch) this.#bound.delete(portal)
  }

  /** Who answers a step, and about which text; throws what PostgreSQL would say of it before that. */
  placeOf(step: Step, batch: Batch | undefined): readonly [Place, StatementText | undefined] {
    const isRefused = isInFailedBlock(this.#session) && !this.#mayRunFailed(step)
    switch (step.kind) {
      case 'parse': {
        if (isRefused) throw new ServerError(conditions.inFailedTransaction)
        if (step.name !== '' && this.#statement(step.name) !== undefined) {
          throw new ServerError(conditions.duplicatePreparedStatement, [step.name])
        }
        const text = this.#texts.get(step.key)
        return this.#placeOfText(text)
      }
      case 'bind': {
        const text = this.#statement(step.statement)
        if (text === undefined) throw undefinedStatement(step.statement)
        this.#checkCount(step, text)
        if (isRefused && !mayEndFailed(text)) throw new ServerError(conditions.inFailedTransaction)
        if (step.portal !== '' && this.#isPortal(step.portal))
          throw new ServerError(conditions.duplicatePortal, [step.portal])
        return this.#placeOfText(text)
      }
      case 'execute': {
        const place = this.#placeOfPortal(step.portal, batch)
        if (isRefused) throw new ServerError(conditions.inFailedTransaction)
        return place
      }
      case 'describe':
      case 'close': {
        if (isRefused) this.#refuseToDescribe(step.target, step.name, batch)
        if (step.target === 'P' && step.kind === 'describe') return this.#placeOfPortal(step.name, batch)
        if (step.target === 'P') return this.#isBound(step.name, batch) ? this.#placeOfPortal(step.name, batch) : here
        if (step.kind === 'close') return here
        const text = this.#statement(step.name)
        if (text !== undefined) return this.#placeOfText(text)
        throw undefinedStatement(step.name)
      }
    }
  }

  #refuseToDescribe(target: 'S' | 'P', name: string, batch: Batch | undefined): never {
    if (target === 'P') this.#placeOfPortal(name, batch)
    else if (this.#statement(name) === undefined) throw undefinedStatement(name)
    throw new ServerError(conditions.inFailedTransaction)
  }

  /** Before anything else about a Bind. */
  #checkCount(step: Extract<Step, { kind: 'bind' }>, text: StatementText): void {
    const own = this.#owns.get(text)
    if (own !== undefined && own.kind !== 'virtual') return
    const declared = declaredTypes(this.#typesOf(step.statement)).length
    const needed = Math.max(declared, text.shape.statement.parameterCount)
    const given = readBind(this.#group.bytes.subarray(step.start, step.end)).raw.length
    if (given !== needed) throw new ServerError(conditions.wrongParameterCount, [given, step.statement, needed])
  }

  #typesOf(name: string): string {
    const parse = this.#group.steps.findLast((step) => step.kind === 'parse' && step.name === name)
    return parse?.kind === 'parse' ? parse.types : (this.#session.statements.get(name)?.types ?? '')
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

  #statement(name: string): StatementText | undefined {
    if (this.#closed.has(name)) return undefined
    return this.#parsed.get(name) ?? this.#session.statements.get(name)?.text
  }

  #isPortal(name: string): boolean {
    return this.#bound.has(name) || ownPortal(this.#session, name) !== undefined
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
    return mayEndFailed(text)
  }

  /** Functions of ours in a statement are called once a batch: with other values, in another. */
  callsAnew(step: Step, text: StatementText | undefined, batch: Batch | undefined): boolean {
    const own = step.kind === 'bind' && text !== undefined ? this.#owns.get(text) : undefined
    const calls = own !== undefined && 'calls' in own ? own.calls : undefined
    const takesValues = calls !== undefined && calls.parameterTypes.length > 0
    return takesValues && batch?.steps.some(({ kind }) => kind === 'bind') === true
  }

  note(step: Step, text: StatementText | undefined, batch: Batch): void {
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

  #usedText(step: Step): StatementText | undefined {
    const name = step.kind === 'bind' ? step.statement : 'target' in step && step.target === 'S' ? step.name : undefined
    return name === undefined ? undefined : this.#session.statements.get(name)?.text
  }
}

const here = ['here', undefined] as const

/** PostgreSQL binds it in a block that has failed. */
function mayEndFailed(text: StatementText | undefined): boolean {
  const verb = text?.shape.statement.verb
  return verb === 'commit' || verb === 'rollback' || verb === 'rollback_to' || verb === 'prepare'
}

export function undefinedStatement(name: string): ServerError {
  return name === ''
    ? new ServerError(conditions.undefinedUnnamedStatement)
    : new ServerError(conditions.undefinedPreparedStatement, [name])
}
