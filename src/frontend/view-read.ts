// A read that a view answers which follows changes and asks just the same, though the statement does not name it: other-source.ts says how.
//
// That they ask the same is known by their texts, and by what is known of the statement in the context of the session: it reads the same
// relations, with functions of PostgreSQL's own alone, and its role was answered by the origin, so it may read them. The values of a view
// are printed as settings say that are fixed: whoever has others asks the origin.

import { markedSettingsOf, type SessionContext, type ShapeFacts } from '../cache/plans/index.ts'
import { plainKey } from '../cache/results/index.ts'
import { factsInForce } from './facts.ts'
import type { FillWish } from './fill-mark.ts'
import type { Wish } from './level.ts'
import { askOther, markFor, mayAskOther, mayStand, type OtherWanted } from './other-source.ts'
import type { ViewMatch } from './services.ts'
import type { Session } from './session.ts'

/** It is waited for as long as the origin takes on average, but no longer than this. */
const costMsMax = 1000

/** Asks a view, if there is one of just this statement or with all it needs, and has the message looked at again when it has answered, or not. */
export function readView(wanted: OtherWanted): boolean {
  const { session, wish, facts } = wanted
  const { context } = session
  if (context === undefined || !session.services.viewDoor.isOpen(session.databaseName)) return false
  const view = candidates(session, wish, facts).find(({ reason }) => reason === undefined)
  if (view === undefined || !mayAskOther(wanted)) return false
  const waitMs = waitOf(session, wish)
  const onTold = (nowMs: number) => view.noteAnswer(wish.text.shape, nowMs)
  askOther({ ...wanted, onTold }, view.verdict, async (mark, bytesMax, signal) => {
    const { marks } = session.epochs.horizon
    const answer = await view.read(mark.lsn, bytesMax, waitMs, signal, facts.description)
    // The position is one of the server that the stream of changes is of, and so is the answer, and the session.
    return answer?.life === context.life && mark.era === marks.era ? answer.frames : undefined
  })
  return true
}

/** What would answer a read for which nothing is in memory, and why it would not. */
export interface ForeseenView {
  readonly name: string
  readonly verdict: ViewMatch['verdict']
  readonly reason: string | undefined
}

/** Undefined where there is no view of just this statement, nor one that has gathered what it may need. */
export async function foreseeView(
  session: Session,
  wish: Omit<Wish, 'awaited'>,
  fill: Pick<FillWish, 'ttlMs' | 'tags'>,
): Promise<ForeseenView | undefined> {
  const facts = factsInForce(session, wish.text, fill.ttlMs)
  if (facts === undefined || !facts.fixed || facts.mayWrite) {
    const [first] = alikeTo(session, wish)
    return first && { ...first, reason: 'the origin has to answer this statement once in a context like this' }
  }
  const found = candidates(session, wish, facts)
  const view = found.find(({ reason }) => reason === undefined)
  const [first] = found
  if (view === undefined || first === undefined) return first
  const foreseen = (reason: string | undefined) => ({ name: view.name, verdict: view.verdict, reason })
  if (!mayStand(session, wish, facts, fill.ttlMs))
    return foreseen('no stream of changes is followed, or a transaction is open')
  const { signal } = new AbortController()
  const mark = await markFor(session, wish, facts, fill, signal)
  const waitMs = waitOf(session, wish)
  const answer = mark && (await view.read(mark.lsn, Number.MAX_SAFE_INTEGER, waitMs, signal, facts.description))
  return foreseen(answer === undefined ? 'it has not come as far as this session asks for' : undefined)
}

/** Those of just this statement, then those that have gathered what it may need. */
function candidates(
  session: Session,
  wish: Pick<Wish, 'text' | 'parameters'>,
  facts: ShapeFacts,
): readonly (ViewMatch & { readonly reason: string | undefined })[] {
  const alike = alikeTo(session, wish).map((match) => ({ ...match, reason: whyNot(match, session, facts) }))
  if (alike.some(({ reason }) => reason === undefined) || !isPlain(wish)) return alike
  const [table, ...others] = facts.tables ?? []
  if (table === undefined || others.length > 0) return alike
  const { services, databaseName } = session
  const coarser = services.viewDoor
    .coarser(databaseName, table.relation.oid, () => textOf(wish))
    .map((match) => ({ ...match, reason: match.reason ?? whyNot(match, session, facts) ?? whyUndescribed(facts) }))
  return [...alike, ...coarser.filter(({ reason }) => reason === undefined), ...coarser]
}

function whyUndescribed({ description }: ShapeFacts): string | undefined {
  return description === undefined ? 'the origin has to answer this statement once in a context like this' : undefined
}

function waitOf({ settings }: Session, { text }: Pick<Wish, 'text'>): number {
  const { misses, missUs } = text.shape.counts
  return Math.max(settings.current.floorWait, Math.min(costMsMax, misses > 0 ? missUs / misses / 1000 : 0))
}

function alikeTo({ services, databaseName }: Session, wish: Pick<Wish, 'text' | 'parameters'>): readonly ViewMatch[] {
  return isPlain(wish) ? services.viewDoor.alike(databaseName, wish.text.shape.normalised, () => textOf(wish)) : []
}

/** Without parameters, with values in text. */
function isPlain({ text, parameters }: Pick<Wish, 'text' | 'parameters'>): boolean {
  return parameters === plainKey && text.shape.statement.parameterCount === 0
}

function textOf({ text }: Pick<Wish, 'text'>): string {
  return Buffer.from(text.text, 'latin1').toString('utf8')
}

/** Why the view does not answer it; undefined if it does. */
function whyNot({ subject }: ViewMatch, { context }: Session, { tables }: ShapeFacts): string | undefined {
  if (subject === undefined) return "it does not follow changes: refresh = 'incremental' does"
  if (tables === undefined) return 'it is asked with functions, views, policies or partitions'
  // Of names without a schema each may mean one of those that have the name.
  if (new Set(tables.map(({ name }) => name)).size < tables.length) return 'two relations of one name are read'
  const oids = tables.map(({ relation }) => relation.oid)
  const isSame = oids.length === subject.relations.length && oids.every((oid) => subject.relations.includes(oid))
  if (!isSame) return 'its names mean other relations'
  return context === undefined ? 'the context is not known' : whyOtherwise(context, subject.isZoned)
}

const universal: ReadonlySet<string> = new Set(['UTC', 'Etc/UTC', 'GMT', 'Etc/GMT'])

/** Whether a setting prints or reads values in another way than they are kept. */
function whyOtherwise(context: SessionContext, isZoned: boolean): string | undefined {
  const settings = markedSettingsOf(context)
  if (settings === undefined) return 'the settings are not known'
  const at = (name: string): string => settings.get(name) ?? ''
  if (!at('DateStyle').startsWith('ISO')) return 'DateStyle is not ISO'
  if (at('IntervalStyle') !== 'postgres') return 'IntervalStyle is not postgres'
  if (at('bytea_output') !== 'hex') return 'bytea_output is not hex'
  if (!(Number(at('extra_float_digits')) > 0)) return 'extra_float_digits is not above 0'
  if (at('transform_null_equals') !== 'off') return 'transform_null_equals is on'
  return isZoned && !universal.has(at('TimeZone')) ? 'TimeZone is not UTC' : undefined
}
