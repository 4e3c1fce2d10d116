// What `larder backup` and `larder restore` are asked to do, as read from their arguments, and what comes of it.
//
// What is not theirs are settings, read as `larder serve` reads them: --archive-allow, --s3-region and all others.

import { readFileSync } from 'node:fs'
import { flagOf, nearest, parseFlags, settingTable } from './config/index.ts'
import { StartupError } from './errors/index.ts'

export type BackupVerb = 'backup' | 'restore'

export interface BackupOrder {
  readonly verb: BackupVerb
  /** Undefined: what the settings say. */
  readonly url: string | undefined
  /** Of the backup to restore, or `LATEST`. */
  readonly id: string
  readonly verifyOnly: boolean
  readonly namespaces: readonly string[] | undefined
  readonly passphrase: string | undefined
}

export interface BackupOutcome {
  readonly id: string
  readonly url: string
  readonly state: 'written' | 'restored' | 'verified'
  readonly entries: number
  readonly bytes: number
  readonly notices: readonly string[]
}

export interface BackupProgress {
  /** 0: not known yet. */
  readonly bytes: number
  readonly bytesDone: number
}

interface BackupArguments {
  readonly order: BackupOrder
  readonly quiet: boolean
  readonly flags: ReturnType<typeof parseFlags>
}

const valueFlags = {
  backup: ['--url', '--namespace', '--passphrase-file'],
  restore: ['--url', '--id', '--namespace', '--passphrase-file'],
} as const
const plainFlags = { backup: ['--quiet'], restore: ['--verify-only', '--quiet'] } as const

/** Throws a StartupError with exit code 2 for what is no command line of these. */
export function readBackupArguments(verb: BackupVerb, args: readonly string[]): BackupArguments {
  const given = new Map<string, string[]>()
  const settings: string[] = []
  const rest = [...args]
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [flag = '', ...parts] = arg.split('=')
    const own = (names: readonly string[]): boolean => names.includes(flag)
    if (own(plainFlags[verb])) {
      if (parts.length > 0) throw usage(verb, `flag ${flag} takes no value`)
      given.set(flag, [])
    } else if (own(valueFlags[verb])) {
      const value = parts.length > 0 ? parts.join('=') : rest.shift()
      if (value === undefined || value === '') throw usage(verb, `flag ${flag} needs a value`)
      given.set(flag, [...(given.get(flag) ?? []), value])
    } else {
      requireSetting(verb, flag)
      settings.push(arg)
      const value = parts.length > 0 ? undefined : rest.shift()
      if (value !== undefined) settings.push(value)
    }
  }
  const last = (flag: string): string | undefined => given.get(flag)?.at(-1)
  return {
    order: {
      ...{ verb, url: last('--url'), id: last('--id') ?? 'LATEST', verifyOnly: given.has('--verify-only') },
      ...{ namespaces: given.get('--namespace'), passphrase: passphraseIn(last('--passphrase-file')) },
    },
    quiet: given.has('--quiet'),
    flags: parseFlags(settings),
  }
}

function requireSetting(verb: BackupVerb, flag: string): void {
  if (!flag.startsWith('--')) throw usage(verb, `unexpected argument "${flag}"`)
  const settings = settingTable.map(({ name }) => flagOf(name))
  if (flag === '--config' || settings.includes(flag)) return
  const meant = nearest(flag, [...valueFlags[verb], ...plainFlags[verb], '--config', '--help', ...settings])
  throw usage(verb, `unknown flag ${flag}`, meant === undefined ? undefined : `Perhaps you meant ${meant}.`)
}

/** The first line of the file: editors end it with a line break that nobody means. */
function passphraseIn(path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  const [line = ''] = readFileSync(path, 'utf8').split(/\r?\n/)
  if (line !== '') return line
  throw new StartupError(`the passphrase file "${path}" is empty`, 'Its first line is the passphrase.')
}

function usage(verb: BackupVerb, message: string, hint = `larder ${verb} --help lists the flags.`): StartupError {
  return new StartupError(message, hint, { exitCode: 2 })
}
