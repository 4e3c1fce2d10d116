// The settings of the server: where each value comes from, the snapshot in force, and ALTER SYSTEM.
//
// Sources, weakest first:  default < file (--config) < environment < flag < system (settings.auto.toml, ALTER SYSTEM)
//
// Invariants
//   1. A snapshot is frozen and replaced as a whole: whoever holds one sees values that belong together.
//   2. A row that changes at restart keeps the value of the start; `pendingRestart` says that another one waits.
//   3. A change that fails (a bad value, a full disk) leaves snapshot and file as they were.

import { join } from 'node:path'
import { conditions, ServerError } from '../errors/index.ts'
import { nearest } from './nearest.ts'
import type { SettingChange, SettingRow } from './setting-row.ts'
import {
  layersOf,
  type Resolution,
  type Resolved,
  resolve,
  type SettingSource,
  type SettingsSources,
  systemLayer,
} from './setting-sources.ts'
import { settingTable } from './settings.ts'
import { readSettingsFile, type SettingTexts, writeSettingsFile } from './settings-file.ts'
import { findSetting, type Settings, settingNames, snapshotOf } from './snapshot.ts'

/** A row of `cache.settings`. */
export interface SettingState {
  readonly name: string
  /** As shown to people: passwords are masked. */
  readonly value: string
  readonly type: string
  readonly initial: string
  /** `internal`: nobody changes it. */
  readonly change: SettingChange | 'internal'
  readonly category: string
  readonly summary: string
  readonly source: SettingSource
  readonly pendingRestart: boolean
}

/** What SHOW makes when it is asked: a row of no value. */
export const tokenState: SettingState = {
  name: 'token',
  value: '',
  type: 'text',
  initial: '',
  change: 'internal',
  category: 'results',
  summary: 'What the session has seen, for min_lsn of another; SHOW makes it when it is asked.',
  source: 'default',
  pendingRestart: false,
}

/** Known names, not yet served (SQL-3). */
const laterSettings: ReadonlySet<string> = new Set(['virtual_snapshot_max_age'])

export class SettingsStore {
  readonly #sources: SettingsSources
  readonly #listeners = new Set<(settings: Settings) => void>()
  readonly #systemFile: string
  /** What ALTER SYSTEM has set, as written. */
  #system: SettingTexts
  /** In force; rows that change at restart as they were at the start. */
  #running: Resolution
  /** Names of rows for which the sources now say something else than what is in force. */
  #pending: ReadonlySet<string> = new Set()
  #snapshot: Settings
  #writing: Promise<unknown> = Promise.resolve()

  /** Reads all sources. Throws StartupError for the command line, ServerError for a file or the environment. */
  static open(sources: SettingsSources = {}): SettingsStore {
    return new SettingsStore(sources)
  }

  private constructor(sources: SettingsSources) {
    this.#sources = sources
    const fixed = resolve(layersOf(sources))
    this.#systemFile = join(fixed.get('data_dir')?.value as string, 'settings.auto.toml')
    this.#system = readSettingsFile(this.#systemFile) ?? new Map()
    this.#running = resolve([...layersOf(sources), systemLayer(this.#system, this.#systemFile)])
    this.#snapshot = snapshotOf((row) => this.#running.get(row.name)?.value)
  }

  get snapshot(): Settings {
    return this.#snapshot
  }

  rows(): SettingState[] {
    return settingTable.map((row) => {
      const resolved = this.#running.get(row.name) ?? { value: undefined, source: 'default' }
      return stateOf(row, resolved.value, resolved.source, this.#pending.has(row.name))
    })
  }

  /** ALTER SYSTEM SET: kept in the data directory, in force at once unless the row says restart. */
  async setSystem(name: string, value: string): Promise<void> {
    const row = this.#changeable(name)
    row.type.parse(value, this.labelOf(row.name))
    await this.#writeSystem((texts) => texts.set(row.name, value))
  }

  /** ALTER SYSTEM RESET; without a name, RESET ALL. */
  async resetSystem(name?: string): Promise<void> {
    const row = name === undefined ? undefined : this.#changeable(name)
    await this.#writeSystem((texts) => {
      if (row === undefined) texts.clear()
      else texts.delete(row.name)
    })
  }

  /** Reads the files again, as at SIGHUP. On an error everything stays as it was. */
  reload(): void {
    const system = readSettingsFile(this.#systemFile) ?? new Map<string, string>()
    const resolution = resolve([...layersOf(this.#sources), systemLayer(system, this.#systemFile)])
    this.#system = system
    this.#adopt(resolution)
  }

  /** Calls the listener after each change, until the function returned is called. */
  onChange(listener: (settings: Settings) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The row of that name, in any case of letters, or 42704 with the nearest name as hint. */
  find(name: string): SettingRow {
    const row = findSetting(name.toLowerCase())
    if (row !== undefined) return row
    if (name.toLowerCase() === tokenState.name) {
      const hint = `SHOW ${this.labelOf(tokenState.name)} makes one.`
      throw new ServerError(conditions.cantChangeRuntimeParam, [this.labelOf(tokenState.name)], { hint })
    }
    if (laterSettings.has(name.toLowerCase())) {
      throw new ServerError(conditions.featureNotSupported, [`parameter "${this.labelOf(name)}"`], {
        detail: 'It comes with a later release.',
      })
    }
    const meant = nearest(name.toLowerCase(), settingNames)
    throw new ServerError(conditions.unknownSetting, [this.labelOf(name)], {
      hint: meant === undefined ? undefined : `Perhaps you meant "${this.labelOf(meant)}".`,
    })
  }

  /** The name as SQL writes it: `cache.result_ttl`. */
  labelOf(name: string): string {
    return `${this.#snapshot.virtualSchema}.${name}`
  }

  #changeable(name: string): SettingRow {
    const row = this.find(name)
    if (row.name !== 'data_dir') return row
    throw new ServerError(conditions.cantChangeRuntimeParam, [this.labelOf(row.name)], {
      hint: 'The file that ALTER SYSTEM writes lies in that directory: give it as flag, environment variable or in the file.',
    })
  }

  /** One write at a time, each starting from what the one before it left. */
  #writeSystem(change: (texts: Map<string, string>) => void): Promise<void> {
    const write = this.#writing.then(async () => {
      const texts = new Map(this.#system)
      change(texts)
      const resolution = resolve([...layersOf(this.#sources), systemLayer(texts, this.#systemFile)])
      await writeSettingsFile(this.#systemFile, texts)
      this.#system = texts
      this.#adopt(resolution)
    })
    this.#writing = write.catch(() => {})
    return write
  }

  #adopt(resolution: Resolution): void {
    const running = new Map<string, Resolved>()
    const pending = new Set<string>()
    for (const row of settingTable) {
      const before = this.#running.get(row.name)
      const after = resolution.get(row.name)
      if (before === undefined || after === undefined) continue
      const same = JSON.stringify(before.value) === JSON.stringify(after.value)
      if (row.change === 'restart' && !same) pending.add(row.name)
      running.set(row.name, row.change === 'restart' && !same ? before : after)
    }
    this.#running = running
    this.#pending = pending
    this.#snapshot = snapshotOf((row) => running.get(row.name)?.value)
    for (const listener of [...this.#listeners]) listener(this.#snapshot)
  }
}

export function stateOf(row: SettingRow, value: unknown, source: SettingSource, pendingRestart: boolean): SettingState {
  return {
    name: row.name,
    value: row.type.render(value),
    type: row.type.kind,
    initial: row.initial,
    change: row.change,
    category: row.group,
    summary: row.summary,
    source,
    pendingRestart,
  }
}
