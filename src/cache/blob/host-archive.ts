// What backups and restores ask of the store thread: to hold a commit, to let it go, to give way to a restored store.
//
// Copying and checking is another thread's work; nothing here takes longer than a commit.

import type { Clock, Disk } from '../../base/index.ts'
import { conditions, ServerError } from '../../errors/index.ts'
import { createCounters } from '../../observe/index.ts'
import type { Pin } from '../../storage/index.ts'
import { layOn } from './host-parts.ts'
import type { HostReport } from './host-report.ts'
import type { L2 } from './l2.ts'
import { type HeldCommit, holdCommit } from './l2-hold.ts'
import { replaceStore } from './l2-replace.ts'
import type { ArchiveRequest, ChoreRequest, StoreSettings } from './store-messages.ts'

interface ArchiveHooks {
  readonly disk: Disk
  readonly clock: Clock
  readonly directory: string
  readonly report: HostReport
  /** Throws 55000 when there is none, or none that can be used. */
  readonly usable: () => L2
  /** Nobody is served from it until resume(), and nothing is under way in it. */
  readonly suspend: () => void
  /** The store is the one it was, or closed: then the directory is opened anew. */
  readonly resume: () => void
  readonly settings: () => StoreSettings
  readonly send: () => void
}

const silent = { damaged: () => {}, synopsis: () => {} }

export class HostArchive {
  readonly #hooks: ArchiveHooks
  readonly #pins = new Map<number, Pin>()
  #lastHold = 0

  constructor(hooks: ArchiveHooks) {
    this.#hooks = hooks
  }

  /** False if the request is of another kind. */
  takes(request: ChoreRequest): request is ArchiveRequest {
    if (!['hold', 'held', 'release', 'activate'].includes(request.kind)) return false
    this.#take(request as ArchiveRequest)
    return true
  }

  #take(request: ArchiveRequest): void {
    if (request.kind === 'release') {
      this.#pins.get(request.hold)?.release()
      this.#pins.delete(request.hold)
      return
    }
    const { report, send } = this.#hooks
    this.#answer(request)
      .then(
        (result) => report.reply({ id: request.id, result, durable: true }),
        (error: unknown) => report.fail(request.id, error),
      )
      .finally(send)
  }

  #answer(request: Exclude<ArchiveRequest, { kind: 'release' }>) {
    if (request.kind === 'hold') return this.#hold()
    if (request.kind === 'held') return this.#assertHeld(request.hold)
    return this.#activate(request.name, request.keepDerived)
  }

  /** A store that was read anew after a fall has forgotten who held what, and uses those pages again. */
  async #assertHeld(hold: number): Promise<undefined> {
    const pin = this.#pins.get(hold)
    if (pin === undefined) throw new ServerError(conditions.storeNotOpen, ['another one since this commit was held'])
    pin.assertHeld()
  }

  async #hold(): Promise<HeldCommit & { readonly hold: number }> {
    const { pin, held } = await holdCommit(this.#hooks.usable())
    const hold = ++this.#lastHold
    this.#pins.set(hold, pin)
    return { ...held, hold }
  }

  async #activate(name: string, keepDerived: boolean) {
    const { usable, suspend, resume, disk, directory, clock, settings } = this.#hooks
    const live = usable()
    suspend()
    try {
      return await replaceStore(live, {
        ...{ disk, directory, name, keepDerived },
        // Nobody hears of what happens in it before it is the live one.
        layOn: (store) => layOn(store, { settings: settings(), clock, counters: createCounters(), observer: silent }),
      })
    } finally {
      if (live.store.state === 'closed') this.#pins.clear()
      resume()
    }
  }
}
