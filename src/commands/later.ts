// Statements of later releases: their words are ours already, so they are never sent to the origin (SQL-3).

import { conditions, ServerError } from '../errors/index.ts'
import type { StatementReader } from './statement-reader.ts'

export function comesLater(what: string): ServerError {
  return new ServerError(conditions.featureNotSupported, [what], { detail: 'It comes with a later release.' })
}

/** First words that are nobody else's, on any origin. */
const everywhere: readonly (readonly string[])[] = [
  ['WARM', 'CACHE'],
  ['ALTER', 'CACHE'],
  ['DROP', 'CACHE'],
  ['DROP', 'ALL', 'CACHES'],
  ['DROP', 'ALL', 'PROXIED'],
  ['CREATE', 'CACHE'],
  ['CREATE', 'SHALLOW', 'CACHE'],
  ['COMMENT', 'ON', 'CACHE'],
  ['EXPLAIN', 'CREATE', 'CACHE'],
  ['EXPLAIN', 'CREATE', 'SHALLOW', 'CACHE'],
  ['EXPLAIN', 'CREATE', 'ROLLUP', 'CACHE'],
  ['LISTEN', 'CACHE_INVALIDATION'],
  ['UNLISTEN', 'CACHE_INVALIDATION'],
  ['SHOW', 'CACHE', 'KEY', 'INPUTS'],
]

/** Short forms: ours unless the origin speaks a dialect that has some of them. */
const shortForms: readonly (readonly string[])[] = [
  ...['SCHEDULES', 'PROXIED'].map((word) => ['SHOW', word]),
  ...['CREATE', 'DROP', 'PAUSE', 'RESUME'].map((word) => [word, 'SCHEDULE']),
  // The console, after PgBouncer.
  ...`STATS STATS_TOTALS STATS_AVERAGES TOTALS POOLS CLIENTS SERVERS DATABASES USERS LISTS CONFIG MEM VERSION STATE HELP`
    .split(' ')
    .map((word) => ['SHOW', word]),
  ...['PAUSE', 'RESUME', 'RECONNECT', 'RELOAD', 'DISABLE', 'ENABLE', 'KILL', 'KILL_CLIENT', 'WAIT_CLOSE'].map(
    (word) => [word],
  ),
  ['SHUTDOWN'],
]

/** Throws 0A000 if the statement begins with words of a later release. */
export function refuseLater(reader: StatementReader, hasDialect: boolean): void {
  // Of a cache these verbs come later, of a namespace of blobs and of a backup they are here.
  if (reader.peek(1) === 'CACHE' && ['NAMESPACE', 'BACKUP'].includes(reader.peek(2))) return
  for (const forms of hasDialect ? [everywhere] : [everywhere, shortForms]) {
    const words = forms.find((form) => form.every((word, index) => reader.peek(index) === word))
    if (words !== undefined) throw comesLater(words.join(' '))
  }
}
