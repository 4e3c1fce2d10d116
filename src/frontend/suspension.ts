// What a commit under way holds back, and lets go or bumps at its end.

import { type Capture, type StatementText, writtenOids } from '../cache/plans/index.ts'
import { type InvalidationCause, type WriteScope, wholeDatabase } from '../invalidation/index.ts'
import type { ExpectedWrite } from './services.ts'
import type { Session } from './session.ts'

/** The scope of what a transaction holds; undefined if it changed nothing. */
export function scopeOf(
  session: Session,
  capture: Capture | undefined,
  text: StatementText | undefined,
  ddl: boolean,
): WriteScope | undefined {
  if (capture === undefined) return undefined
  const { broken } = session.services
  if (capture.catalogueChanged && !broken.has('ddl')) {
    if (capture.wrote || ddl) return wholeDatabase
  }
  if (ddl && !broken.has('ddl')) return wholeDatabase
  if (!capture.wrote) return undefined
  if (capture.deferred && !broken.has('deferred')) return wholeDatabase
  const oids = broken.has('R3-capture') ? writtenOids(capture).slice(0, 1) : writtenOids(capture)
  if (broken.has('R3-capture') && text === undefined) return undefined
  return oids.length === 0
    ? undefined
    : { everything: false, relations: oids.map((oid) => session.epochs.relation(oid)) }
}

/** A scope held while its commit is under way. */
export class Suspension {
  readonly #session: Session
  #scope: WriteScope | undefined
  #schema = false
  #xid: number | undefined
  #expected: ExpectedWrite | undefined
  /** It holds back only those who do not go by the order of the feed. */
  #isOrdered = false
  /** As cache.invalidations tells it; undefined if the scope says it. */
  cause: InvalidationCause | undefined

  constructor(session: Session) {
    this.#session = session
  }

  get holds(): boolean {
    return this.#scope !== undefined
  }

  hold(scope: WriteScope | undefined, schema: boolean, xid?: number): void {
    if (scope === undefined) return
    this.#xid = xid
    this.#scope = scope
    this.#schema = schema
    const { services, epochs } = this.#session
    if (xid !== undefined && !schema)
      this.#expected = services.feeds.expect(epochs.name, xid, scope, this.#session.context?.life)
    if (services.broken.has('R2-suspend')) return
    // Until it is acknowledged, the order in which sessions see it and what the feed tells is theirs to keep (level.ts), where it tells.
    this.#isOrdered = this.#expected !== undefined && scope.relations.every(({ isUnfed }) => !isUnfed)
    if (this.#isOrdered) epochs.beginCommit(scope)
    else epochs.suspend(scope)
  }

  /** The commit is done: waits for what the feed tells of its rows, if that is worth it. */
  told(): Promise<void> | undefined {
    return this.#session.services.broken.has('rows-ack') ? undefined : this.#expected?.told()
  }

  /** The commit is done: what was derived from the scope is void from here on. */
  bump(): void {
    const scope = this.#take()
    if (scope === undefined) return
    const expected = this.#expected
    const { services, epochs } = this.#session
    const startedUs = services.clock.monotonicUs()
    const by = {
      cause: this.cause ?? (this.#schema ? 'ddl' : 'write'),
      session: this.#session.id,
      sinceUs: startedUs,
    }
    const isUntold = expected?.isTold === false
    const act = () => {
      if (expected?.acknowledged(scope, by) === true || (isUntold && services.broken.has('rows-ack'))) {
        this.#release(scope)
        return
      }
      if (this.#schema) {
        services.epochs.bumpAllDatabases('schema', services.clock.nowMs(), by)
        // Roles may have been renamed, defaults of roles and databases changed.
        services.contexts.distrust()
        services.feeds.schemaChanged()
      }
      if (!this.#schema) epochs.bump(scope, scope.everything ? 'unknown' : 'write', services.clock.nowMs(), by)
      if (this.#xid !== undefined) services.feeds.acknowledged(epochs.name, this.#xid, scope)
      this.#release(scope)
    }
    if (isUntold && !services.broken.has('rows-ack')) {
      // What it changed is not known: nothing is served from its relations until it is.
      epochs.suspend(scope)
      void expected?.settled().then(() => {
        act()
        epochs.release(scope)
      })
      return
    }
    if (services.broken.has('R3-ack')) this.#release(scope)
    else act()
    services.metrics.histograms.invalidate_us.record(services.clock.monotonicUs() - startedUs)
  }

  /** Nothing was committed. */
  lift(): void {
    const scope = this.#take()
    this.#expected?.end()
    if (scope !== undefined) this.#release(scope)
  }

  /** The connection went and nobody knows: it stays held until the backend is seen to be gone (R8). */
  unknown(): void {
    const scope = this.#take()
    this.#expected?.end()
    if (scope === undefined) return
    const { services, epochs, identity } = this.#session
    this.#session.outcomeUnknown = true
    if (services.broken.has('R8-unknown')) {
      this.#release(scope)
      return
    }
    services.counters.unknown_outcomes++
    services.events.record({ severity: 'warning', event: 'unknown_outcome', subject: `session ${identity.id}` })
    // Nobody will say when it is acknowledged.
    epochs.suspend(scope)
    this.#release(scope)
    services.outcomes.add({ pid: identity.pid, database: epochs, scope, session: identity.id })
  }

  #take(): WriteScope | undefined {
    const scope = this.#scope
    this.#scope = undefined
    return scope
  }

  #release(scope: WriteScope): void {
    const { services, epochs } = this.#session
    if (services.broken.has('R2-suspend')) return
    if (this.#isOrdered) epochs.endCommit(scope)
    else epochs.release(scope)
  }
}

/** The session ends and may have committed anything: all is held until its backend is seen to be gone. */
export function loseSightOf(session: Session): void {
  const suspension = new Suspension(session)
  suspension.hold(wholeDatabase, true)
  suspension.unknown()
}
