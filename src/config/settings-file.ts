// Settings in a TOML file: the one an operator writes (--config) and the one ALTER SYSTEM writes (settings.auto.toml).

import { readFileSync } from 'node:fs'
import { mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parse, stringify, TomlError } from 'smol-toml'
import { conditions, ServerError } from '../errors/index.ts'
import { nearest } from './nearest.ts'
import { findSetting, settingNames } from './snapshot.ts'

/** Setting names to values as text. */
export type SettingTexts = ReadonlyMap<string, string>

/** Reads a file of settings; undefined if there is none. Anything in it that is not a setting is an error. */
export function readSettingsFile(path: string): SettingTexts | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    // Whatever is wrong with the directory is said by whoever opens it.
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw new ServerError(conditions.ioError, [`read "${path}"`, (error as Error).message], {
      hint: 'Check its owner and mode, or choose another place.',
      cause: error,
    })
  }
  const texts = new Map<string, string>()
  for (const [name, value] of Object.entries(parseToml(path, text))) {
    if (findSetting(name) === undefined) throw unknownKey(path, name)
    texts.set(name, textOf(path, name, value))
  }
  return texts
}

/** Replaces the file in one step: written beside, synced, renamed, so that a crash leaves the old one or the new one. */
export async function writeSettingsFile(path: string, texts: SettingTexts): Promise<void> {
  const header = '# Written by ALTER SYSTEM; edit with ALTER SYSTEM SET and RESET.\n'
  const beside = `${path}.new`
  try {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(beside, 'w', 0o600)
    try {
      await file.writeFile(header + stringify(Object.fromEntries(texts)))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
    const directory = await open(dirname(path))
    await directory.sync().finally(() => directory.close())
  } catch (error) {
    throw new ServerError(conditions.ioError, [`write "${path}"`, (error as Error).message], { cause: error })
  }
}

function parseToml(path: string, text: string): Record<string, unknown> {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const reason = error.message.split('\n')[0] ?? ''
    throw new ServerError(conditions.configFileError, [path, `line ${error.line}: ${reason}`], {
      hint: 'A setting is written as result_ttl = "30s".',
    })
  }
}

function unknownKey(path: string, name: string): ServerError {
  const meant = nearest(name, settingNames)
  return new ServerError(conditions.configFileError, [path, `unrecognized setting "${name}"`], {
    hint: meant === undefined ? 'docs/settings.md lists the settings.' : `Perhaps you meant "${meant}".`,
  })
}

function textOf(path: string, name: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(', ')
  throw new ServerError(conditions.configFileError, [path, `setting "${name}" has a value of the wrong kind`], {
    hint: 'Values are strings, numbers, booleans or lists of strings.',
  })
}
