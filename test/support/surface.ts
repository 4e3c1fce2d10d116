// An origin with a Larder before it, and sessions that are told how each statement was answered.

import { afterAll, beforeAll } from 'vitest'
import { openLarder, type TestLarder } from './larder.ts'
import { openTestPostgres, type TestPostgres } from './postgres.ts'
import { type Batch, errorFieldsOf, type Frame, WireClient } from './wire-client.ts'

export interface SurfaceOptions {
  readonly schema: string
  readonly settings?: Readonly<Record<string, string>>
}

export interface Surface {
  readonly origin: TestPostgres
  readonly larder: TestLarder
  /** A session through Larder that gets the signal as a parameter, unless `options` say otherwise. */
  session(options?: string, user?: string): Promise<WireClient>
  /** A session past Larder. */
  straight(): Promise<WireClient>
  /** Columns of `cache.stats`, as numbers. */
  stats<Name extends string>(...names: readonly Name[]): Promise<Record<Name, number>>
}

/** Opens the stage before the file's tests and closes it after them. Read its members inside tests only. */
export function useSurface({ schema, settings = {} }: SurfaceOptions): Surface {
  let origin: TestPostgres | undefined
  let larder: TestLarder | undefined
  const clients: WireClient[] = []
  let observer: WireClient | undefined
  beforeAll(async () => {
    origin = await openTestPostgres()
    await (await origin.connect()).query(schema)
    larder = await openLarder({ upstream: origin.url, settings: { result_ttl: '1h', ...settings } })
  })
  afterAll(async () => {
    for (const client of clients) client.destroy()
    await larder?.close()
    await origin?.close()
  })
  const kept = async (client: Promise<WireClient>): Promise<WireClient> => {
    const opened = await client
    clients.push(opened)
    return opened
  }
  const surface: Surface = {
    get origin() {
      return origin as TestPostgres
    },
    get larder() {
      return larder as TestLarder
    },
    session(options = '-c cache.response_signal=parameter', user = 'postgres') {
      const { host, port } = surface.larder
      return kept(WireClient.connect({ host, port, user, database: 'postgres', parameters: { options } }))
    },
    straight() {
      const { host, port } = surface.origin.target
      return kept(WireClient.connect({ host, port, user: 'postgres', database: 'postgres' }))
    },
    async stats(...names) {
      observer ??= await surface.session('')
      const [row] = await observer.rows(`select ${names.join(', ')} from cache.stats`)
      return Object.fromEntries(names.map((name, index) => [name, Number(row?.[index])])) as never
    },
  }
  return surface
}

/** What the session was told of its last statement: `hit`, `miss;reason=cold`, without what differs from run to run. */
export function verdictOf(client: WireClient): string {
  return (client.parameters.get('cache.last') ?? '').replace(/;(?:age_ms|entry|consistency)=[^;]*/g, '')
}

/** Type bytes in order: `TDCZ`. Signals are left out. */
export function typesOf({ frames }: Batch): string {
  return frames.map(({ type }) => (type === 'S' ? '' : type)).join('')
}

export function noticesOf({ frames }: Batch): Map<string, string>[] {
  return frames.filter(({ type }: Frame) => type === 'N').map(errorFieldsOf)
}
