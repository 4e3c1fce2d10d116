// A setting has one name, in whatever way it is said (G-9). Those of counters are shown in test/unit/observe and test/unit/virtual.

import { expect, it } from 'vitest'
import { flagOf, parseFlags, SettingsStore, settingTable } from '../../../src/config/index.ts'

const rendered = (row: (typeof settingTable)[number]): string => row.initial

it.each(settingTable.map((row) => [row.name, row] as const))(
  '%s is a flag, a variable and a row of cache.settings, of that name (G-9)',
  (name, row) => {
    const dashed = `--${name.replaceAll('_', '-')}`
    expect(flagOf(name)).toBe(dashed)
    const { settings } = parseFlags([`${dashed}=${rendered(row)}`])
    expect([...settings]).toEqual([[name, rendered(row)]])
    const byFlag = SettingsStore.open({ flags: settings, environment: {} })
    const byVariable = SettingsStore.open({ environment: { [`LARDER_${name.toUpperCase()}`]: rendered(row) } })
    const sourceIn = (store: SettingsStore) => store.rows().find((each) => each.name === name)?.source
    expect([sourceIn(byFlag), sourceIn(byVariable)]).toEqual(['flag', 'environment'])
    const field = name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    expect(Object.keys(byFlag.snapshot)).toContain(field)
  },
)
