// How the process ends: by a signal, or by a fault of ours.
//
//   starting --ready--> serving --SIGTERM, SIGINT--> draining --drained--> exit 0
//                          |                            |
//                          | a fault of ours            | a second signal
//                          v                            v
//                     stopped at once, exit 1      stopped at once, exit 128 + its number (a third: no last wishes)

import { constants } from 'node:os'
import type { SettingsStore } from './config/index.ts'
import type { Log } from './observe/index.ts'

export interface Stoppable {
  close(options?: { readonly immediate?: boolean }): Promise<void>
}

/** What we need of `process`; tests hand in their own. */
interface ProcessLike {
  on(event: string, listener: (error: unknown) => void): unknown
  exit(code: number): void
  readonly stdin: { readonly isTTY?: boolean }
}

interface Surroundings {
  readonly process: ProcessLike
  readonly log: Log
}

interface Life {
  readonly stopping: boolean
  /** An orderly stop, as on SIGTERM. */
  stop(why: string): void
}

/** How long a stop that is not orderly may take to end what we started, such as an embedded Postgres. */
const abruptStopMs = 2000

/** Stops the server on a signal or a fault. It may still be starting: then it is stopped as soon as it has. */
export function keepAlive(starting: Promise<Stoppable>, { process, log }: Surroundings): Life {
  let abrupt = false
  const life = {
    stopping: false,
    stop(why: string): void {
      life.stopping = true
      log.info(`${why}: finishing what is under way, then stopping; once more stops at once`)
      starting
        .then((server) => server.close())
        .then(
          () => {
            // A drain cut short is over too, but it is not what the process ends with.
            if (!abrupt) process.exit(0)
          },
          (error: unknown) => {
            log.error('could not stop cleanly', { reason: describe(error) })
            process.exit(1)
          },
        )
    },
  }
  const endAbruptly = (exitCode: number): void => {
    if (abrupt) process.exit(exitCode)
    abrupt = true
    life.stopping = true
    void stopAtOnce(starting).finally(() => process.exit(exitCode))
  }
  const onSignal = (signal: 'SIGTERM' | 'SIGINT'): void => {
    if (life.stopping) endAbruptly(128 + constants.signals[signal])
    else life.stop(signal)
  }
  process.on('SIGTERM', () => onSignal('SIGTERM'))
  process.on('SIGINT', () => onSignal('SIGINT'))

  const onFault = (error: unknown): void => {
    log.error('stopping because of a fault in the server', { fault: describe(error) })
    if (!abrupt) endAbruptly(1)
  }
  process.on('uncaughtException', onFault)
  process.on('unhandledRejection', onFault)
  return life
}

/**
 * SIGHUP reads the settings again, as PostgreSQL does. At a terminal it means that the terminal was closed, and a server
 * nobody can see any more stops.
 */
export function reloadOnHangup(store: SettingsStore, life: Life, { process, log }: Surroundings): void {
  process.on('SIGHUP', () => {
    if (process.stdin.isTTY === true) {
      if (!life.stopping) life.stop('SIGHUP')
      return
    }
    try {
      store.reload()
      log.info('settings read again')
    } catch (error) {
      log.error('settings not read again, the old ones stay', { reason: describe(error) })
    }
  })
}

/** Settles when the server is closed or the time for it is over, whatever happens. */
async function stopAtOnce(starting: Promise<Stoppable>): Promise<void> {
  const closed = starting.then((server) => server.close({ immediate: true })).catch(() => {})
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, abruptStopMs)
  })
  await Promise.race([closed, over])
  clearTimeout(timer)
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
