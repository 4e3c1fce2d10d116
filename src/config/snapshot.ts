// What follows from the table of settings: the type of the values in force, and the ways to find a row.

import type { SettingRow } from './setting-row.ts'
import type { SettingType } from './setting-types.ts'
import { settingTable } from './settings.ts'

type TableRow = (typeof settingTable)[number]

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name

type ValueOf<Row> = Row extends { readonly type: SettingType<infer T> } ? T : never

/** The values in force: `result_ttl` is `resultTtl`. Durations are milliseconds, sizes are bytes. */
export type Settings = { readonly [Row in TableRow as CamelCase<Row['name']>]: ValueOf<Row> }

const rowsByName: ReadonlyMap<string, SettingRow> = new Map(settingTable.map((row) => [row.name, row]))

export const settingNames: readonly string[] = settingTable.map((row) => row.name)

/** Those a session may have of its own. */
export const loginSettingNames: readonly string[] = settingTable
  .filter((row) => row.change === 'session')
  .map((row) => row.name)

export function findSetting(name: string): SettingRow | undefined {
  return rowsByName.get(name)
}

export function isSettingName(name: string): boolean {
  return rowsByName.has(name.toLowerCase())
}

/** The field of the snapshot for a setting: `result_ttl` gives `resultTtl`. */
export function fieldOf(name: string): keyof Settings {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()) as keyof Settings
}

/** A frozen snapshot with a value for each row, its fields in the order of the table. */
export function snapshotOf(read: (row: SettingRow) => unknown): Settings {
  return Object.freeze(Object.fromEntries(settingTable.map((row) => [fieldOf(row.name), read(row)]))) as Settings
}
