// Composition: settings in, running server out.

import { systemClock } from './base/index.ts'
import { L1, type startStoreThread } from './cache/blob/index.ts'
import { ContextTable, PlanCache } from './cache/plans/index.ts'
import { type AnswerStore, ResultCache, SecondTier } from './cache/results/index.ts'
import { answerStoreOf, noAnswers } from './cache-answers.ts'
import { openCacheStore } from './cache-store.ts'
import type { Settings, SettingsStore } from './config/index.ts'
import { closeControl, openControl } from './control-door.ts'
import { StartupError } from './errors/index.ts'
import {
  CodeWatch,
  Decisions,
  Flights,
  Listener,
  type OriginDoor,
  OriginLives,
  SchemaWatch,
  type Services,
  textHints,
  UnknownOutcomes,
} from './frontend/index.ts'
import { psqlCommand } from './help.ts'
import { Epochs } from './invalidation/index.ts'
import { type MetricsDoor, openMetrics } from './metrics-door.ts'
import { createLog, EventRing, type Log, Metrics } from './observe/index.ts'
import {
  connectOrigin,
  DataDirectory,
  KeptPostgres,
  type OriginTarget,
  parseOriginUrl,
  sendCancel,
} from './origin/index.ts'
import { OwnStatements } from './own-statements.ts'
import { noStore, type StoreDoor } from './own-store.ts'
import { analyse, mayMeanNow, openParser, type Parser, readHints } from './sql/index.ts'
import type { OpenSystemServer } from './virtual/index.ts'

interface RunningServer {
  readonly host: string
  readonly port: number
  /** Where /metrics answers; undefined if nowhere. */
  readonly metricsPort: number | undefined
  readonly originDescription: string
  readonly dataDirectory: string | undefined
  readonly user: string
  readonly database: string
  readonly embedded: boolean
  readonly notices: readonly string[]
  close(options?: { readonly immediate?: boolean }): Promise<void>
}

interface StartOptions {
  readonly log?: Log
  /** For tests: rules of the consistency protocol to leave out. */
  readonly brokenRules?: ReadonlySet<string>
  /** For tests: a blob cache in place of the server's own. */
  readonly cache?: StoreDoor
  /** For tests: what many servers in one process may share. */
  readonly parser?: Parser
  readonly startStore?: typeof startStoreThread
  readonly openSystemServer?: OpenSystemServer
}

export async function startServer(store: SettingsStore, options: StartOptions = {}): Promise<RunningServer> {
  const settings = store.snapshot
  const log = options.log ?? createLog({ level: settings.logLevel })
  const directory = await DataDirectory.open(settings.dataDir)
  try {
    return await startIn(directory, store, log, options)
  } catch (error) {
    await directory.close()
    throw error
  }
}

async function startIn(
  directory: DataDirectory,
  store: SettingsStore,
  log: Log,
  options: StartOptions,
): Promise<RunningServer> {
  const settings = store.snapshot
  const clock = systemClock
  const metrics = new Metrics(clock)
  const events = new EventRing({ clock, log, countMax: settings.eventsMax })
  const origin = await openOrigin(directory, settings, events)
  const parser = options.parser ?? (await openParser())
  const epochs = new Epochs()
  const l1 = new L1(settings.l1BytesMax, metrics.counters)
  const cacheParts = {
    ...{ settings, l1, dataDirectory: directory.path, metrics, events, epochs, clock },
    ...(options.startStore === undefined ? {} : { startStore: options.startStore }),
  }
  const cacheStore = options.cache === undefined ? await openCacheStore(cacheParts) : undefined
  const cache = options.cache ?? cacheStore ?? noStore
  const { blobs } = cache
  const services = makeServices({
    epochs,
    store,
    log,
    metrics,
    events,
    parser,
    directory,
    origin: origin.door,
    broken: options.brokenRules ?? new Set(),
    cache,
    l1,
    answers: cacheStore === undefined ? noAnswers : answerStoreOf(cacheStore.cache),
    openSystemServer: options.openSystemServer,
  })
  if (cacheStore !== undefined) {
    cacheStore.proof = () => services.secondTier.proof
    cacheStore.origin = async () => {
      const facts = services.secondTier.origin
      return facts === undefined ? undefined : { ...facts, database: origin.databaseShown }
    }
  }
  await services.secondTier.begin()
  const listener = new Listener(services)
  let metricsDoor: MetricsDoor | undefined
  const close = async (how: { readonly immediate?: boolean } = {}) => {
    clearInterval(sweeper)
    await metricsDoor?.close()
    if (!how.immediate) await listener.askPosition(10)
    await listener.close({ immediate: how.immediate ?? false, drainMs: store.snapshot.drainTimeout })
    await services.own.close()
    await services.secondTier.end()
    await cacheStore?.close()
    await origin.close()
    await closeControl(directory.path)
    await directory.close()
  }
  const sweeper = setInterval(() => {
    services.results.sweep(clock.nowMs(), 1000)
    services.plans.expire(clock.nowMs(), 1000)
    services.secondTier.turn(clock.nowMs())
    if (services.secondTier.wantsPosition(clock.nowMs())) void listener.askPosition(1)
  }, 200)
  sweeper.unref()
  services.attach(listener)
  store.onChange(() => {
    l1.configure(store.snapshot.l1BytesMax)
    shrink(l1)
    reconfigure(services, store.snapshot, events)
    cacheStore?.configure(store.snapshot)
  })
  try {
    const bound = await listener.listen(settings.listen)
    const [database = 'larder'] = settings.adminDatabases
    const psql = psqlCommand({ ...bound, user: origin.user, database })
    await openControl(listener, { directory: directory.path, psql, events })
    const { metricsListen: address } = settings
    if (address !== '')
      metricsDoor = await openMetrics({ address, metrics, events, namespaces: () => blobs.namespaces() })
    return {
      host: bound.host,
      port: bound.port,
      metricsPort: metricsDoor?.port,
      originDescription: origin.door.description,
      dataDirectory: settings.dataDir,
      user: origin.user,
      database: origin.databaseShown,
      embedded: origin.embedded,
      notices: origin.notices,
      close,
    }
  } catch (error) {
    await close({ immediate: true })
    throw error
  }
}

/** A lowered bound is reached in slices, so that nobody waits for all of it (MEM-4). */
function shrink(l1: L1): void {
  if (!l1.shrink(1000)) setImmediate(() => shrink(l1))
}

interface Parts {
  readonly epochs: Epochs
  readonly store: SettingsStore
  readonly log: Log
  readonly metrics: Metrics
  readonly events: EventRing
  readonly parser: Parser
  readonly directory: DataDirectory
  readonly origin: OriginDoor
  readonly broken: ReadonlySet<string>
  readonly cache: StoreDoor
  readonly l1: L1
  readonly answers: AnswerStore
  readonly openSystemServer: OpenSystemServer | undefined
}

function makeServices(parts: Parts) {
  const { store, metrics, epochs } = parts
  const settings = store.snapshot
  const { counters } = metrics
  epochs.observer = {
    bumped: (_database, scope) => {
      if (scope.everything) counters.epoch_bumps_global++
      else counters.epoch_bumps += scope.relations.length
      secondTier.moved()
    },
    suspended: () => counters.suspensions++,
  }
  const results = new ResultCache({
    limits: resultLimits(settings),
    counters,
    l1: parts.l1,
  })
  const decisions = new Decisions(settings.decisionsMax)
  const outcomes = new UnknownOutcomes()
  const lives = new OriginLives(() => {
    epochs.bumpAllDatabases('unknown', systemClock.nowMs())
    const detail = 'it was started, or it fell and got up: what was kept is asked for again'
    parts.events.record({ severity: 'warning', event: 'origin_began_anew', subject: 'origin', detail })
  })
  const contexts = new ContextTable(settings.virtualSchema)
  const schemas = new SchemaWatch((database, taken) => {
    plans.forget(database)
    void secondTier.forgetAll().catch(() => undefined)
    for (const entry of [...results.entries()]) if (entry.database.name === database) results.remove(entry, 'flushed')
    if (!taken) return
    const detail = `schema "${settings.virtualSchema}" is not Larder's: set virtual_schema to another name and restart`
    parts.events.record({ severity: 'warning', event: 'schema_conflict', subject: database, detail })
  })
  const secondTier = new SecondTier({
    store: parts.answers,
    results,
    epochs,
    contexts,
    clock: systemClock,
    onFailure: (error) =>
      parts.log.warning('answers in the second tier could not be dropped or noted', { error: String(error) }),
    delayMs: () => store.snapshot.resultL2Delay,
  })
  let listener: Listener | undefined
  const own = new OwnStatements({
    ...parts,
    directoryPath: parts.directory.path,
    epochs,
    results,
    decisions,
    contexts,
    schemas,
    cache: parts.cache,
    secondTier,
    plans: () => plans,
    sessions: () => listener?.sessions() ?? [],
  })
  const plans: PlanCache = new PlanCache(
    planLimits(settings),
    {
      analyse: (text, database) => {
        const virtualSchema = schemas.isTaken(database) ? undefined : settings.virtualSchema
        const statement = analyse(parts.parser, text, { virtualSchema })
        const shareable = statement.names.settingsRead.length === 0 && statement.reason?.code !== 'unknown_key'
        return { statement, shareable }
      },
      mayMeanNow,
      recognise: (text, statement, database) => own.recognise(text, statement, database),
      loose: (text, statement) => own.loose(text, statement),
      hints: (text) => textHints(readHints(text)),
    },
    counters,
  )
  return {
    clock: systemClock,
    metrics,
    counters,
    events: parts.events,
    log: parts.log,
    store,
    epochs,
    contexts,
    plans,
    results,
    secondTier,
    schemas,
    code: new CodeWatch(),
    decisions,
    flights: new Flights(),
    outcomes,
    lives,
    origin: parts.origin,
    own,
    broken: parts.broken,
    attach: (attached: Listener) => {
      listener = attached
    },
  }
}

function resultLimits(settings: Settings) {
  return {
    entriesMax: settings.resultEntriesMax,
    entryBytesMax: settings.resultBytesMax,
  }
}

function planLimits(settings: Settings) {
  return {
    entriesMax: settings.planEntriesMax,
    bytesMax: settings.planBytesMax,
    shapesMax: settings.queriesMax,
    ttlMs: settings.planTtl,
  }
}

function reconfigure(services: Services, settings: Settings, events: EventRing): void {
  services.results.configure(resultLimits(settings))
  services.plans.configure(planLimits(settings))
  services.decisions.resize(settings.decisionsMax)
  events.resize(settings.eventsMax)
}

interface OpenOrigin {
  readonly door: OriginDoor
  readonly user: string
  readonly databaseShown: string
  readonly embedded: boolean
  readonly notices: readonly string[]
  close(): Promise<void>
}

async function openOrigin(directory: DataDirectory, settings: Settings, events: EventRing): Promise<OpenOrigin> {
  if (settings.upstream !== '') {
    const target = parseOriginUrl(settings.upstream)
    await reach(target, settings)
    const user = target.user ?? process.env.USER ?? 'postgres'
    return {
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
