// Composition: what running a statement of ours takes, however it was sent: who asks, the system database, the commands.

import type { StatementText } from './cache/plans/index.ts'
import { authorise, type OwnCommand, type Parameters } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import type { Session } from './frontend/index.ts'
import { commandContext } from './own-context.ts'
import type { OwnParts } from './own-parts.ts'
import type { OwnText, OwnTexts } from './own-text.ts'
import { viewerOf } from './own-viewer.ts'
import {
  CatalogueRouter,
  type RenderedStatement,
  SystemDatabase,
  type Viewer,
  type VirtualPlan,
  VirtualSession,
  type VirtualSources,
} from './virtual/index.ts'
import { virtualSources } from './virtual-sources.ts'
import { parseFrame, status } from './wire/index.ts'

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
  /** Characters of the client's text before the statement. */
  readonly shift?: number
  readonly frames: Buffer
  /** Virtual relations that must hold rows. */
  readonly relations: readonly string[]
  /** Completes a statement that stands for another. */
  readonly tag?: string | undefined
  /** True if the rows tell the router which of our objects the client has met. */
  readonly catalogue?: boolean
}

export class OwnRuns {
  readonly #parts: OwnParts
  readonly #texts: OwnTexts
  readonly #database: SystemDatabase
  readonly #sources: VirtualSources
  readonly #attached = new WeakMap<Session, Attachment>()

  constructor(parts: OwnParts, texts: OwnTexts) {
    this.#parts = parts
    this.#texts = texts
    this.#sources = virtualSources(parts)
    this.#database = new SystemDatabase({
      directory: `${parts.directoryPath}/system`,
      schemaName: texts.schemaName,
      idleMs: () => parts.store.snapshot.systemDatabaseIdle,
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

  forgetPrepared(session: Session): void {
    this.#attached.get(session)?.virtual?.reset()
  }

  leave(session: Session): void {
    this.#attached.get(session)?.virtual?.close()
    this.#attached.delete(session)
  }

  /** What a text is to this session. */
  ownOf(session: Session, text: StatementText): OwnText {
    const own = text.own as OwnText | undefined
    if (!session.identity.admin) return own as OwnText
    if (own !== undefined && own.kind !== 'virtual' && own.kind !== 'catalogue') return own
    const attachment = this.#attachment(session)
    let plan = attachment.admin.get(text)
    if (plan === undefined) {
      if (attachment.admin.size > 1000) attachment.admin.clear()
      plan = this.#texts.plan(utf8(text.text), text.shape.statement, true)
      attachment.admin.set(text, plan)
    }
    return { kind: 'virtual', statement: text.shape.statement, plan }
  }

  viewer(session: Session): Promise<Viewer> {
    return viewerOf(session, this.#parts)
  }

  checkBlock(session: Session): void {
    if (session.status === status.failed) throw new ServerError(conditions.inFailedTransaction)
  }

  /** An error of ours fails the block, as any error does: the origin is made to see one. */
  async failBlock(session: Session): Promise<void> {
    if (session.identity.admin) {
      session.status = status.failed
      return
    }
    await session.ask(
      parseFrame('_larder_question', '"a statement over the cache failed, so its transaction block fails"'),
    )
  }

  async execute(session: Session, command: OwnCommand, parameters: Parameters) {
    this.#parts.metrics.counters.own_statements++
    if (parameters.count < command.parameterCount) {
      throw new ServerError(conditions.undefinedParameter, [command.parameterCount])
    }
    const viewer = await viewerOf(session, this.#parts)
    authorise(viewer, command.needs, command.tag, session.settings.current)
    return command.execute(commandContext(session, viewer, this.#parts, this.#sources), parameters)
  }

  /** The text with our rows in it, for the origin. */
  async render(session: Session, plan: Extract<VirtualPlan, { kind: 'inline' }>): Promise<RenderedStatement> {
    this.#parts.metrics.counters.virtual_statements++
    const viewer = await viewerOf(session, this.#parts)
    return plan.inlined.render(this.#sources, viewer, this.#parts.store.snapshot.virtualInlineRowsMax)
  }

  /** Runs frames in the system database; true if they failed. */
  async system(session: Session, request: SystemRequest): Promise<boolean> {
    const attachment = this.#attachment(session)
    attachment.virtual ??= new VirtualSession({
      database: this.#database,
      sources: this.#sources,
      rowCountMax: () => this.#parts.store.snapshot.virtualRowsMax,
    })
    const { virtual } = attachment
    this.#parts.metrics.counters.virtual_statements++
    const viewer: Viewer = await viewerOf(session, this.#parts)
    session.cancelWait = () => virtual.cancel()
    const base = {
      simple: request.simple,
      frames: request.frames,
      relations: request.relations,
      viewer,
      settings: mirrored(session, this.#texts.schemaName),
      shift: request.shift ?? 0,
      ...(request.tag === undefined ? {} : { tag: request.tag }),
    }
    const answer = request.answer ?? ((frames: Buffer) => session.output.add(frames))
    const router = attachment.router
    const outcome = await virtual.run(
      request.catalogue ? { ...base, watch: (row: Buffer) => router.watch(row) } : base,
      (bytes) => {
        answer(bytes)
        return session.output.backlogBytes > 4 * 1024 * 1024 ? session.untilTaken() : undefined
      },
    )
    session.cancelWait = undefined
    if (outcome.failed && session.status === status.inBlock) await this.failBlock(session)
    return outcome.failed
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

export function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}

/** The session's settings by name: what the origin reports, and ours. */
function mirrored(session: Session, schemaName: string): ReadonlyMap<string, string> {
  const settings = new Map(session.identity.parameters)
  for (const row of session.settings.rows()) settings.set(`${schemaName}.${row.name}`, row.value)
  return settings
}
