// Settings on the command line: `--result-ttl 10s` or `--result-ttl=10s`, for every row of the table.

import { StartupError } from '../errors/index.ts'
import { nearest } from './nearest.ts'
import { findSetting, settingNames } from './snapshot.ts'

interface Flags {
  /** Setting names to values as text. */
  readonly settings: ReadonlyMap<string, string>
  readonly configFile: string | undefined
}

export function flagOf(settingName: string): string {
  return `--${settingName.replaceAll('_', '-')}`
}

/** Reads what follows `larder serve`; the last one wins when a flag is given twice. */
export function parseFlags(args: readonly string[]): Flags {
  const settings = new Map<string, string>()
  let configFile: string | undefined
  const rest = [...args]
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (!arg.startsWith('--')) throw usage(`unexpected argument "${arg}"`, 'Settings are given as --name value.')
    const equals = arg.indexOf('=')
    const flag = equals === -1 ? arg : arg.slice(0, equals)
    const name = flag.slice(2).replaceAll('-', '_')
    if (name !== 'config' && findSetting(name) === undefined) throw unknownFlag(flag)
    const value = equals === -1 ? rest.shift() : arg.slice(equals + 1)
    if (value === undefined) throw usage(`flag ${flag} needs a value`, `Write ${flag} VALUE or ${flag}=VALUE.`)
    if (name === 'config') configFile = value
    else settings.set(name, value)
  }
  return { settings, configFile }
}

function unknownFlag(flag: string): StartupError {
  const meant = nearest(flag, ['--config', '--help', '--version', ...settingNames.map(flagOf)])
  const hint = meant === undefined ? 'larder serve --help lists the flags.' : `Perhaps you meant ${meant}.`
  return usage(`unknown flag ${flag}`, hint)
}

function usage(message: string, hint: string): StartupError {
  return new StartupError(message, hint, { exitCode: 2 })
}
