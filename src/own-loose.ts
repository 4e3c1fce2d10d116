// Composition: names without a schema that are ours, because the session's search_path holds our schema and the origin does not know them.
//
//   SET search_path = app, cache;   SELECT * FROM entries      ours, unless the origin has an `entries` in app or elsewhere on the path
//
// Never guessed: the origin is asked for each such name, once per text and context. Where a transaction may have made or hidden
// a relation, and where temporary ones may be, it is asked each time. A hit needs no answer: it was the origin's once, in this context.

import type { StatementText } from './cache/plans/index.ts'
import { ServerError } from './errors/index.ts'
import { probeContext, type Session } from './frontend/index.ts'
import { ask } from './own-parts.ts'
import type { OwnText, OwnTexts } from './own-text.ts'
import { inScope, type Parser, type Statement, schemasOfPath, walk } from './sql/index.ts'
import { findVirtualTable, laterRelations, quoteIdentifier, SplicedText } from './virtual/index.ts'
import { status } from './wire/index.ts'

/** What the origin does not know of the candidates, as last asked in a context. */
interface Answer {
  readonly names: readonly string[]
  readonly tick: number
  readonly atMs: number
}

/** The part of StatementText that is this file's. */
class LooseText {
  readonly text: string
  /** Names without a schema that relations of ours have. */
  readonly candidates: readonly string[]
  readonly byContext = new Map<number, Answer>()
  /** What the text is when these names are ours, by the names. */
  readonly owns = new Map<string, OwnText>()

  constructor(text: string, candidates: readonly string[]) {
    this.text = text
    this.candidates = candidates
  }
}

/** What was asked for one statement only; void as soon as the session has run another. */
interface Momentary {
  readonly lastId: number
  readonly answers: Map<LooseText, Answer>
}

const kinds: ReadonlySet<string> = new Set(
  'read write explain explain_write copy_in copy_out cursor prepare several'.split(' '),
)

const question = `SELECT pg_catalog.current_setting('search_path'), current_user,
 pg_catalog.array_to_string(ARRAY(SELECT n FROM pg_catalog.unnest($1::pg_catalog.text[]) n
 WHERE pg_catalog.to_regclass(pg_catalog.quote_ident(n)) IS NULL), ',')`

const contextsMax = 256

export class LooseNames {
  readonly #parser: Parser
  readonly #texts: OwnTexts
  readonly #momentary = new WeakMap<Session, Momentary>()

  constructor(parser: Parser, texts: OwnTexts) {
    this.#parser = parser
    this.#texts = texts
  }

  /** For StatementText.loose. */
  of(text: string, statement: Statement): LooseText | undefined {
    if (!kinds.has(statement.kind)) return undefined
    const candidates = statement.names.relations
      .filter(({ schema, name }) => schema === undefined && isNameOfOurs(name))
      .map(({ name }) => name)
    return candidates.length === 0 ? undefined : new LooseText(text, candidates)
  }

  /** What the text is to this session now; undefined: the origin's. */
  ownOf(session: Session, text: StatementText): OwnText | undefined {
    const loose = text.loose as LooseText | undefined
    if (loose === undefined || session.searchPath.holdsOurs(session) === false) return undefined
    const names = this.#namesOf(session, loose)
    return names === undefined || names.length === 0 ? undefined : this.#owned(loose, names)
  }

  /** True if that can be told without the origin. */
  isSettled(session: Session, text: StatementText): boolean {
    const loose = text.loose as LooseText | undefined
    if (loose === undefined || session.searchPath.holdsOurs(session) === false || session.status === status.failed)
      return true
    return this.#namesOf(session, loose) !== undefined
  }

  /** Asks the origin: for the search_path if it may have changed, and which of the names it does not know. */
  async settle(session: Session, text: StatementText): Promise<void> {
    const loose = text.loose as LooseText
    if (session.searchPath.holdsOurs(session) === undefined && session.status === status.idle)
      await probeContext(session)
    if (session.searchPath.holdsOurs(session) === false || session.ended) return
    const { services } = session
    const tick = services.epochs.tick()
    const asked = await ask(session, question, [`{${loose.candidates.join(',')}}`])
    // If it does not say, it is asked the statement itself, and may say why.
    const [path, role, unknown] = asked.rows[0] ?? []
    const searchesOurs = schemasOfPath(path ?? '', role ?? '').includes(this.#texts.schemaName)
    if (asked.error === undefined) session.searchPath.learn(searchesOurs)
    const names = searchesOurs && unknown ? unknown.split(',') : []
    const answer = { names, tick, atMs: services.clock.nowMs() }
    const context = sharedContext(session)
    if (context !== undefined && asked.error === undefined) {
      if (loose.byContext.size >= contextsMax) loose.byContext.clear()
      loose.byContext.set(context, answer)
    }
    const { lastId } = session
    const momentary = this.#momentary.get(session)
    if (momentary?.lastId === lastId) momentary.answers.set(loose, answer)
    else this.#momentary.set(session, { lastId, answers: new Map([[loose, answer]]) })
  }

  #namesOf(session: Session, loose: LooseText): readonly string[] | undefined {
    const momentary = this.#momentary.get(session)
    const here = momentary?.lastId === session.lastId ? momentary.answers.get(loose) : undefined
    if (here !== undefined && isFresh(session, here)) return here.names
    const context = sharedContext(session)
    const shared = context === undefined ? undefined : loose.byContext.get(context)
    return shared !== undefined && isFresh(session, shared) ? shared.names : undefined
  }

  /** In an admin database nobody else could know the names. */
  ownOfAdmin(session: Session, text: StatementText): SplicedText | undefined {
    const loose = text.loose as LooseText | undefined
    if (loose === undefined || session.searchPath.holdsOurs(session) !== true) return undefined
    return qualify(this.#parser, loose.text, new Set(loose.candidates), this.#texts.schemaName)
  }

  #owned(loose: LooseText, names: readonly string[]): OwnText {
    const key = names.join(',')
    let own = loose.owns.get(key)
    if (own === undefined) {
      own = this.#make(loose.text, new Set(names))
      loose.owns.set(key, own)
    }
    return own
  }

  /** The same text with our schema written out. */
  #make(text: string, names: ReadonlySet<string>): OwnText {
    try {
      const qualified = qualify(this.#parser, text, names, this.#texts.schemaName)
      const statement = this.#texts.analyse(qualified.text)
      if (statement.kind === 'several') return { kind: 'several' }
      return { kind: 'virtual', statement, plan: this.#texts.plan(qualified.text, statement, false), qualified }
    } catch (error) {
      if (error instanceof ServerError) return { kind: 'refused', error }
      throw error
    }
  }
}

function isNameOfOurs(name: string): boolean {
  return findVirtualTable(name) !== undefined || laterRelations.has(name)
}

/** As other facts of the catalogue: no change of it since, and not older than a quarter of the time to live. */
function isFresh(session: Session, answer: Answer): boolean {
  const ageMaxMs = Math.max(250, session.settings.current.resultTtl / 4)
  return answer.tick >= session.epochs.schemaStamp && session.nowMs - answer.atMs <= ageMaxMs
}

/** The number under which other sessions may use the answer; undefined if it is this session's alone. */
function sharedContext(session: Session): number | undefined {
  const { context, transaction } = session
  if (context === undefined || context.temporary) return undefined
  const { wrote, ddl, settings, opaque } = transaction
  return wrote || ddl || settings || opaque ? undefined : context.id
}

function qualify(parser: Parser, text: string, names: ReadonlySet<string>, schemaName: string): SplicedText {
  const bytes = Buffer.from(text)
  const places: number[] = []
  walk(
    parser.parse(text).tree?.stmts.map((raw) => raw.stmt),
    ({ type, fields, scope }) => {
      const name = String(fields.relname)
      if (type !== 'RangeVar' || fields.schemaname !== undefined || !names.has(name) || inScope(scope, name)) return
      places.push(bytes.toString('utf8', 0, Number(fields.location ?? 0)).length)
    },
  )
  const prefix = `${quoteIdentifier(schemaName)}.`
  const splices = places.sort((a, b) => a - b).map((at) => ({ start: at, end: at, text: prefix }))
  return new SplicedText(text, splices)
}
