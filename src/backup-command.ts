// `larder backup` and `larder restore`: by the server that has the data directory open, or, where none has, right here.
//
// One line on standard output says what was done; on a terminal a bar goes before it. SIGINT, SIGTERM and SIGHUP cancel, and
// the command ends when nothing of it is left; a second one does not wait.

import { constants } from 'node:os'
import { backupHere } from './backup-here.ts'
import { type BackupOutcome, type BackupVerb, readBackupArguments } from './backup-order.ts'
import { ProgressLine, type Terminal } from './backup-progress.ts'
import { backupThere } from './backup-there.ts'
import { systemClock } from './base/index.ts'
import { SettingsStore } from './config/index.ts'
import { ServerError, StartupError } from './errors/index.ts'
import { DataDirectory } from './origin/index.ts'

/** What we need of `process`. */
interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: { write(text: string): unknown }
  readonly stderr: Terminal
  on(event: Signal, listener: () => void): unknown
  off(event: Signal, listener: () => void): unknown
  exit(code: number): void
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type Signal = (typeof signals)[number]

/** Returns the exit code. Throws what went wrong. */
export async function runBackupCommand(
  verb: BackupVerb,
  args: readonly string[],
  process: Surroundings,
): Promise<number> {
  const { order, quiet, flags } = readBackupArguments(verb, args)
  const configFile = flags.configFile ?? process.env.LARDER_CONFIG
  const settings = SettingsStore.open({ flags: flags.settings, environment: process.env, configFile }).snapshot
  const stop = stopOnSignals(process)
  const hasBar = !quiet && process.stderr.isTTY === true
  const line = new ProgressLine(verb, process.stderr, () => systemClock.nowMs())
  const onProgress = hasBar ? line.show.bind(line) : undefined
  const startedAtMs = systemClock.nowMs()
  try {
    const server = await DataDirectory.openElsewhere(settings.dataDir)
    const outcome =
      server === undefined
        ? await backupHere(order, settings, stop.signal, onProgress ?? (() => undefined))
        : await backupThere(order, server, settings, stop.signal, onProgress)
    line.clear()
    if (!quiet) {
      for (const notice of outcome.notices) process.stderr.write(`notice: ${notice}\n`)
      process.stdout.write(outcomeLine(outcome, systemClock.nowMs() - startedAtMs))
    }
    return 0
  } catch (error) {
    line.clear()
    const cancelledBy = stop.cancelledBy()
    if (cancelledBy === undefined || !isCancellation(error)) throw inWordsOfCommands(error)
    process.stderr.write(`larder: the ${verb} was cancelled by ${cancelledBy}\nhint: Nothing of it was left behind.\n`)
    return 128 + constants.signals[cancelledBy]
  } finally {
    stop.close()
  }
}

/** `backup ID to URL: 1234 entries, 5242880 bytes, 1.3 s`: words in fixed places, for scripts. */
function outcomeLine({ id, url, state, entries, bytes }: BackupOutcome, elapsedMs: number): string {
  const verb = state === 'written' ? 'backup' : state
  const toOrFrom = state === 'written' ? 'to' : 'from'
  return `${verb} ${id} ${toOrFrom} ${url}: ${entries} entries, ${bytes} bytes, ${(elapsedMs / 1000).toFixed(1)} s\n`
}

function stopOnSignals(process: Surroundings) {
  const stop = new AbortController()
  let cancelledBy: Signal | undefined
  const listeners = signals.map((signal) => {
    const listener = (): void => {
      if (cancelledBy !== undefined) process.exit(128 + constants.signals[signal])
      cancelledBy ??= signal
      stop.abort()
    }
    process.on(signal, listener)
    return [signal, listener] as const
  })
  return {
    signal: stop.signal,
    cancelledBy: () => cancelledBy,
    close() {
      for (const [signal, listener] of listeners) process.off(signal, listener)
    },
  }
}

/** What a client would get as DETAIL and HINT, for whoever typed flags. */
function inWordsOfCommands(error: unknown): unknown {
  if (!(error instanceof ServerError)) return error
  const { message, detail, hint } = error
  const advice = (hint ?? 'docs/operations.md, Backups, says more.').replaceAll(
    'encryption_passphrase',
    '--passphrase-file',
  )
  return new StartupError(detail === undefined ? message : `${message}: ${detail}`, advice, { cause: error })
}

function isCancellation(error: unknown): boolean {
  const { name, sqlstate } = error as { readonly name?: string; readonly sqlstate?: string }
  return name === 'AbortError' || sqlstate === '57014'
}
