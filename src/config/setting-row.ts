// What a row of the table of settings says.

import type { SettingType } from './setting-types.ts'

export type SettingChange = 'session' | 'reload' | 'restart'

export interface SettingRow<Name extends string = string, T = unknown> {
  readonly name: Name
  readonly type: SettingType<T>
  /** Written as a user would. */
  readonly initial: string
  readonly change: SettingChange
  readonly group: string
  readonly summary: string
}

export function setting<const Name extends string, T>(row: SettingRow<Name, T>): SettingRow<Name, T> {
  return row
}
