// Composition: what a statement that writes would invalidate, told from its text and the catalogue. Nothing is run.
//
// Relations it names, and from each what the origin would go on to: partitions and children, foreign keys with an action, rules, triggers.
// A trigger's function is read for the words that write; what it may do beyond them is `unknown`, and a NOTICE names it. What a write
// does invalidate is read from the origin's locks when it happens; this is what can be said before. All answers that were read from a
// relation count, though those that name other rows will stay.

import { staleness } from './cache/results/index.ts'
import type { InvalidatesRow, InvalidatesVia } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import type { Session } from './frontend/index.ts'
import { ask, type OwnParts, originError } from './own-parts.ts'
import { wordsThatWrite } from './own-trigger-words.ts'
import { type WriteTarget, type WriteVerb, writesOf, writesOfRule } from './sql/index.ts'

interface Reached {
  readonly via: InvalidatesVia
  readonly oid: number
  readonly name: string
}

interface Step {
  readonly oid: number
  readonly verb: WriteVerb
  readonly via: InvalidatesVia
  readonly columns: readonly string[] | undefined
  readonly inherits: boolean
  readonly cascades: boolean
}

/** As the question below tells it. */
interface Facts {
  readonly oid: number
  readonly name: string
  readonly kind: string
  readonly children: readonly number[] | null
  readonly keys: readonly { oid: number; onDelete: string; onUpdate: string; columns: string[] }[] | null
  readonly triggers:
    | readonly { name: string; type: number; function: string; language: string; source: string | null }[]
    | null
  readonly rules: readonly { name: string; event: string; definition: string }[] | null
  readonly below: readonly number[] | null
  readonly code: string | null
}

const factsText = `SELECT pg_catalog.json_agg(pg_catalog.json_build_object('oid', c.oid::pg_catalog.int8, 'kind', c.relkind,
 'name', pg_catalog.concat(n.nspname, '.', c.relname),
 'children', (SELECT pg_catalog.json_agg(i.inhrelid::pg_catalog.int8) FROM pg_catalog.pg_inherits i WHERE i.inhparent OPERATOR(pg_catalog.=) c.oid),
 'keys', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('oid', k.conrelid::pg_catalog.int8, 'onDelete', k.confdeltype, 'onUpdate', k.confupdtype,
   'columns', (SELECT pg_catalog.json_agg(a.attname) FROM pg_catalog.pg_attribute a
     WHERE a.attrelid OPERATOR(pg_catalog.=) k.confrelid AND a.attnum OPERATOR(pg_catalog.=) ANY (k.confkey))))
   FROM pg_catalog.pg_constraint k WHERE k.contype OPERATOR(pg_catalog.=) 'f' AND k.confrelid OPERATOR(pg_catalog.=) c.oid),
 'triggers', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', t.tgname, 'type', t.tgtype, 'language', l.lanname, 'source', f.prosrc,
   'function', pg_catalog.concat(fn.nspname, '.', f.proname))) FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc f ON f.oid OPERATOR(pg_catalog.=) t.tgfoid
   JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) f.prolang JOIN pg_catalog.pg_namespace fn ON fn.oid OPERATOR(pg_catalog.=) f.pronamespace
   WHERE t.tgrelid OPERATOR(pg_catalog.=) c.oid AND NOT t.tgisinternal AND t.tgenabled OPERATOR(pg_catalog.<>) 'D'
   AND f.oid OPERATOR(pg_catalog.>=) 16384),
 'rules', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', r.rulename, 'event', r.ev_type, 'definition', pg_catalog.pg_get_ruledef(r.oid)))
   FROM pg_catalog.pg_rewrite r WHERE r.ev_class OPERATOR(pg_catalog.=) c.oid AND r.ev_type OPERATOR(pg_catalog.<>) '1' AND r.ev_enabled OPERATOR(pg_catalog.<>) 'D'),
 'below', CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'v' THEN (SELECT pg_catalog.json_agg(DISTINCT d.refobjid::pg_catalog.int8) FROM pg_catalog.pg_rewrite r
   JOIN pg_catalog.pg_depend d ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid OPERATOR(pg_catalog.=) r.oid
   WHERE r.ev_class OPERATOR(pg_catalog.=) c.oid AND r.ev_type OPERATOR(pg_catalog.=) '1' AND d.refobjid OPERATOR(pg_catalog.<>) c.oid
   AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass) END,
 'code', (SELECT pg_catalog.min(pg_catalog.concat(fn.nspname, '.', f.proname)) FROM pg_catalog.pg_depend d
   JOIN pg_catalog.pg_proc f ON f.oid OPERATOR(pg_catalog.=) d.refobjid JOIN pg_catalog.pg_namespace fn ON fn.oid OPERATOR(pg_catalog.=) f.pronamespace
   WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass AND f.oid OPERATOR(pg_catalog.>=) 16384
   AND f.provolatile OPERATOR(pg_catalog.=) 'v' AND ((d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND EXISTS (SELECT FROM pg_catalog.pg_attrdef a
     WHERE a.oid OPERATOR(pg_catalog.=) d.objid AND a.adrelid OPERATOR(pg_catalog.=) c.oid))
    OR (d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_constraint'::pg_catalog.regclass AND EXISTS (SELECT FROM pg_catalog.pg_constraint k
     WHERE k.oid OPERATOR(pg_catalog.=) d.objid AND k.conrelid OPERATOR(pg_catalog.=) c.oid))
    OR (d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_policy'::pg_catalog.regclass AND EXISTS (SELECT FROM pg_catalog.pg_policy p
     WHERE p.oid OPERATOR(pg_catalog.=) d.objid AND p.polrelid OPERATOR(pg_catalog.=) c.oid)))))) AS facts
 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
 WHERE c.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[])`

const namesText = `SELECT pg_catalog.to_regclass($1)::pg_catalog.oid::pg_catalog.int8`

const functionsText = `SELECT DISTINCT pg_catalog.concat(n.nspname, '.', f.proname) FROM pg_catalog.pg_proc f
 JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) f.pronamespace WHERE f.oid OPERATOR(pg_catalog.>=) 16384
 AND f.provolatile OPERATOR(pg_catalog.=) 'v' AND f.proname OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.name[])`

interface Invalidates {
  readonly rows: readonly InvalidatesRow[]
  /** What may write anything, in words. */
  readonly unknown: readonly string[]
}

export async function invalidates(
  session: Session,
  text: string,
  offset: number | undefined,
  parts: OwnParts,
): Promise<Invalidates> {
  const writes = writesOf(parts.parser, text)
  if (writes === undefined || !writes.isDml) {
    throw new ServerError(conditions.syntaxError, ['EXPLAIN (INVALIDATES) explains one statement that writes'], {
      hint: 'Expected INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY … FROM, or WITH with one of them.',
      position: offset === undefined ? undefined : offset + 1,
    })
  }
  const ours = parts.store.snapshot.virtualSchema
  if (session.identity.admin || writes.targets.some(({ schema }) => schema === ours)) {
    throw new ServerError(conditions.featureNotSupported, ['EXPLAIN (INVALIDATES) of what is not the origin’s'])
  }
  const closure = new Closure(session, parts)
  for (const target of writes.targets) await closure.begin(target)
  await closure.called(writes.functions, undefined)
  await closure.close()
  return { rows: await rowsOf(session, closure, parts), unknown: [...closure.unknown] }
}

/** What is reached, each relation by the first way it was. */
class Closure {
  readonly reached = new Map<number, Reached>()
  readonly unknown = new Set<string>()
  readonly #session: Session
  readonly #parts: OwnParts
  readonly #taken = new Set<string>()
  #pending: Step[] = []

  constructor(session: Session, parts: OwnParts) {
    this.#session = session
    this.#parts = parts
  }

  /** A relation that the statement names. */
  async begin(target: WriteTarget): Promise<void> {
    const { schema, name } = target
    const oid = await this.#find(schema, name)
    const shown = schema === undefined ? name : `${schema}.${name}`
    if (oid === undefined) throw new ServerError(conditions.undefinedTable, [shown])
    this.#reach({ ...target, oid, via: 'statement' })
  }

  /** Functions of users among these names may write anything. */
  async called(names: readonly string[], by: string | undefined): Promise<void> {
    if (names.length === 0) return
    const list = `{${names.map((name) => `"${name.replace(/(["\\])/g, '\\$1')}"`).join()}}`
    for (const [name] of await this.#rows(functionsText, [list])) {
      this.unknown.add(`function ${name}${by === undefined ? '' : `, called by ${by},`} may write anything`)
    }
  }

  async close(): Promise<void> {
    while (this.#pending.length > 0) {
      const steps = this.#pending
      this.#pending = []
      const oids = [...new Set(steps.map(({ oid }) => oid))]
      const [row] = await this.#rows(factsText, [`{${oids.join()}}`])
      const facts = new Map((JSON.parse(row?.[0] ?? '[]') as Facts[]).map((each) => [Number(each.oid), each]))
      for (const step of steps) {
        const found = facts.get(step.oid)
        if (found !== undefined) await this.#follow(step, found)
      }
    }
  }

  async #follow(step: Step, facts: Facts): Promise<void> {
    const { verb, inherits } = step
    if (!this.reached.has(step.oid)) this.reached.set(step.oid, { via: step.via, oid: step.oid, name: facts.name })
    const on = { verb, columns: step.columns, cascades: step.cascades }
    // Rows of a partitioned table lie in its partitions; those of one that is merely inherited from are its own.
    const goesDown = facts.kind === 'p' || (inherits && verb !== 'insert')
    for (const oid of goesDown ? (facts.children ?? []) : []) this.#reach({ ...on, oid, via: 'partition', inherits })
    for (const key of facts.keys ?? []) this.#cascade(step, key)
    if (facts.code !== null)
      this.unknown.add(`function ${facts.code}, in a default, check or policy of ${facts.name}, may write anything`)
    // Other files of a relation are a change of the catalogue, unless nothing but the TRUNCATE can have made one.
    if (verb === 'truncate' && (facts.triggers ?? []).length > 0)
      this.unknown.add(`TRUNCATE of ${facts.name}, which has triggers, counts as a change of everything`)
    const rules = (facts.rules ?? []).filter(({ event }) => event === ruleEvents[verb])
    for (const rule of rules) await this.#rule(rule, facts.name)
    for (const trigger of facts.triggers ?? []) {
      if ((trigger.type & triggerBits[verb]) !== 0) await this.#trigger(trigger, facts.name)
    }
    for (const oid of facts.below ?? []) this.#reach({ ...on, oid, via: 'rule', columns: undefined, inherits: true })
  }

  #cascade(step: Step, key: NonNullable<Facts['keys']>[number]): void {
    const reach = (verb: WriteVerb) =>
      this.#reach({ oid: key.oid, verb, via: 'cascade', columns: undefined, inherits: true, cascades: step.cascades })
    if (step.verb === 'truncate' && step.cascades) reach('truncate')
    if (step.verb === 'delete' && key.onDelete === 'c') reach('delete')
    if (step.verb === 'delete' && (key.onDelete === 'n' || key.onDelete === 'd')) reach('update')
    // A trigger may set what the statement does not; then it is the origin's locks that tell.
    const isSet = step.columns === undefined || step.columns.some((column) => key.columns.includes(column))
    if (step.verb === 'update' && isSet && 'cnd'.includes(key.onUpdate)) reach('update')
  }

  async #rule({ name, definition }: NonNullable<Facts['rules']>[number], relation: string): Promise<void> {
    const writes = writesOfRule(this.#parts.parser, definition)
    if (writes === undefined) {
      this.unknown.add(`rule "${name}" of ${relation} could not be read`)
      return
    }
    for (const target of writes.targets) await this.#named(target, 'rule', `rule "${name}" of ${relation}`)
    await this.called(writes.functions, `rule "${name}" of ${relation}`)
  }

  async #trigger(trigger: NonNullable<Facts['triggers']>[number], relation: string): Promise<void> {
    const by = `trigger "${trigger.name}" of ${relation}`
    const words = trigger.language === 'plpgsql' ? wordsThatWrite(trigger.source ?? '') : undefined
    if (words === undefined || words.isDynamic) {
      const why = words === undefined ? `is written in ${trigger.language}` : 'runs statements it makes up'
      this.unknown.add(`function ${trigger.function} of ${by} ${why}, and may write anything`)
    }
    if (words?.targets.some((target) => target.verb === 'truncate'))
      this.unknown.add(`TRUNCATE in ${by} counts as a change of everything`)
    for (const target of words?.targets ?? []) await this.#named(target, 'trigger', by)
    await this.called(words?.functions ?? [], by)
  }

  async #named(target: WriteTarget, via: InvalidatesVia, by: string): Promise<void> {
    const oid = await this.#find(target.schema, target.name)
    if (oid === undefined) this.unknown.add(`${by} writes "${target.name}", which is no relation here`)
    else this.#reach({ ...target, oid, via })
  }

  #reach(step: Step): void {
    const key = `${step.oid} ${step.verb} ${step.columns?.join() ?? '*'} ${step.inherits} ${step.cascades}`
    if (this.#taken.has(key)) return
    this.#taken.add(key)
    this.#pending.push(step)
  }

  async #find(schema: string | undefined, name: string): Promise<number | undefined> {
    const words = schema === undefined ? [name] : [schema, name]
    const quoted = words.map((word) => `"${word.replaceAll('"', '""')}"`).join('.')
    const oid = (await this.#rows(namesText, [quoted]))[0]?.[0]
    return oid === null || oid === undefined ? undefined : Number(oid)
  }

  async #rows(text: string, values: readonly string[]): Promise<readonly (readonly (string | null)[])[]> {
    const answer = await ask(this.#session, text, values)
    if (answer.error !== undefined) throw originError(answer.error)
    return answer.rows
  }
}

const ruleEvents: Readonly<Record<WriteVerb, string>> = { update: '2', insert: '3', delete: '4', truncate: '' }
const triggerBits: Readonly<Record<WriteVerb, number>> = { insert: 4, delete: 8, update: 16, truncate: 32 }

/** What of each is stored now. What nobody can tell of may hide all of it. */
async function rowsOf(session: Session, { reached, unknown }: Closure, parts: OwnParts): Promise<InvalidatesRow[]> {
  const nowMs = Date.now()
  const counts = new Map<number, number>()
  let all = 0
  for (const entry of parts.results.entries()) {
    if (entry.database !== session.epochs || staleness(entry, nowMs, Number.POSITIVE_INFINITY)?.dead === true) continue
    all++
    for (const { oid } of entry.relations) counts.set(oid, (counts.get(oid) ?? 0) + 1)
  }
  const nothing = { namespaces: [], keys: undefined, prefix: undefined, withValue: false, countMax: 0 }
  const store = await parts.cache.gather(new Set(['tags']), nothing)
  const blobs = new Map<string, number>()
  for (const { kind, tag, entries } of store.tags()) {
    if (kind === 'dependency') blobs.set(tag, (blobs.get(tag) ?? 0) + entries)
  }
  const bound = [...blobs].reduce((sum, [tag, entries]) => sum + (tag.startsWith('relation:') ? entries : 0), 0)
  const common = { views: 0, aggregates: 0 }
  const rows: InvalidatesRow[] = [...reached.values()].map(({ oid, name, via }) => ({
    ...{ relation: name, via, results: counts.get(oid) ?? 0, blobs: blobs.get(`relation:${name}`) ?? 0 },
    ...common,
  }))
  if (unknown.size > 0) rows.push({ relation: undefined, via: 'unknown', results: all, blobs: bound, ...common })
  return rows
}
