// The settings: one table, its sources, the snapshot in force, and the overlay of a session.

export { flagOf, parseFlags } from './flags.ts'
export { isLabel, labelsMax } from './labels.ts'
export { nearest } from './nearest.ts'
export { SessionSettings } from './session-settings.ts'
export type { SettingRow } from './setting-row.ts'
export { environmentNameOf, type LoginSource, type SettingsSources } from './setting-sources.ts'
export { bytes, duration, enumeration, integer, type SettingType } from './setting-types.ts'
export { settingTable } from './settings.ts'
export { type SettingState, SettingsStore, tokenState } from './settings-store.ts'
export { isSettingName, loginSettingNames, type Settings } from './snapshot.ts'
