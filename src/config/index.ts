// The settings: one table, its sources, the snapshot in force, and the overlay of a session.

export { type Flags, flagOf, parseFlags } from './flags.ts'
export { nearest } from './nearest.ts'
export { SessionSettings } from './session-settings.ts'
export { environmentNameOf, type SettingSource, type SettingsSources } from './setting-sources.ts'
export type { Address } from './setting-types.ts'
export { type SettingChange, type SettingRow, settingTable } from './settings.ts'
export { type SettingState, SettingsStore } from './settings-store.ts'
export type { SettingName, Settings } from './snapshot.ts'
