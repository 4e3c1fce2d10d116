// The settings as one session sees them: the server's, overlaid by its own SETs, with PostgreSQL's transactional rules.
//
//   server (default … system)  <  login (ALTER ROLE … SET)  <  startup (options=-c cache.x=…)  <  session (SET)  <  transaction (SET LOCAL)
//
// SET in a transaction lasts if it commits and is undone if it rolls back; SET LOCAL ends with the transaction; both are
// undone by ROLLBACK TO. The two overlays are immutable maps, so a savepoint is two references.

import { conditions, ServerError } from '../errors/index.ts'
import type { SettingRow } from './setting-row.ts'
import type { LoginSource, SettingSource } from './setting-sources.ts'
import { type SettingState, type SettingsStore, stateOf } from './settings-store.ts'
import { fieldOf, type Settings } from './snapshot.ts'

/** Setting names to parsed values. */
type Overlay = ReadonlyMap<string, unknown>

interface Saved {
  /** undefined for the start of the transaction. */
  readonly savepoint: string | undefined
  readonly session: Overlay
  readonly local: Overlay
}

const none: Overlay = new Map()

export class SessionSettings {
  readonly #store: SettingsStore
  #login: Overlay = none
  #loginSources: ReadonlyMap<string, LoginSource> | undefined
  /** What the origin keeps for the session's role and database has been told. */
  knowsLogin = false
  #startup: Overlay = none
  #session: Overlay = none
  #local: Overlay = none
  /** Empty outside a transaction; else its start, then its savepoints in order. */
  #saved: Saved[] = []
  /** The transaction is one text of several statements, no block. */
  #implicit = false
  #base: Settings
  #current: Settings

  /** `startup` holds what the client asked for at its start-up; a bad one throws as SET would. */
  constructor(store: SettingsStore, startup: ReadonlyMap<string, string> = new Map()) {
    this.#store = store
    this.#base = store.snapshot
    this.#current = store.snapshot
    for (const [name, value] of startup) {
      const row = this.#settable(name)
      this.#startup = withEntry(this.#startup, row.name, row.type.parse(value, store.labelOf(row.name)))
    }
    if (startup.size > 0) this.#refresh()
  }

  /** What the origin had in force for the session when it began; `ignored` hears of what is no value. */
  learnLogin(values: ReadonlyMap<string, string>, ignored: (name: string, error: unknown) => void): void {
    this.knowsLogin = true
    for (const [name, value] of values) {
      try {
        const row = this.#settable(name)
        this.#login = withEntry(this.#login, row.name, row.type.parse(value, this.#store.labelOf(row.name)))
      } catch (error) {
        ignored(name, error)
      }
    }
    if (this.#login.size > 0) this.#refresh()
  }

  /** Some of them are in force from the login on, and nobody knows yet where the origin keeps them. */
  get wantsLoginSources(): boolean {
    return this.#login.size > 0 && this.#loginSources === undefined
  }

  /** What the origin keeps now, each with its value, weakest first; what is another value by now is not what it was taken from. */
  learnLoginSources(kept: Iterable<readonly [name: string, value: string, source: LoginSource]>): void {
    const sources = new Map<string, LoginSource>()
    for (const [name, value, source] of kept) {
      const isIt = this.#login.has(name) && this.#loginText(name) === this.#textOf(name, value)
      if (isIt) sources.set(name, source)
      else sources.delete(name)
    }
    this.#loginSources = sources
  }

  #loginText(name: string): string {
    return this.#store.find(name).type.render(this.#login.get(name))
  }

  #textOf(name: string, value: string): string | undefined {
    try {
      const { type } = this.#store.find(name)
      return type.render(type.parse(value, name))
    } catch {
      return undefined
    }
  }

  /** The values in force, frozen; the same object until something changes. */
  get current(): Settings {
    if (this.#base !== this.#store.snapshot) this.#refresh()
    return this.#current
  }

  get inTransaction(): boolean {
    return this.#saved.length > 0
  }

  /** A block of the client's, not just a text of several statements. */
  get inBlock(): boolean {
    return this.inTransaction && !this.#implicit
  }

  /** SET; `value` undefined is DEFAULT. LOCAL outside a transaction checks the value and changes nothing. The value as shown. */
  set(name: string, value: string | undefined, options: { readonly local?: boolean } = {}): string {
    const row = this.#settable(name)
    const parsed = value === undefined ? this.#resetValueOf(row) : row.type.parse(value, this.#store.labelOf(row.name))
    if (options.local === true) {
      if (this.inTransaction) this.#local = withEntry(this.#local, row.name, parsed)
    } else {
      this.#session =
        value === undefined ? without(this.#session, row.name) : withEntry(this.#session, row.name, parsed)
      this.#local = without(this.#local, row.name)
    }
    this.#refresh()
    return row.type.render(parsed)
  }

  /** RESET: back to what the session started with. */
  reset(name: string): void {
    this.set(name, undefined)
  }

  /** RESET ALL and DISCARD ALL. */
  resetAll(): void {
    this.#session = none
    this.#local = none
    this.#refresh()
  }

  /** SHOW, of any setting, in any case of letters. */
  show(name: string): string {
    const row = this.#store.find(name)
    return row.type.render(this.current[fieldOf(row.name)])
  }

  /** The rows of `cache.settings` as this session sees them. */
  rows(): SettingState[] {
    return this.#store.rows().map((state) => {
      const source = this.#sourceOf(state.name)
      if (source === undefined) return state
      const row = this.#store.find(state.name)
      return stateOf(row, this.current[fieldOf(row.name)], source, false)
    })
  }

  /** BEGIN; inside a block it changes nothing, and what several statements of one text have set so far is part of it. */
  begin(): void {
    if (!this.inTransaction) this.#save(undefined)
    this.#implicit = false
  }

  /** Several statements in one text are a transaction, unless one is open. */
  beginImplicit(): void {
    if (this.inTransaction) return
    this.#save(undefined)
    this.#implicit = true
  }

  /** The end of the text; a block that was begun in it lives on. */
  endImplicit(commits: boolean): void {
    if (!this.#implicit) return
    if (commits) this.commit()
    else this.rollback()
  }

  commit(): void {
    this.#implicit = false
    if (!this.inTransaction) return
    this.#saved = []
    this.#local = none
    this.#refresh()
  }

  rollback(): void {
    this.#implicit = false
    const start = this.#saved[0]
    if (start === undefined) return
    this.#saved = []
    this.#session = start.session
    this.#local = none
    this.#refresh()
  }

  savepoint(name: string): void {
    if (this.inTransaction) this.#save(name)
  }

  /** RELEASE: what was set since stays, until the transaction decides. */
  releaseSavepoint(name: string): void {
    this.#saved.length = this.#indexOf(name)
  }

  /** ROLLBACK TO: undoes what was set since; the savepoint itself remains. */
  rollbackTo(name: string): void {
    const index = this.#indexOf(name)
    const saved = this.#saved[index]
    if (saved === undefined) return
    this.#saved.length = index + 1
    this.#session = saved.session
    this.#local = saved.local
    this.#refresh()
  }

  #save(savepoint: string | undefined): void {
    this.#saved.push({ savepoint, session: this.#session, local: this.#local })
  }

  #indexOf(savepoint: string): number {
    const index = this.#saved.findLastIndex((saved) => saved.savepoint === savepoint)
    if (index === -1) throw new ServerError(conditions.undefinedSavepoint, [savepoint])
    return index
  }

  #settable(name: string): SettingRow {
    const row = this.#store.find(name)
    if (row.change === 'session') return row
    const label = this.#store.labelOf(row.name)
    throw new ServerError(conditions.cantChangeRuntimeParam, [label], {
      hint: `It is a setting of the whole server: ALTER SYSTEM SET ${label} = '…'.`,
    })
  }

  #resetValueOf(row: SettingRow): unknown {
    const beginning = this.#startup.has(row.name) ? this.#startup : this.#login
    return beginning.has(row.name) ? beginning.get(row.name) : this.#store.snapshot[fieldOf(row.name)]
  }

  #sourceOf(name: string): SettingSource | undefined {
    if (this.#local.has(name)) return 'transaction'
    if (this.#session.has(name)) return 'session'
    if (this.#startup.has(name)) return 'startup'
    return this.#login.has(name) ? (this.#loginSources?.get(name) ?? 'origin') : undefined
  }

  #refresh(): void {
    this.#base = this.#store.snapshot
    const own = [...this.#login, ...this.#startup, ...this.#session, ...this.#local]
    this.#current =
      own.length === 0
        ? this.#base
        : Object.freeze({ ...this.#base, ...Object.fromEntries(own.map(([name, value]) => [fieldOf(name), value])) })
  }
}

function withEntry(overlay: Overlay, name: string, value: unknown): Overlay {
  return new Map(overlay).set(name, value)
}

function without(overlay: Overlay, name: string): Overlay {
  if (!overlay.has(name)) return overlay
  const copy = new Map(overlay)
  copy.delete(name)
  return copy
}
