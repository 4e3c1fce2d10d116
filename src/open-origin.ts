// Composition: the origin of the settings, a server somewhere else or the embedded one.

import type { Settings } from './config/index.ts'
import { StartupError } from './errors/index.ts'
import type { OriginDoor } from './frontend/index.ts'
import type { EventRing } from './observe/index.ts'
import {
  connectOrigin,
  type DataDirectory,
  KeptPostgres,
  type OriginTarget,
  parseOriginUrl,
  sendCancel,
} from './origin/index.ts'

interface OpenOrigin {
  /** Where it is now: an embedded one may have moved. */
  readonly target: () => OriginTarget
  readonly door: OriginDoor
  readonly user: string
  readonly databaseShown: string
  readonly embedded: boolean
  readonly notices: readonly string[]
  close(): Promise<void>
}

export async function openOrigin(directory: DataDirectory, settings: Settings, events: EventRing): Promise<OpenOrigin> {
  if (settings.upstream !== '') {
    const target = parseOriginUrl(settings.upstream)
    await reach(target, settings)
    const user = target.user ?? process.env.USER ?? 'postgres'
    return {
      target: () => target,
      door: doorOf(() => target, settings, target.display, false),
      user,
      databaseShown: target.database ?? user,
      embedded: false,
      notices: [],
      close: async () => {},
    }
  }
  const subject = 'embedded PostgreSQL'
  const postgres = await KeptPostgres.open({
    directory: `${directory.path}/postgres`,
    superuser: settings.embeddedSuperuser,
    database: settings.embeddedDatabase,
    ended({ code, signal }) {
      const detail = signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`
      events.record({ severity: 'error', event: 'origin_ended', subject, detail })
    },
    startedAgain() {
      events.record({ severity: 'warning', event: 'origin_restarted', subject, detail: 'clients may connect again' })
    },
    failed(error, retryMs) {
      const detail = `${error instanceof Error ? error.message : error}; the next attempt follows in ${retryMs} ms`
      events.record({ severity: 'error', event: 'origin_not_restarted', subject, detail })
    },
  })
  return {
    target: () => postgres.target,
    door: doorOf(() => postgres.target, settings, `embedded PostgreSQL ${postgres.version}`, true),
    user: settings.embeddedSuperuser,
    databaseShown: settings.embeddedDatabase,
    embedded: true,
    notices: postgres.notices,
    close: () => postgres.close(),
  }
}

/** A wrong address should be said at the start, not at the first client. */
async function reach(target: OriginTarget, settings: Settings): Promise<void> {
  try {
    const socket = await connectOrigin(target, { timeoutMs: settings.upstreamConnectTimeout })
    socket.destroy()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new StartupError(
      `cannot reach the upstream ${target.display}: ${message}`,
      'Check host, port and sslmode of --upstream, and that the server is running.',
      { cause: error },
    )
  }
}

function doorOf(target: () => OriginTarget, settings: Settings, description: string, trusting: boolean): OriginDoor {
  return {
    description,
    trusting,
    database: target().database,
    connect: () => connectOrigin(target(), { timeoutMs: settings.upstreamConnectTimeout }),
    cancel: (pid, key) => sendCancel(target(), pid, key),
  }
}
