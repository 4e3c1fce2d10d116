// Composition: what running a statement of ours takes, however it was sent: who asks, the system database, the commands.

import type { StatementText } from './cache/plans/index.ts'
import {
  authorise,
  type CommandContext,
  type CommandResult,
  type Described,
  type Formats,
  type OwnCommand,
  type Parameters,
  runPlacedCalls,
} from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import { isInFailedBlock, type PassVerdict, probeContext, type Session } from './frontend/index.ts'
import { commandContext } from './own-context.ts'
import type { Said } from './own-explain.ts'
import { explainOwn } from './own-explain-own.ts'
import type { LeftPortals } from './own-left-portals.ts'
import type { LooseNames } from './own-loose.ts'
import type { OwnParts } from './own-parts.ts'
import { postgresHelp, type SystemQuestion } from './own-postgres.ts'
import { type Executed, isPreparedHere, meaningOf, queryOf, readyAtOrigin } from './own-prepared.ts'
import { gatherStore } from './own-store.ts'
import type { OwnText, OwnTexts } from './own-text.ts'
import { mirrored, type SessionViewer, viewerOf, whoever } from './own-viewer.ts'
import { viewTables } from './own-views.ts'
import {
  CatalogueRouter,
  SplicedText,
  SystemDatabase,
  type VirtualOutcome,
  type VirtualPlan,
  type VirtualRequest,
  VirtualSession,
  type VirtualSources,
  type Wanted,
} from './virtual/index.ts'
import { virtualSources } from './virtual-sources.ts'
import { closeFrame, parseFrame, status } from './wire/index.ts'

/** What a session has of ours. */
interface Attachment {
  virtual: VirtualSession | undefined
  readonly router: CatalogueRouter
  /** In an admin database every text is ours, and planned as such. */
  admin: Map<StatementText, VirtualPlan>
}

/** Frames for the system database. */
interface SystemRequest {
  readonly simple: boolean
  /** Gets the answer, in whole frames; the session's output if left out. */
  readonly answer?: (frames: Buffer) => void
  /** Where a position in the text that runs is in the client's, if they differ. */
  readonly positionOf?: ((position: number) => number | undefined) | undefined
  readonly frames: Buffer
  /** Virtual relations that must hold rows. */
  readonly relations: readonly string[]
  /** Of some of these, which rows are enough. */
  readonly wanted?: Wanted | undefined
  /** What functions of ours in the text answered. */
  readonly calls?: string | undefined
  /** True if what is not known there may be known at the origin: then nothing is answered, and the outcome says so. */
  readonly mayBeElsewhere?: boolean
  /** Completes a statement that stands for another. */
  readonly tag?: string | undefined
  /** True if the rows tell the router which of our objects the client has met. */
  readonly catalogue?: boolean
  /** Takes the answers to frames of ours behind the client's. */
  readonly left?: LeftPortals
  /** Its statement has failed, and the transaction at the origin has not yet. */
  readonly failing?: () => Promise<void>
}

type VirtualText = Extract<OwnText, { kind: 'virtual' }>

export class OwnRuns {
  readonly #parts: OwnParts
  readonly #texts: OwnTexts
  readonly #database: SystemDatabase
  readonly #sources: VirtualSources
  readonly #attached = new WeakMap<Session, Attachment>()
  /** Of what has names that the system database did not know: the origin gets it, with the rows in it. */
  readonly #elsewhere = new WeakMap<OwnText, VirtualPlan>()

  readonly #inlinedVerdict: PassVerdict
  readonly #loose: LooseNames

  constructor(parts: OwnParts, texts: OwnTexts, loose: LooseNames) {
    this.#parts = parts
    this.#texts = texts
    this.#loose = loose
    this.#inlinedVerdict = { verdict: 'bypass', reason: 'catalog', argument: texts.schemaName }
    this.#sources = virtualSources(parts)
    this.#database = new SystemDatabase({
      directory: `${parts.directoryPath}/system`,
      schemaName: texts.schemaName,
      idleMs: () => parts.store.snapshot.systemDatabaseIdle,
      openServer: parts.openSystemServer,
      started: () => parts.metrics.counters.system_database_starts++,
    })
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  /** True if a look-up in the catalogue asks about our schema, as far as this session's earlier ones tell. */
  asksAboutUs(session: Session, text: StatementText, own: Extract<OwnText, { kind: 'catalogue' }>): boolean {
    return this.#attachment(session).router.route(utf8(text.text), own.statement) !== 'origin'
  }

  /** How a read of ours that the origin runs is reported: it is never kept. What has nothing of ours in it is reported as ever. */
  verdictOf(own: OwnText): PassVerdict | undefined {
    return own.kind === 'virtual' && own.isPlain === true ? undefined : this.#inlinedVerdict
  }

  forgetPrepared(session: Session): void {
    this.#attached.get(session)?.virtual?.reset()
  }

  /** SQL has prepared a statement in the system database; the frames do it again elsewhere. */
  rememberPrepared(session: Session, name: string, frames: Buffer): void {
    this.#attached.get(session)?.virtual?.remember(name, frames)
  }

  /** One prepared statement of ours is closed. */
  forgetStatement(session: Session, name: string): void {
    session.statements.delete(name)
    this.#attached.get(session)?.virtual?.forget(name)
  }

  /** The same for a name that may be the origin's. */
  async closeStatement(session: Session, name: string): Promise<void> {
    const isOurs = session.statements.get(name)?.ours === true
    this.forgetStatement(session, name)
    if (!isOurs && !session.identity.admin && !session.link.closed) await session.ask(closeFrame('S', name))
  }

  get schemaName(): string {
    return this.#texts.schemaName
  }

  leave(session: Session): void {
    this.#attached.get(session)?.virtual?.close()
    this.#attached.delete(session)
  }

  /** True if it is known whose statement this is. */
  isSettled(session: Session, text: StatementText): boolean {
    const own = text.own as OwnText | undefined
    if (own?.kind === 'prepared') {
      return own.words.verb !== 'prepare' || this.isSettled(session, queryOf(session, own))
    }
    if (own?.kind === 'several' && own.names !== undefined) return true
    if (text.own === undefined) return this.#loose.isSettled(session, text)
    if (own?.kind === 'own' && own.statement.kind === 'command' && own.statement.forWhom === 'whoever') return true
    return isInFailedBlock(session) || this.#parts.schemas.isCurrent(session.epochs)
  }

  /** Asks the origin what decides it. */
  settle(session: Session, text: StatementText): Promise<void> {
    const own = text.own as OwnText | undefined
    if (own?.kind === 'prepared') return this.settle(session, queryOf(session, own))
    return text.own === undefined ? this.#loose.settle(session, text) : probeContext(session)
  }

  /** What a text is to this session; undefined: the origin's. */
  ownOf(session: Session, text: StatementText): OwnText | undefined {
    const own = text.own as OwnText | undefined
    if (own?.kind === 'prepared') return meaningOf(this, session, own)
    if (
      own?.kind === 'several' &&
      own.names !== undefined &&
      !own.names.some((name) => isPreparedHere(session, name))
    ) {
      return undefined
    }
    if (!session.identity.admin) return this.#resolved(own ?? this.#loose.ownOf(session, text))
    if (own !== undefined && own.kind !== 'virtual' && own.kind !== 'catalogue') return own
    const made = own?.kind === 'virtual' ? own : undefined
    const qualified = made?.qualified ?? this.#loose.ownOfAdmin(session, text)
    if (qualified !== undefined) {
      const statement = this.#texts.analyse(qualified.text)
      const plan = this.#texts.plan(qualified.text, statement, true)
      return { kind: 'virtual', statement, plan, qualified, ...(made?.calls && { calls: made.calls }) }
    }
    const attachment = this.#attachment(session)
    let plan = attachment.admin.get(text)
    if (plan === undefined) {
      if (attachment.admin.size > 1000) attachment.admin.clear()
      plan = this.#texts.plan(utf8(text.text), text.shape.statement, true)
      attachment.admin.set(text, plan)
    }
    return { kind: 'virtual', statement: text.shape.statement, plan }
  }

  /** The system database did not know a name in it: from now on the text is the origin's, which may. */
  goesElsewhere(text: StatementText, own: VirtualText): VirtualPlan {
    const plan = this.planElsewhere(text, own)
    this.#elsewhere.set(own, plan)
    return plan
  }

  /** The same for a text of a group. */
  ownElsewhere(text: StatementText, own: OwnText): OwnText {
    if (own.kind !== 'virtual' || own.plan.kind === 'inline') return own
    return { ...own, plan: this.goesElsewhere(text, own) }
  }

  /** The plan by which the origin runs it, with the rows in it. */
  planElsewhere(text: StatementText, own: VirtualText): VirtualPlan {
    if (own.executes !== undefined) return this.planElsewhere(own.executes.innerText, own.executes.inner)
    return this.#texts.planElsewhere(own.qualified?.text ?? utf8(text.text), own.statement)
  }

  #resolved(own: OwnText | undefined): OwnText | undefined {
    const plan = own?.kind === 'virtual' ? this.#elsewhere.get(own) : undefined
    return plan === undefined || own?.kind !== 'virtual' ? own : { ...own, plan }
  }

  viewer(session: Session): Promise<SessionViewer> {
    return viewerOf(session, this.#parts)
  }

  checkBlock(session: Session): void {
    if (isInFailedBlock(session)) throw new ServerError(conditions.inFailedTransaction)
  }

  /** An error of ours fails the transaction, as any error does: the origin is made to see one. */
  async failed(session: Session): Promise<void> {
    if (session.status === status.inBlock || session.open !== undefined) await this.#failBlock(session)
  }

  async #failBlock(session: Session): Promise<void> {
    if (session.identity.admin) {
      session.status = status.failed
      return
    }
    await session.ask(parseFrame('_larder_question', '"a statement over the cache failed, so its transaction does"'))
  }

  async execute(
    session: Session,
    command: OwnCommand,
    parameters: Parameters,
    said: Said,
    formats: Formats = [],
  ): Promise<CommandResult> {
    this.#parts.metrics.counters.own_statements++
    const isGiven = parameters.count >= command.parameterCount
    if (!isGiven && !(command.parametersOptional === true && parameters.count === 0)) {
      throw new ServerError(conditions.undefinedParameter, [command.parameterCount])
    }
    const viewer = command.forWhom === 'whoever' ? whoever(session, this.#parts) : undefined
    const context = await this.#context(session, formats, said, viewer)
    authorise(context.viewer, command.needs, command.subject ?? command.tag, session.settings.current)
    return command.execute(context, parameters)
  }

  /** Columns and parameters of a command that does not know them from its text. */
  async describe(session: Session, command: OwnCommand, declaredTypes: readonly number[]): Promise<Described> {
    if (command.describe === undefined) return { parameterTypes: command.parameterTypes, description: undefined }
    return command.describe(await this.#context(session, [], nothingSaid), declaredTypes)
  }

  async #context(session: Session, formats: Formats, said: Said, known?: SessionViewer): Promise<CommandContext> {
    const viewer = known ?? (await viewerOf(session, this.#parts))
    const postgres = postgresHelp((question) => this.#ask(session, question), formats)
    const context = commandContext(session, viewer, this.#parts, this.#sources, postgres, said)
    const explain: CommandContext['explain'] = async (request) =>
      (await explainOwn(this, session, request, this.#parts, said.shift)) ?? context.explain(request)
    return { ...context, explain }
  }

  /** What the functions of ours in a statement answer to these values; undefined if it has none. */
  async callsOf(session: Session, own: OwnText, parameters: Parameters): Promise<string | undefined> {
    if ((own.kind !== 'virtual' && own.kind !== 'own') || own.calls === undefined) return undefined
    if (session.open !== undefined && own.calls.calls.some(({ name }) => name.startsWith('explain'))) {
      throw new ServerError(conditions.featureNotSupported, [
        `function ${this.schemaName}.explain() behind other statements before one Sync`,
      ])
    }
    return runPlacedCalls(own.calls, await this.#context(session, [], nothingSaid), parameters)
  }

  /** The text with our rows in it, for the origin. */
  async render(
    session: Session,
    plan: Extract<VirtualPlan, { kind: 'inline' }>,
    wanted: Wanted,
    { executes, calls }: { readonly executes?: Executed | undefined; readonly calls?: string | undefined } = {},
  ): Promise<SplicedText> {
    if (plan.inlined.relations.length + plan.inlined.views.length > 0) this.#parts.metrics.counters.virtual_statements++
    const viewer = await viewerOf(session, this.#parts)
    const rowCountMax = this.#parts.store.snapshot.virtualInlineRowsMax
    const sources = await this.#prepared({ relations: plan.inlined.relations, wanted, viewer }, rowCountMax)
    const views = await viewTables(session, plan.inlined.views, viewer, this.#parts)
    const rendered = plan.inlined.render(sources, viewer, rowCountMax, wanted, calls, views)
    if (executes === undefined) return rendered
    await readyAtOrigin(session, executes, rendered)
    return new SplicedText(executes.text, [])
  }

  /** Runs frames in the system database. */
  async system(session: Session, request: SystemRequest): Promise<VirtualOutcome> {
    const virtual = this.#virtual(session)
    this.#parts.metrics.counters.virtual_statements++
    const viewer = await viewerOf(session, this.#parts)
    // Before there was anything to end.
    if (session.cancelRequested) throw new ServerError(conditions.queryCanceled, ['user request'])
    session.cancelWait = () => virtual.cancel()
    const base = {
      simple: request.simple,
      frames: request.frames,
      relations: request.relations,
      wanted: request.wanted,
      calls: request.calls,
      mayBeElsewhere: request.mayBeElsewhere === true && !session.link.closed,
      viewer,
      settings: mirrored(session, viewer, this.#texts.schemaName),
      positionOf: request.positionOf,
      ...(request.tag === undefined ? {} : { tag: request.tag }),
    }
    const answer = request.answer ?? ((frames: Buffer) => session.output.add(frames))
    const { router } = this.#attachment(session)
    const outcome = await virtual.run(
      request.catalogue ? { ...base, watch: (row: Buffer) => router.watch(row) } : base,
      (bytes) => {
        const theirs = request.left?.take(bytes) ?? bytes
        if (theirs.length > 0) answer(theirs)
        return session.output.backlogBytes > 4 * 1024 * 1024 ? session.untilTaken() : undefined
      },
    )
    session.cancelWait = undefined
    const failed = outcome.failed && !outcome.unresolved && request.left?.failed !== true
    if (failed) {
      await request.failing?.()
      await this.failed(session)
    }
    return { ...outcome, failed: failed || outcome.unresolved }
  }

  /** Frames of ours, for a command: what they were answered with. */
  async #ask(session: Session, { frames, relations, given, changes }: SystemQuestion): Promise<Buffer> {
    const virtual = this.#virtual(session)
    const viewer = await viewerOf(session, this.#parts)
    const settings = mirrored(session, viewer, this.#texts.schemaName)
    const answers: Buffer[] = []
    session.cancelWait = () => virtual.cancel()
    const request = { simple: false, frames, relations, given, changes, viewer, settings }
    await virtual.run(request, (bytes) => void answers.push(Buffer.from(bytes)))
    session.cancelWait = undefined
    return Buffer.concat(answers)
  }

  #virtual(session: Session): VirtualSession {
    const attachment = this.#attachment(session)
    attachment.virtual ??= new VirtualSession({
      database: this.#database,
      sources: this.#sources,
      prepare: (request) => this.#prepared(request, this.#parts.store.snapshot.virtualRowsMax),
      rowCountMax: () => this.#parts.store.snapshot.virtualRowsMax,
    })
    return attachment.virtual
  }

  /** The sources, with what lies elsewhere gathered. */
  async #prepared(
    request: Pick<VirtualRequest, 'relations' | 'wanted' | 'given' | 'viewer'>,
    rowCountMax: number,
  ): Promise<VirtualSources> {
    const store = await gatherStore(this.#parts.cache, request, rowCountMax)
    if (store === undefined) return this.#sources
    return Object.create(this.#sources, { store: { value: store } }) as VirtualSources
  }

  #attachment(session: Session): Attachment {
    let attachment = this.#attached.get(session)
    if (attachment === undefined) {
      attachment = { virtual: undefined, router: new CatalogueRouter(this.#texts.schemaName), admin: new Map() }
      this.#attached.set(session, attachment)
    }
    return attachment
  }
}

/** Of a statement that is described alone. */
const nothingSaid: Said = { hints: undefined, shift: 0 }

export function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}
