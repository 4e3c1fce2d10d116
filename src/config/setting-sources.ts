// Where values come from: one layer per source, the strongest that has a text for a row decides.
//
//   default < file (--config) < environment < flag < system (settings.auto.toml)

import { conditions, ServerError, StartupError } from '../errors/index.ts'
import { flagOf } from './flags.ts'
import type { SettingRow } from './setting-row.ts'
import { settingTable } from './settings.ts'
import { readSettingsFile, type SettingTexts } from './settings-file.ts'

/** Where the origin keeps a setting for a session that begins, weakest first; `origin`: wherever else, such as in its own configuration. */
export type LoginSource = 'origin' | 'all_roles' | 'database' | 'role' | 'role_in_database'

export type SettingSource =
  | 'default'
  | 'file'
  | 'environment'
  | 'flag'
  | 'system'
  | LoginSource
  | 'startup'
  | 'session'
  | 'transaction'

export interface SettingsSources {
  readonly flags?: SettingTexts
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly configFile?: string | undefined
}

export interface Resolved {
  readonly value: unknown
  readonly source: SettingSource
}

/** For each row its value and the source of it. */
export type Resolution = ReadonlyMap<string, Resolved>

interface Layer {
  readonly source: SettingSource
  text(row: SettingRow): string | undefined
  /** How a message names the parameter. */
  label(row: SettingRow): string
  /** Turns a refused value into the error of this source. */
  wrap(error: ServerError): Error
}

export function layersOf(sources: SettingsSources): Layer[] {
  const layers: Layer[] = [
    { source: 'default', text: (row) => row.initial, label: (row) => row.name, wrap: (error) => error },
  ]
  if (sources.configFile !== undefined) layers.push(fileLayer(sources.configFile))
  layers.push({
    source: 'environment',
    text: (row) => sources.environment?.[environmentNameOf(row.name)],
    label: (row) => environmentNameOf(row.name),
    wrap: (error) => error,
  })
  layers.push({
    source: 'flag',
    text: (row) => sources.flags?.get(row.name),
    label: (row) => flagOf(row.name),
    wrap: (error) =>
      new StartupError(error.message, error.hint ?? 'larder serve --help lists the flags.', {
        exitCode: 2,
        cause: error,
      }),
  })
  return layers
}

function fileLayer(path: string): Layer {
  const texts = readSettingsFile(path)
  if (texts === undefined) {
    throw new ServerError(conditions.undefinedFile, [path], { hint: 'Check the path given with --config.' })
  }
  return { source: 'file', ...textsIn(texts, path) }
}

export function systemLayer(texts: SettingTexts, path: string): Layer {
  return { source: 'system', ...textsIn(texts, path) }
}

function textsIn(texts: SettingTexts, path: string): Omit<Layer, 'source'> {
  return {
    text: (row) => texts.get(row.name),
    label: (row) => row.name,
    wrap: (error) => new ServerError(conditions.configFileError, [path, error.message], { hint: error.hint }),
  }
}

export function environmentNameOf(settingName: string): string {
  return `LARDER_${settingName.toUpperCase()}`
}

/** For each row the value of the strongest layer that has one. */
export function resolve(layers: readonly Layer[]): Resolution {
  const resolution = new Map<string, Resolved>()
  for (const row of settingTable) {
    const layer = layers.findLast((candidate) => candidate.text(row) !== undefined)
    if (layer === undefined) continue
    resolution.set(row.name, { value: parseIn(layer, row), source: layer.source })
  }
  return resolution
}

function parseIn(layer: Layer, row: SettingRow): unknown {
  try {
    return row.type.parse(layer.text(row) ?? row.initial, layer.label(row))
  } catch (error) {
    throw error instanceof ServerError ? layer.wrap(error) : error
  }
}
