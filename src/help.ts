// The texts of --help and the lines printed when the server is ready.

import { flagOf, type SettingRow, settingTable } from './config/index.ts'

export const generalHelp = `Larder: a caching server that speaks the Postgres wire protocol.

Usage
  larder serve [flags]     serve on 127.0.0.1:6432; larder serve --help lists the flags
  larder backup [flags]    write a backup of the blob cache; larder backup --help lists the flags
  larder restore [flags]   bring one back; larder restore --help lists the flags
  larder install [flags]   let a database tell of its DDL; larder uninstall undoes it
  larder check DIR         prove the second tier in DIR, page by page, row by row
  larder inspect DIR [N]   show its superblock, or page N
  larder --version
  larder --help

Examples
  larder serve
      with a Postgres of its own, kept in ./larder-data
  larder serve --upstream postgres://user@db.example/app
      before a Postgres you have
`

export const installHelp = `Usage
  larder install --upstream URL [--config FILE]
  larder uninstall --upstream URL [--config FILE]

Puts two event triggers into the database that the URL names, in a schema "larder" of their own:
they tell in the stream of changes what DDL has changed, so that a server in front of it acts upon
that in the order of commits. Without them it looks at the catalogue every ddl_poll. The role must
be one that may create event triggers, as a rule a superuser. Roles, memberships and settings have
no event triggers: they are found by looking.

uninstall removes them. Both may be repeated.
`

const movingHelp = `A server that has the data directory open does it, while it serves, asked through its control socket; where none runs,
this command opens the store itself. So it must run as the server's user.

  --data-dir DIR            the data directory of the server [./larder-data]
  --config FILE             the server's file of settings. Also LARDER_CONFIG.
  --passphrase-file FILE    its first line is the passphrase of the backup
  --quiet                   no bar, no line of result: errors alone

All settings of larder serve are flags here too, and variables: --archive-allow, --s3-endpoint, LARDER_S3_SECRET_ACCESS_KEY.
A running server has its own, and those count. Exit code 0: done; 1: not done, and standard error says why; 2: wrong
command line; 130, 143: cancelled by a signal, and nothing was left behind.
`

export const backupHelp = `Usage
  larder backup [--data-dir DIR] [--config FILE] [--url URL] [--namespace NAME]… [--passphrase-file FILE]

Writes a backup of the blob cache, and prints its id, URL, entries, bytes and time.

  --url URL                 collection to write to [backup_url, or the folder backups of the data directory]
  --namespace NAME          this namespace alone; may be given several times

${movingHelp}`

export const restoreHelp = `Usage
  larder restore [--data-dir DIR] [--config FILE] [--url URL] [--id ID] [--namespace NAME]… [--verify-only]
                 [--passphrase-file FILE]

Brings a backup of the blob cache back, whole or not at all.

  --url URL                 collection to read from [backup_url, or the folder backups of the data directory]
  --id ID                   which backup of it [LATEST]
  --namespace NAME          this namespace alone, the others stay as they are; may be given several times
  --verify-only             fetch it, prove it, and change nothing

${movingHelp}`

/** Every setting is a flag, so the list is the table of settings. */
export function serveHelp(): string {
  const groups = [...new Set(settingTable.map((row) => row.group))]
  const sections = groups.map((group) => {
    const rows = (settingTable as readonly SettingRow[]).filter((row) => row.group === group)
    return `${capitalized(group)}\n${rows.map(flagHelp).join('')}`
  })
  return `Usage
  larder serve [--upstream URL] [--listen HOST:PORT] [--data-dir DIR] [--config FILE]
               [--setting VALUE …]

  --config FILE
      A TOML file of settings, such as result_ttl = "10s". Also LARDER_CONFIG.

A setting is a flag (--result-ttl 10s), an environment variable (LARDER_RESULT_TTL=10s) or a key of
the file; the flag is strongest. docs/settings.md explains each.

${sections.join('\n')}`
}

function flagHelp(row: SettingRow): string {
  const initial = row.initial === '' ? '' : ` [${row.initial}]`
  return `  ${flagOf(row.name)} (${row.type.accepts})${initial}\n${wrapped(row.summary)}\n`
}

/** Breaks a text between words into lines that fit a terminal, indented. */
function wrapped(text: string): string {
  return text.replace(/(?=\S)(.{1,90})(?:\s+|$)/g, '      $1\n').trimEnd()
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

export interface Ready {
  readonly host: string
  readonly port: number
  readonly originDescription: string
  readonly dataDirectory: string | undefined
  readonly user: string
  readonly database: string
  /** Sentences about what is not as one would expect. */
  readonly notices?: readonly string[]
}

/** What a person needs to know once it runs: what serves, from where, and what to type. */
export function banner(version: string, ready: Ready): string {
  const shownHost = ready.host.includes(':') ? `[${ready.host}]` : ready.host
  const lines = [
    `Larder ${version} serves Postgres clients on ${shownHost}:${ready.port}`,
    `  origin          ${ready.originDescription}`,
    ...(ready.dataDirectory === undefined ? [] : [`  data directory  ${ready.dataDirectory}`]),
    ...(ready.notices ?? []).map((notice) => `  note            ${notice}`),
    `  connect with    ${psqlCommand(ready)}`,
  ]
  return `${lines.join('\n')}\n`
}

export function psqlCommand(ready: Pick<Ready, 'host' | 'port' | 'user' | 'database'>): string {
  const host = reachable[ready.host] ?? ready.host
  return ['psql', '-h', host, '-p', String(ready.port), '-U', ready.user, '-d', ready.database].map(shellWord).join(' ')
}

/** An address that means every interface is no address to connect to. */
const reachable: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
