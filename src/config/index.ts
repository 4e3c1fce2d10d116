// The settings: one table, its sources, the snapshot in force, and the overlay of a session.

export { flagOf, parseFlags } from './flags.ts'
export { isLabel, labelsMax } from './labels.ts'
export { nearest } from './nearest.ts'
export { SessionSettings } from './session-settings.ts'
export { environmentNameOf, type SettingsSources } from './setting-sources.ts'
export { type SettingRow, settingTable } from './settings.ts'
export { type SettingState, SettingsStore } from './settings-store.ts'
export { isSettingName, type Settings } from './snapshot.ts'
