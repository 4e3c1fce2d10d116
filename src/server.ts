// Composition: settings in, running server out.

import { systemClock } from './base/index.ts'
import { L1, type startStoreThread } from './cache/blob/index.ts'
import { ContextTable, lifeQuestion, PlanCache } from './cache/plans/index.ts'
import { type AnswerStore, positionQuestion, ResultCache, SecondTier } from './cache/results/index.ts'
import type { Views } from './cache/views/index.ts'
import { answerStoreOf, noAnswers } from './cache-answers.ts'
import { openCacheStore } from './cache-store.ts'
import { ChangeFeeds } from './change-feeds.ts'
import type { Settings, SettingsStore } from './config/index.ts'
import { closeControl, openControl } from './control-door.ts'
import { feedSlotOf } from './feed-slot.ts'
import {
  Audits,
  CodeWatch,
  Decisions,
  Flights,
  Listener,
  type OriginDoor,
  OriginLives,
  PreparedTransactions,
  quarantinedReason,
  SchemaWatch,
  type Services,
  textHints,
  UnknownOutcomes,
} from './frontend/index.ts'
import { graphLimitsOf, openGraph, openSpill } from './graph-parts.ts'
import { psqlCommand } from './help.ts'
import { Epochs, InvalidationRing } from './invalidation/index.ts'
import { type MetricsDoor, openMetrics } from './metrics-door.ts'
import { createLog, EventRing, type Log, Metrics } from './observe/index.ts'
import { openOrigin } from './open-origin.ts'
import { DataDirectory } from './origin/index.ts'
import { OwnStatements } from './own-statements.ts'
import { noStore, type StoreDoor } from './own-store.ts'
import { openViews } from './own-views.ts'
import { analyse, footprintOf, mayMeanNow, openParser, type Parser, readHints } from './sql/index.ts'
import { openStandby, type Standby } from './standby.ts'
import { openViewDoor } from './view-door.ts'
import { noViewFiles, viewFilesOf } from './view-files.ts'
import { hearPosition } from './view-proof.ts'
import { type OpenSystemServer, virtualTables } from './virtual/index.ts'

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
  /** Resolves when whatever others had committed in this database before the call has been heard of. Throws where there is no feed. */
  fence(database: string): Promise<void>
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
  const epochs = new Epochs(openGraph(settings, metrics, events, clock))
  const l1 = new L1(settings.l1BytesMax, metrics.counters)
  const cacheParts = {
    ...{ settings, l1, dataDirectory: directory.path, metrics, events, epochs, clock },
    ...(options.startStore === undefined ? {} : { startStore: options.startStore }),
  }
  const cacheStore = options.cache === undefined ? await openCacheStore(cacheParts) : undefined
  const cache = options.cache ?? cacheStore ?? noStore
  const { blobs } = cache
  const spill = await openSpill(settings, directory.path, cacheStore?.cache)
  epochs.graph.files = spill
  const feeds: ChangeFeeds = new ChangeFeeds({
    ...{ target: origin.target, isOn: settings.feed === 'auto', epochs, events, clock, counters: metrics.counters },
    retainedBytesMax: () => store.snapshot.feedRetainedBytesMax,
    slot: await feedSlotOf(directory.path, settings.feedSlot === 'persistent'),
    publication: settings.feedPublication || undefined,
    ddlPollMs: settings.ddlPoll,
    ourNames: virtualTables.map(({ name }) => name),
    onSchema: () => services.contexts.distrust(),
    unmovedSince: async (side) => {
      const [row = {}] = await side.query(positionQuestion).catch(() => [])
      return services.secondTier.standing.unmovedSince(Object.values(row))
    },
    lifeOf: async (side) => (await side.query(lifeQuestion))[0]?.life ?? '',
    onLife: (life) => services.lives.note(life),
    broken: options.brokenRules ?? new Set(),
  })
  const standby = openStandby(settings, {
    ...{ connectionsMax: () => store.snapshot.readOriginConnectionsMax, contexts: () => services.contexts },
    ...{ feeds, epochs, clock, counters: metrics.counters, events, broken: options.brokenRules ?? new Set() },
  })
  const ending = new AbortController()
  const views = openViews({
    ...{ store, parser, clock, counters: metrics.counters, epochs, feeds, target: origin.target, events },
    files: cacheStore === undefined ? noViewFiles : viewFilesOf(cacheStore.cache),
    secondTier: () => services.secondTier,
  })
  const services = makeServices({
    epochs,
    views,
    feeds,
    standby,
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
  const [kept] = await views.restore()
  if (kept !== undefined)
    hearPosition({ ...origin.target(), database: kept }, services.secondTier, clock, ending.signal).catch(
      () => undefined,
    )
  const listener = new Listener(services)
  let metricsDoor: MetricsDoor | undefined
  const close = async (how: { readonly immediate?: boolean } = {}) => {
    clearInterval(sweeper)
    ending.abort()
    await metricsDoor?.close()
    if (!how.immediate) await listener.askPosition(10)
    await listener.close({ immediate: how.immediate ?? false, drainMs: store.snapshot.drainTimeout })
    // Behind the sessions: the last to leave may be asking still.
    if (!how.immediate) await services.secondTier.settled()
    await standby?.close()
    await views.close()
    await feeds.close()
    await services.own.close()
    await services.secondTier.end()
    await epochs.graph.settled()
    await spill.close()
    await cacheStore?.close()
    await origin.close()
    await closeControl(directory.path)
    await directory.close()
  }
  const sweeper = setInterval(() => {
    services.results.sweep(clock.nowMs(), 1000)
    services.plans.expire(clock.nowMs(), 1000)
    services.secondTier.turn(clock.nowMs())
    epochs.graph.turn()
    views.turn()
    if (services.secondTier.wantsPosition(clock.nowMs())) void listener.askPosition(1)
  }, 200)
  sweeper.unref()
  services.attach(listener)
  store.onChange(() => {
    l1.configure(store.snapshot.l1BytesMax)
    shrink(l1)
    reconfigure(services, store.snapshot, events)
    epochs.graph.configure(graphLimitsOf(store.snapshot))
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
      fence: async (name) => {
        const feed = feeds.feedOf(name)
        if (feed === undefined) throw new Error(`nobody follows database "${name}"`)
        await feed.fence()
      },
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
  readonly views: Views
  readonly feeds: ChangeFeeds
  readonly standby: Standby | undefined
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
    bumped: (database, scope, by) => {
      if (by !== undefined) invalidations.noteScope(database, scope, by)
      if (scope.everything) counters.epoch_bumps_global++
      else counters.epoch_bumps += scope.relations.length
      secondTier.moved()
      parts.views.moved(database, scope, by !== undefined)
    },
    suspended: () => counters.suspensions++,
  }
  const results = new ResultCache({
    limits: resultLimits(settings),
    counters,
    l1: parts.l1,
  })
  const audits = new Audits()
  const invalidations = new InvalidationRing(systemClock, settings.invalidationsMax)
  const decisions = new Decisions(settings.decisionsMax)
  const outcomes = new UnknownOutcomes()
  const prepared = new PreparedTransactions()
  const lives = new OriginLives(() => {
    prepared.clear()
    epochs.bumpAllDatabases('unknown', systemClock.nowMs(), { cause: 'unknown_outcome' })
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
  epochs.graph.find = (place, id) => results.find(place, id)
  let listener: Listener | undefined
  const own = new OwnStatements({
    ...parts,
    directoryPath: parts.directory.path,
    epochs,
    results,
    decisions,
    invalidations,
    audits,
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
      quarantine: (fingerprint, database) =>
        audits.isQuarantined(fingerprint, database) ? quarantinedReason : undefined,
      recognise: (text, statement, database) => own.recognise(text, statement, database),
      loose: (text, statement) => own.loose(text, statement),
      hints: (text) => textHints(readHints(text)),
      footprint: (text) => {
        const statements = parts.parser.parse(text).tree?.stmts
        return statements?.length === 1 ? footprintOf(statements[0]?.stmt) : undefined
      },
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
    invalidations,
    audits,
    flights: new Flights(),
    outcomes,
    prepared,
    lives,
    origin: parts.origin,
    ...{ feeds: parts.feeds, standby: parts.standby, viewDoor: openViewDoor(parts.views, parts.parser), own },
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
  services.invalidations.resize(settings.invalidationsMax)
  services.decisions.resize(settings.decisionsMax)
  events.resize(settings.eventsMax)
}
