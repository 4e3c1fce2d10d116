// What the store thread does when nobody waits: sweeps, synopses built anew, room made on a full disk, accesses noted, checks,
// namespaces loaded from a restored store.
//
// One chore at a time, a step at a time; each is begun at most once while it waits.

import type { Clock, Disk } from '../../base/index.ts'
import { conditions, ServerError } from '../../errors/index.ts'
import type { HostReport } from './host-report.ts'
import { findings } from './host-requests.ts'
import type { L2 } from './l2.ts'
import { compact, type Moved } from './l2-compact.ts'
import { recordKey as recordKeyOf } from './l2-keys.ts'
import { type LoadedPart, loadNamespaces } from './l2-load.ts'
import type { Steps } from './l2-value.ts'
import type { ChoreRequest, StoreSettings } from './store-messages.ts'
import type { SweepCause, SweepLimits, SweepReport } from './sweeper.ts'

type Asked = Extract<ChoreRequest, { kind: 'accessed' | 'sweep' | 'check' | 'compact' | 'load' }>

interface Chore {
  readonly name: string
  /** Who waits for it. */
  readonly id?: number
  readonly steps: Generator<undefined, void, undefined>
}

interface ChoreParts {
  readonly report: HostReport
  readonly clock: Clock
  readonly disk: Disk
  /** In which the store lies, and others beside it. */
  readonly directory: string
  readonly wake: () => void
}

const accessesPerStep = 32

/** It was closed, or gave way to another. */
const notOpen = (): ServerError => new ServerError(conditions.storeNotOpen, ['not open any more'])

export class HostChores {
  readonly #report: HostReport
  readonly #clock: Clock
  readonly #disk: Disk
  readonly #directory: string
  readonly #wake: () => void
  #l2: L2 | undefined
  #settings: StoreSettings | undefined
  #queue: Chore[] = []
  #current: Chore | undefined
  /** Who wants to hear of the sweep that runs or waits (SWP-12). */
  #sweepers: number[] = []
  #sweepTimer: NodeJS.Timeout | undefined
  #nextReliefUs = Number.NEGATIVE_INFINITY

  constructor(parts: ChoreParts) {
    this.#report = parts.report
    this.#clock = parts.clock
    this.#disk = parts.disk
    this.#directory = parts.directory
    this.#wake = parts.wake
  }

  /** Works for this store from now on. */
  take(l2: L2, settings: StoreSettings): void {
    this.drop()
    this.#l2 = l2
    this.configure(settings)
    if (settings.sweepOnStart) this.#sweep(settings.sweepLimits, 'start')
  }

  configure(settings: StoreSettings): void {
    this.#settings = settings
    clearInterval(this.#sweepTimer)
    if (settings.sweepIntervalMs > 0) {
      this.#sweepTimer = setInterval(() => this.#sweepByTimer(), settings.sweepIntervalMs)
      this.#sweepTimer.unref()
    }
    const l2 = this.#l2
    if (l2 !== undefined && l2.namespaces.bytes > settings.bytesMax) this.#add('shrink', l2.shrink())
  }

  /** There is no store any more. */
  drop(): void {
    clearInterval(this.#sweepTimer)
    this.#current?.steps.return()
    const ids = [this.#current, ...this.#queue].flatMap((chore) => chore?.id ?? [])
    this.#current = undefined
    this.#queue = []
    for (const id of [...ids, ...this.#sweepers.splice(0)]) this.#report.fail(id, notOpen())
    this.#l2 = undefined
  }

  add(request: Asked): void {
    const l2 = this.#l2
    if (request.kind === 'accessed') {
      if (l2 !== undefined) this.#queue.push({ name: 'accessed', steps: noteAccesses(l2, request.entries) })
      return
    }
    if (l2 === undefined) this.#report.fail(request.id, notOpen())
    else if (request.kind === 'check') this.#check(l2, request.id)
    else if (request.kind === 'compact') this.#compact(l2, request.id)
    else if (request.kind === 'load') this.#wait('load', request.id, this.#load(l2, request))
    else {
      this.#sweepers.push(request.id)
      this.#sweep(request.limits, request.cause)
    }
  }

  /** The disk is full: a tenth leaves, and when that is durable growing is tried again (L2-35); not all the time. */
  relieve(): void {
    const l2 = this.#l2
    const nowUs = this.#clock.monotonicUs()
    if (l2 === undefined || nowUs < this.#nextReliefUs) return
    this.#nextReliefUs = nowUs + (this.#settings?.retryDelayMs ?? 0) * 1000
    this.#add('relieve', this.#relieve(l2))
  }

  get hasWork(): boolean {
    return this.#current !== undefined || this.#queue.length > 0 || this.#l2?.synopses.wanting() !== undefined
  }

  /** Does a few steps, at least one. */
  step(stepsMax: number, isOver: () => boolean): void {
    for (let count = 0; count < stepsMax; count++) {
      this.#current ??= this.#next()
      if (this.#current === undefined) return
      if (this.#current.steps.next().done === true) this.#current = undefined
      if (isOver()) return
    }
  }

  #next(): Chore | undefined {
    const waiting = this.#queue.shift()
    if (waiting !== undefined) return waiting
    const namespace = this.#l2?.synopses.wanting()
    return namespace === undefined || this.#l2 === undefined
      ? undefined
      : { name: 'rebuild', steps: this.#l2.synopses.rebuild(namespace) }
  }

  #wait(name: string, id: number, steps: Chore['steps']): void {
    this.#queue.push({ name, id, steps })
  }

  #add(name: string, steps: Chore['steps']): void {
    if (this.#current?.name === name || this.#queue.some((chore) => chore.name === name)) return
    this.#queue.push({ name, steps })
    this.#wake()
  }

  #sweep(limits: SweepLimits, cause: SweepCause): void {
    const l2 = this.#l2
    if (l2 !== undefined) this.#add('sweep', this.#runSweep(l2.sweeper.sweep(limits, cause)))
  }

  #sweepByTimer(): void {
    if (this.#settings !== undefined && this.#l2?.sweeper.hasWork === true) {
      this.#sweep(this.#settings.sweepLimits, 'timer')
    }
  }

  *#runSweep(steps: Steps<SweepReport>): Generator<undefined, void, undefined> {
    let report: SweepReport
    try {
      report = yield* steps
    } catch (error) {
      for (const id of this.#sweepers.splice(0)) this.#report.fail(id, error)
      throw error
    }
    this.#report.swept(report)
    for (const id of this.#sweepers.splice(0)) this.#report.reply({ id, result: report, durable: false })
  }

  /** After a commit, so that it finds what was put before; if there can be none, of the one before. */
  #check(l2: L2, id: number): void {
    l2.commit()
      .catch(() => undefined)
      .then(() => {
        if (this.#l2 === l2) this.#wait('check', id, this.#runCheck(l2, id))
        else this.#report.fail(id, notOpen())
      })
      .finally(this.#wake)
  }

  *#runCheck(l2: L2, id: number): Generator<undefined, void, undefined> {
    this.#report.reply({ id, result: yield* findings(l2), durable: false })
  }

  /** Round after round, with commits between them. */
  #compact(l2: L2, id: number): void {
    const run = (steps: Steps<Moved>): Promise<Moved> =>
      new Promise((resolve, reject) => {
        if (this.#l2 !== l2) return reject(notOpen())
        this.#wait('compact', id, settling(steps, resolve, reject))
        this.#wake()
      })
    compact(l2, run)
      .then(
        (report) => this.#report.reply({ id, result: report, durable: true }),
        (error: unknown) => this.#report.fail(id, error),
      )
      .finally(this.#wake)
  }

  /** Answered when what was loaded is durable, or with why it is not. */
  *#load(l2: L2, { id, request }: Extract<Asked, { kind: 'load' }>): Generator<undefined, void, undefined> {
    let loaded: readonly LoadedPart[]
    try {
      loaded = yield* loadNamespaces(l2, this.#disk, this.#directory, request)
    } catch (error) {
      this.#report.fail(id, error)
      return
    }
    l2.commit()
      .then(
        () => this.#report.reply({ id, result: loaded, durable: true }),
        (error: unknown) => this.#report.fail(id, error),
      )
      .finally(this.#wake)
  }

  *#relieve(l2: L2): Generator<undefined, void, undefined> {
    yield* l2.relieve()
    l2.commit().then(
      () => {
        l2.store.retry()
        this.#wake()
      },
      () => {},
    )
  }
}

function* settling<T>(
  steps: Steps<T>,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): Generator<undefined, void, undefined> {
  try {
    resolve(yield* steps)
  } catch (error) {
    reject(error)
  }
}

function* noteAccesses(
  l2: L2,
  entries: Extract<Asked, { kind: 'accessed' }>['entries'],
): Generator<undefined, void, undefined> {
  for (const [index, [scope, key, atMs]] of entries.entries()) {
    if ((index > 0 && index % accessesPerStep === 0) || l2.store.space.isTight) yield
    if (l2.namespaces.alive(scope) !== undefined) l2.entries.noteAccess(recordKeyOf(scope, key), atMs)
  }
}
