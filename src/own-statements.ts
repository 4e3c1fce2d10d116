// Composition: where our own statements run. Commands are executed here; SQL over the virtual schema goes to the system database, or
// to the origin with the rows in it.

import type { StatementText } from './cache/plans/index.ts'
import {
  authorise,
  encodeError,
  encodeNotice,
  encodeResult,
  encodeRowDescription,
  type Formats,
  type OwnCommand,
  type OwnStatement,
  recognise,
} from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import type { Group, NamesBehind, OwnRoom, Request, Session } from './frontend/index.ts'
import { passStraight } from './frontend/index.ts'
import { type ContextParts, commandContext, viewerOf } from './own-context.ts'
import { analyse, namesOfExpression, namesOfQuery, noNames, type Parser, type Statement } from './sql/index.ts'
import {
  CatalogueRouter,
  planVirtual,
  readsCatalogueOnly,
  SystemDatabase,
  statementSpans,
  type Viewer,
  type VirtualPlan,
  VirtualSession,
  type VirtualSources,
} from './virtual/index.ts'
import { virtualSources } from './virtual-sources.ts'
import {
  backend,
  bindCompleteFrame,
  closeCompleteFrame,
  commandCompleteFrame,
  describeFrame,
  frame,
  frameHeaderBytes,
  int16,
  int32,
  noDataFrame,
  parseCompleteFrame,
  parseFrame,
  queryFrame,
  status,
  syncFrame,
} from './wire/index.ts'

/** What a text of ours is; lies in StatementText.own. */
type OwnText =
  | { readonly kind: 'own'; readonly statement: OwnStatement }
  | { readonly kind: 'refused'; readonly error: ServerError }
  | { readonly kind: 'virtual'; readonly statement: Statement; readonly plan: VirtualPlan }
  /** Reads only the catalogue: ours if it asks about our schema. */
  | { readonly kind: 'catalogue'; readonly statement: Statement }
  /** Several statements of ours in one text. */
  | { readonly kind: 'several'; readonly texts: readonly string[] }

export interface OwnParts extends ContextParts {
  readonly parser: Parser
  readonly directoryPath: string
}

interface Attachment {
  virtual: VirtualSession | undefined
  readonly router: CatalogueRouter
  admin: Map<StatementText, VirtualPlan>
}

export class OwnStatements implements OwnRoom {
  readonly noNames = noNames
  readonly #parts: OwnParts
  readonly #schemaName: string
  readonly #database: SystemDatabase
  readonly #sources: VirtualSources
  readonly #attached = new WeakMap<Session, Attachment>()

  constructor(parts: OwnParts) {
    this.#parts = parts
    this.#schemaName = parts.store.snapshot.virtualSchema
    this.#sources = virtualSources(parts)
    this.#database = new SystemDatabase({
      directory: `${parts.directoryPath}/system`,
      schemaName: this.#schemaName,
      idleMs: () => parts.store.snapshot.systemDatabaseIdle,
      started: () => parts.metrics.counters.system_database_starts++,
    })
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  namesOfQuery(text: string): NamesBehind | undefined {
    return namesOfQuery(this.#parts.parser, text)
  }

  namesOfExpression(text: string): NamesBehind | undefined {
    return namesOfExpression(this.#parts.parser, text)
  }

  recognise(text: string, statement: Statement | undefined): OwnText | undefined {
    try {
      return statement === undefined ? this.#byFirstWords(text) : this.#byGrammar(text, statement)
    } catch (error) {
      if (error instanceof ServerError) return { kind: 'refused', error }
      throw error
    }
  }

  #byFirstWords(text: string): OwnText | undefined {
    const spans = text.includes(';') ? statementSpans(text) : []
    if (spans.length > 1) return this.#severalOfOurs(spans.map((span) => text.slice(span.start, span.end)))
    const statement = recognise(text, { schemaName: this.#schemaName })
    return statement === undefined ? undefined : { kind: 'own', statement }
  }

  /** Undefined if none is ours; refused if some are: they would have to be taken apart. */
  #severalOfOurs(texts: readonly string[]): OwnText | undefined {
    const ours = texts.map((text) => this.#isOurs(text))
    if (!ours.includes(true)) return undefined
    if (!ours.includes(false)) return { kind: 'several', texts }
    throw new ServerError(conditions.featureNotSupported, ['a statement of the cache among others in one text'], {
      hint: 'Send the statements one by one.',
    })
  }

  #isOurs(text: string): boolean {
    if (recognise(text, { schemaName: this.#schemaName }) !== undefined) return true
    return analyse(this.#parts.parser, text, { virtualSchema: this.#schemaName }).usesVirtualSchema
  }

  #byGrammar(text: string, statement: Statement): OwnText | undefined {
    if (statement.usesVirtualSchema) {
      return { kind: 'virtual', statement, plan: this.#plan(text, statement, false) }
    }
    return readsCatalogueOnly(statement) ? { kind: 'catalogue', statement } : undefined
  }

  #plan(text: string, statement: Statement, admin: boolean): VirtualPlan {
    return planVirtual(text, statement, { parser: this.#parts.parser, schemaName: this.#schemaName, admin })
  }

  claims(session: Session, text: StatementText): boolean {
    if (session.identity.admin) return true
    const own = text.own as OwnText
    if (own.kind !== 'catalogue') return true
    return this.#attachment(session).router.route(utf8(text.text), own.statement) !== 'origin'
  }

  forgetPrepared(session: Session): void {
    this.#attached.get(session)?.virtual?.reset()
  }

  leave(session: Session): void {
    this.#attached.get(session)?.virtual?.close()
    this.#attached.delete(session)
  }

  run(session: Session, text: StatementText, request: Request): boolean {
    const copy = session.keepRequest(request)
    session.slowly(() => this.#run(session, text, copy))
    return true
  }

  prepare(session: Session, group: Group): boolean {
    const request = { simple: false, bytes: group.bytes, start: group.start, end: group.end, group }
    const copy = session.keepRequest(request)
    session.slowly(() => this.#group(session, copy))
    return true
  }

  async #run(session: Session, text: StatementText, request: Request): Promise<void> {
    if (request.group !== undefined) return this.#group(session, request)
    session.cancelWait = undefined
    try {
      if (await this.#runSimple(session, text, utf8(text.text), request)) session.finish(session.status)
    } catch (error) {
      await this.#fail(session, error)
    }
  }

  /** False if the origin answers and the session finishes by itself. */
  async #runSimple(session: Session, text: StatementText, sql: string, request: Request): Promise<boolean> {
    this.#checkBlock(session)
    const own = this.#ownOf(session, text, sql)
    switch (own.kind) {
      case 'refused':
        throw own.error
      case 'several':
        for (const part of own.texts) {
          const recognised =
            this.recognise(part, undefined) ??
            this.recognise(part, analyse(this.#parts.parser, part, { virtualSchema: this.#schemaName }))
          if (recognised === undefined)
            throw new ServerError(conditions.featureNotSupported, ['this statement among others'])
          await this.#runOne(session, text, recognised, part, {
            ...request,
            bytes: queryFrame(part),
            start: 0,
            end: queryFrame(part).length,
          })
        }
        return true
      default:
        return this.#runOne(session, text, own, sql, request)
    }
  }

  async #runOne(session: Session, text: StatementText, own: OwnText, sql: string, request: Request): Promise<boolean> {
    const frames = request.bytes.subarray(request.start, request.end)
    if (own.kind === 'refused') throw own.error
    if (own.kind === 'own') {
      const { statement } = own
      if (statement.kind === 'select') {
        authorise(await viewerOf(session, this.#parts), statement.needs, statement.tag, session.settings.current)
        await this.#system(session, true, queryFrame(statement.text), statement.relations, statement.tag, false)
      } else session.output.add(encodeResult(await this.#execute(session, statement, [])))
      return true
    }
    if (own.kind === 'catalogue') {
      await this.#system(session, true, frames, [], undefined, true)
      return true
    }
    if (own.kind === 'several') return true
    const { plan } = own
    if (plan.kind === 'refused') throw plan.error
    if (plan.kind === 'session') {
      this.#sessionStatement(session, own.statement, sql)
      return true
    }
    if (plan.kind === 'system') {
      await this.#system(session, true, frames, plan.relations, undefined, false)
      return true
    }
    const rendered = queryFrame(await this.#render(session, plan))
    await this.#atOrigin(session, text, {
      simple: true,
      bytes: rendered,
      start: 0,
      end: rendered.length,
      group: undefined,
    })
    return false
  }

  /** Sends a text with our rows in it to the origin, like any statement that is not kept. */
  async #atOrigin(session: Session, text: StatementText, request: Request): Promise<void> {
    passStraight(session, text, request, { verdict: 'bypass', reason: 'catalog', argument: this.#schemaName })
    await session.untilQuiet()
  }

  async #render(session: Session, plan: Extract<VirtualPlan, { kind: 'inline' }>): Promise<string> {
    this.#parts.metrics.counters.virtual_statements++
    const viewer = await viewerOf(session, this.#parts)
    return plan.inlined.render(this.#sources, viewer, this.#parts.store.snapshot.virtualInlineRowsMax)
  }

  /** An extended group; its statements of ours are answered in order, what it prepares is remembered. */
  async #group(session: Session, request: Request): Promise<void> {
    const { group } = request
    if (group === undefined) return
    try {
      if (await new GroupRun(this, session, request).run()) session.finish(session.status)
    } catch (error) {
      await this.#fail(session, error)
    }
  }

  async #fail(session: Session, error: unknown): Promise<void> {
    const shown =
      error instanceof ServerError
        ? error
        : new ServerError(conditions.internalError, [messageOf(error)], { cause: error })
    if (!(error instanceof ServerError)) this.#parts.log.error('a statement of ours failed', { error: stackOf(error) })
    session.output.add(encodeError(shown))
    if (session.status === status.inBlock) await this.#failBlock(session)
    session.finish(session.status)
  }

  /** An error of ours fails the block, as any error does: the origin is made to see one. */
  async #failBlock(session: Session): Promise<void> {
    if (session.identity.admin) {
      session.status = status.failed
      return
    }
    await session.ask(
      parseFrame('_larder_question', '"a statement over the cache failed, so its transaction block fails"'),
    )
  }

  #checkBlock(session: Session): void {
    if (session.status === status.failed) throw new ServerError(conditions.inFailedTransaction)
  }

  #ownOf(session: Session, text: StatementText, sql: string): OwnText {
    const own = text.own as OwnText | undefined
    if (!session.identity.admin) return own as OwnText
    if (own !== undefined && own.kind !== 'virtual' && own.kind !== 'catalogue') return own
    const attachment = this.#attachment(session)
    let plan = attachment.admin.get(text)
    if (plan === undefined) {
      if (attachment.admin.size > 1000) attachment.admin.clear()
      plan = this.#plan(sql, text.shape.statement, true)
      attachment.admin.set(text, plan)
    }
    return { kind: 'virtual', statement: text.shape.statement, plan }
  }

  #attachment(session: Session): Attachment {
    let attachment = this.#attached.get(session)
    if (attachment === undefined) {
      attachment = { virtual: undefined, router: new CatalogueRouter(this.#schemaName), admin: new Map() }
      this.#attached.set(session, attachment)
    }
    return attachment
  }

  /** Runs frames in the system database. */
  async #system(
    session: Session,
    simple: boolean,
    frames: Buffer,
    relations: readonly string[],
    tag: string | undefined,
    catalogue: boolean,
  ): Promise<boolean> {
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
      simple,
      frames,
      relations,
      viewer,
      settings: mirrored(session, this.#schemaName),
      ...(tag === undefined ? {} : { tag }),
    }
    const router = attachment.router
    const outcome = await virtual.run(
      catalogue ? { ...base, watch: (row: Buffer) => router.watch(row) } : base,
      (bytes) => {
        session.output.add(bytes)
        return session.output.backlogBytes > 4 * 1024 * 1024 ? session.untilTaken() : undefined
      },
    )
    session.cancelWait = undefined
    if (outcome.failed && session.status === status.inBlock) await this.#failBlock(session)
    return outcome.failed
  }

  async #execute(session: Session, command: OwnCommand, parameters: readonly (string | null)[]) {
    this.#parts.metrics.counters.own_statements++
    if (parameters.length < command.parameterCount) {
      throw new ServerError(conditions.undefinedParameter, [command.parameterCount])
    }
    const viewer = await viewerOf(session, this.#parts)
    authorise(viewer, command.needs, command.tag, session.settings.current)
    return command.execute(commandContext(session, viewer, this.#parts, this.#sources), parameters)
  }

  /** BEGIN, SET and the like in an admin database. */
  #sessionStatement(session: Session, statement: Statement, sql: string): void {
    session.output.add(this.#sessionTag(session, statement, sql))
  }

  #sessionTag(session: Session, statement: Statement, sql: string): Buffer {
    const { settings } = session
    const word = (/^\s*([a-z]+)/i.exec(sql)?.[1] ?? '').toUpperCase()
    if (statement.kind === 'empty') return frame(backend.emptyQuery)
    if (statement.kind !== 'transaction') {
      if (word === 'DISCARD' || word === 'DEALLOCATE') session.statements.clear()
      const set = /^\s*set\s+(?:session\s+|local\s+)?([\w.]+)\s*(?:=|to)\s*'?([^';]*)'?/i.exec(sql)
      if (set?.[1] !== undefined) session.identity.parameters.set(set[1], set[2] ?? '')
      return commandCompleteFrame(/^\s*(?:discard|deallocate)\s+all/i.test(sql) ? `${word} ALL` : word)
    }
    const failed = session.status === status.failed
    switch (statement.verb) {
      case 'begin':
        settings.begin()
        session.status = session.status === status.idle ? status.inBlock : session.status
        return commandCompleteFrame(word === 'START' ? 'START TRANSACTION' : 'BEGIN')
      case 'commit':
        if (failed) settings.rollback()
        else settings.commit()
        session.status = status.idle
        return commandCompleteFrame(failed ? 'ROLLBACK' : 'COMMIT')
      case 'rollback':
        settings.rollback()
        session.status = status.idle
        return commandCompleteFrame('ROLLBACK')
      default:
        if (statement.verb === 'rollback_to') session.status = status.inBlock
        return commandCompleteFrame(word)
    }
  }

  // What a group run needs.

  viewer(session: Session): Promise<Viewer> {
    return viewerOf(session, this.#parts)
  }

  ownOf(session: Session, text: StatementText): OwnText {
    return this.#ownOf(session, text, utf8(text.text))
  }

  checkBlock(session: Session): void {
    this.#checkBlock(session)
  }

  execute(session: Session, command: OwnCommand, parameters: readonly (string | null)[]) {
    return this.#execute(session, command, parameters)
  }

  system(
    session: Session,
    frames: Buffer,
    relations: readonly string[],
    catalogue: boolean,
    tag?: string,
  ): Promise<boolean> {
    return this.#system(session, false, frames, relations, tag, catalogue)
  }

  render(session: Session, plan: Extract<VirtualPlan, { kind: 'inline' }>): Promise<string> {
    return this.#render(session, plan)
  }

  atOrigin(session: Session, text: StatementText, request: Request): Promise<void> {
    return this.#atOrigin(session, text, request)
  }

  sessionStatement(session: Session, statement: Statement, sql: string): void {
    this.#sessionStatement(session, statement, sql)
  }
}

interface Portal {
  readonly text: StatementText
  readonly own: OwnText
  readonly parameters: readonly (string | null)[]
  readonly formats: Formats
  readonly frame: Buffer
}

/** The steps of one group, with at least one statement of ours in it. */
class GroupRun {
  readonly #room: OwnStatements
  readonly #session: Session
  readonly #request: Request
  readonly #portals = new Map<string, Portal>()

  constructor(room: OwnStatements, session: Session, request: Request) {
    this.#room = room
    this.#session = session
    this.#request = request
  }

  /** False if the origin answered and the session has finished by itself. */
  async run(): Promise<boolean> {
    const session = this.#session
    const group = this.#request.group as Group
    const texts = this.#texts(group)
    this.#room.checkBlock(session)
    const kinds = new Set(texts.map((text) => this.#groupKind(text)))
    if (kinds.has('foreign')) {
      throw new ServerError(
        conditions.featureNotSupported,
        ['a statement of the cache and one of the origin before one Sync'],
        {
          hint: 'Send a Sync between them.',
        },
      )
    }
    if (kinds.has('inline')) return this.#inline(group, texts)
    if (kinds.has('system')) return this.#system(group, texts)
    for (const step of group.steps) await this.#step(step)
    return true
  }

  /** Every statement the group prepares or uses. */
  #texts(group: Group): StatementText[] {
    const session = this.#session
    const found: StatementText[] = []
    const parsed = new Map<string, StatementText>()
    for (const step of group.steps) {
      let text: StatementText | undefined
      if (step.kind === 'parse') {
        text = session.texts.get(step.key)
        if (text !== undefined) parsed.set(step.name, text)
      } else if (step.kind === 'bind') text = parsed.get(step.statement) ?? session.statements.get(step.statement)?.text
      else if (step.kind === 'describe' && step.target === 'S')
        text = parsed.get(step.name) ?? session.statements.get(step.name)?.text
      if (text !== undefined) found.push(text)
      else if (step.kind === 'bind') {
        throw new ServerError(conditions.undefinedPreparedStatement, [step.statement])
      }
    }
    return found
  }

  #groupKind(text: StatementText): 'command' | 'system' | 'inline' | 'foreign' {
    if (text.own === undefined && !this.#session.identity.admin) return 'foreign'
    const own = this.#room.ownOf(this.#session, text)
    if (own.kind === 'refused') throw own.error
    if (own.kind === 'own') return own.statement.kind === 'select' ? 'system' : 'command'
    if (own.kind === 'catalogue') return 'system'
    if (own.kind === 'several')
      throw new ServerError(conditions.syntaxError, ['cannot insert multiple commands into a prepared statement'])
    if (own.plan.kind === 'refused') throw own.plan.error
    if (own.plan.kind === 'session') return 'command'
    return own.plan.kind
  }

  /** The client's frames go to the system database as they are, but for texts of ours that stand for another. */
  async #system(group: Group, texts: readonly StatementText[]): Promise<boolean> {
    const session = this.#session
    const relations: string[] = []
    let tag: string | undefined
    let catalogue = false
    for (const text of texts) {
      const own = this.#room.ownOf(session, text)
      if (own.kind === 'own' && own.statement.kind === 'select') {
        authorise(await this.#room.viewer(session), own.statement.needs, own.statement.tag, session.settings.current)
        relations.push(...own.statement.relations)
        tag = own.statement.tag
      } else if (own.kind === 'virtual' && own.plan.kind === 'system') relations.push(...own.plan.relations)
      else if (own.kind === 'catalogue') catalogue = true
    }
    const frames: Buffer[] = []
    for (const step of group.steps) {
      const text = step.kind === 'parse' ? session.texts.get(step.key) : undefined
      const own = text === undefined ? undefined : this.#room.ownOf(session, text)
      if (step.kind === 'parse' && own?.kind === 'own' && own.statement.kind === 'select') {
        frames.push(parseFrame(step.name, own.statement.text))
      } else frames.push(group.bytes.subarray(step.start, step.end))
      if (step.kind === 'parse' && text !== undefined) session.prepare(step, text, true)
      if (step.kind === 'close' && step.target === 'S') session.statements.delete(step.name)
    }
    await this.#room.system(session, Buffer.concat(frames), relations, catalogue, tag)
    return true
  }

  /** One statement over user tables too: the origin runs its text with our rows in it. */
  async #inline(group: Group, texts: readonly StatementText[]): Promise<boolean> {
    const session = this.#session
    const [text] = texts
    const own = text === undefined ? undefined : this.#room.ownOf(session, text)
    if (text === undefined || own?.kind !== 'virtual' || own.plan.kind !== 'inline' || new Set(texts).size !== 1) {
      throw new ServerError(conditions.featureNotSupported, [
        'several statements over the cache and user tables before one Sync',
      ])
    }
    const rendered = await this.#room.render(session, own.plan)
    const frames: Buffer[] = []
    const newSteps: Group['steps'][number][] = []
    for (const step of group.steps) {
      const bytes = group.bytes.subarray(step.start, step.end)
      if (step.kind === 'parse') {
        session.prepare(step, text, false)
        frames.push(parseFrame(inlineName, rendered, step.types === '' ? undefined : Buffer.from(step.types, 'latin1')))
      } else if (step.kind === 'bind') frames.push(renamedBind(bytes, step.portal))
      else if (step.kind === 'describe' && step.target === 'S') frames.push(describeFrame('S', inlineName))
      else frames.push(bytes)
      newSteps.push(step)
    }
    const hasParse = group.steps.some((step) => step.kind === 'parse')
    const first = hasParse ? [] : [parseFrame(inlineName, rendered)]
    const close = frame(0x43, Buffer.from(`S${inlineName}\0`, 'latin1'))
    if (!hasParse || group.steps.some((step) => step.kind === 'execute')) await session.ask(close)
    const bytes = Buffer.concat([...first, ...frames, syncFrame])
    const unit = session.newUnit()
    unit.cutParses = hasParse ? 0 : 1
    passStraight(
      session,
      undefined,
      { simple: true, bytes, start: 0, end: bytes.length, group: undefined },
      { verdict: 'bypass', reason: 'catalog' },
      undefined,
      unit,
    )
    await session.untilQuiet()
    return false
  }

  async #step(step: Group['steps'][number]): Promise<void> {
    const session = this.#session
    const group = this.#request.group as Group
    const { output } = session
    switch (step.kind) {
      case 'parse': {
        const text = session.texts.get(step.key)
        if (step.name !== '' && session.statements.get(step.name) !== undefined) {
          throw new ServerError(conditions.duplicatePreparedStatement, [step.name])
        }
        if (text !== undefined) session.prepare(step, text, true)
        output.add(parseCompleteFrame)
        return
      }
      case 'bind': {
        const text = session.statements.get(step.statement)?.text
        if (text === undefined) throw new ServerError(conditions.undefinedPreparedStatement, [step.statement])
        const { parameters, formats } = readBind(group.bytes.subarray(step.start, step.end))
        const own = this.#room.ownOf(session, text)
        this.#portals.set(step.portal, { text, own, parameters, formats, frame: bindCompleteFrame })
        output.add(bindCompleteFrame)
        return
      }
      case 'describe': {
        const own = step.target === 'S' ? this.#ownOfStatement(step.name) : this.#portal(step.name).own
        const command = own.kind === 'own' && own.statement.kind === 'command' ? own.statement : undefined
        if (step.target === 'S') {
          const types = command?.parameterTypes ?? []
          output.add(frame(backend.parameterDescription, int16(types.length), ...types.map(int32)))
        }
        const formats = step.target === 'S' ? [] : this.#portal(step.name).formats
        output.add((command === undefined ? undefined : encodeRowDescription(command.columns, formats)) ?? noDataFrame)
        return
      }
      case 'execute': {
        const portal = this.#portal(step.portal)
        const { own } = portal
        if (own.kind === 'virtual') {
          this.#room.sessionStatement(session, own.statement, utf8(portal.text.text))
          return
        }
        if (own.kind !== 'own' || own.statement.kind !== 'command') return
        const result = await this.#room.execute(session, own.statement, portal.parameters)
        for (const notice of result.notices ?? []) output.add(encodeNotice(notice))
        const whole = encodeResult({ ...result, notices: [] }, portal.formats)
        const description = encodeRowDescription(result.columns, portal.formats)
        output.add(description === undefined ? whole : whole.subarray(description.length))
        return
      }
      case 'close':
        if (step.target === 'S') session.statements.delete(step.name)
        output.add(closeCompleteFrame)
    }
  }

  #ownOfStatement(name: string): OwnText {
    const text = this.#session.statements.get(name)?.text
    if (text === undefined) throw new ServerError(conditions.undefinedPreparedStatement, [name])
    return this.#room.ownOf(this.#session, text)
  }

  #portal(name: string): Portal {
    const portal = this.#portals.get(name)
    if (portal === undefined) throw new ServerError(conditions.undefinedPortal, [name])
    return portal
  }
}

const inlineName = '_larder_inline'

/** The same Bind for our own statement name. */
function renamedBind(bytes: Buffer, portal: string): Buffer {
  const at = frameHeaderBytes + portal.length + 1
  const tailAt = bytes.indexOf(0, at) + 1
  return frame(0x42, Buffer.from(`${portal}\0${inlineName}\0`, 'latin1'), bytes.subarray(tailAt))
}

/** Text parameters and result formats of a Bind frame. */
function readBind(bytes: Buffer): { parameters: (string | null)[]; formats: number[] } {
  let at = bytes.indexOf(0, frameHeaderBytes) + 1
  at = bytes.indexOf(0, at) + 1
  const codes: number[] = []
  const codeCount = bytes.readUInt16BE(at)
  at += 2
  for (let index = 0; index < codeCount; index++, at += 2) codes.push(bytes.readInt16BE(at))
  const parameters: (string | null)[] = []
  const count = bytes.readUInt16BE(at)
  at += 2
  for (let index = 0; index < count; index++) {
    const length = bytes.readInt32BE(at)
    at += 4
    const binary = (codes.length > 1 ? codes[index] : codes[0]) === 1
    parameters.push(
      length < 0
        ? null
        : binary
          ? binaryText(bytes.subarray(at, at + length))
          : bytes.toString('utf8', at, at + length),
    )
    if (length > 0) at += length
  }
  const formats: number[] = []
  const formatCount = bytes.readUInt16BE(at)
  at += 2
  for (let index = 0; index < formatCount; index++, at += 2) formats.push(bytes.readInt16BE(at))
  return { parameters, formats }
}

/** A binary parameter of a command: text has the same bytes in both formats; whole numbers are told by their length. */
function binaryText(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  const printable = !/[\u0000-\u0008\u000e-\u001f]/.test(text)
  if (printable) return text
  if (bytes.length === 8) return String(bytes.readBigInt64BE())
  if (bytes.length === 4) return String(bytes.readInt32BE())
  return bytes.length === 1 ? (bytes[0] === 1 ? 'true' : 'false') : text
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** The session's settings by name: what the origin reports, and ours. */
function mirrored(session: Session, schemaName: string): ReadonlyMap<string, string> {
  const settings = new Map(session.identity.parameters)
  for (const row of session.settings.rows()) settings.set(`${schemaName}.${row.name}`, row.value)
  return settings
}
