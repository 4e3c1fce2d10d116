// Whether code of users in a database may give names of prepared statements another meaning while it runs: PREPARE and DEALLOCATE in a
// function, in its words or in SQL that it makes.
//
// Bodies in SQL and PL/pgSQL tell by their words: PREPARE and DEALLOCATE, or EXECUTE for SQL that is made. Of other languages anything
// is taken to be possible, but C, which is taken at its word. PostgreSQL allows it to volatile functions only.
//
// Beside it, whether such code may change the catalogue, by the words of DDL, and whether event triggers call it; and whether a rule of a
// user may answer rows to a write (DO SELECT, also or instead): to a simple query PostgreSQL sends them, to extended messages it does not.

import { bindFrame, closeFrame, executeFrame, parseFrame } from '../wire/index.ts'
import type { Session } from './session.ts'

interface Finding {
  /** Some function may prepare or drop statements. */
  readonly renames: boolean
  /** Some function may drop all of them, ours among them. */
  readonly drops: boolean
  /** Functions of users are called where neither a text nor a trigger tells: by defaults, checks, rules, policies, operators, casts. */
  readonly hidden: boolean
  /** Some function may change the catalogue; and one may be called by an event trigger. */
  readonly alters: boolean
  readonly eventful: boolean
  /** Writes may be answered with the rows of a rule. */
  readonly answers: boolean
  /** Tick of the clock before it was asked, and when that was. */
  readonly tick: number
  readonly atMs: number
}

const firstUserOid = 16384

const has = (word: string) =>
  `pg_catalog.strpos(pg_catalog.lower(p.prosrc COLLATE pg_catalog."C"), '${word}') OPERATOR(pg_catalog.>) 0`
const wordsOfDdl = 'create alter drop grant revoke comment security reassign refresh import execute'.split(' ')
const isRead = `l.lanname OPERATOR(pg_catalog.=) ANY ('{sql,plpgsql}'::pg_catalog.name[])`
const functions = `pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
 AND l.lanname OPERATOR(pg_catalog.<>) ALL ('{internal,c}'::pg_catalog.name[])`

const text = `SELECT f.renames, f.drops, EXISTS (SELECT FROM pg_catalog.pg_depend d, ${functions}
 WHERE p.oid OPERATOR(pg_catalog.>=) ${firstUserOid} AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
 AND d.refobjid OPERATOR(pg_catalog.=) p.oid AND d.classid OPERATOR(pg_catalog.<>) ALL (ARRAY['pg_catalog.pg_proc'::pg_catalog.regclass,
  'pg_catalog.pg_trigger'::pg_catalog.regclass, 'pg_catalog.pg_event_trigger'::pg_catalog.regclass]::pg_catalog.oid[])),
 EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.oid OPERATOR(pg_catalog.>=) ${firstUserOid} AND r.ev_type OPERATOR(pg_catalog.<>) '1'
 AND pg_catalog.strpos(r.ev_action::pg_catalog.text, ':commandType 1 ') OPERATOR(pg_catalog.>) 0),
 f.alters, EXISTS (SELECT FROM pg_catalog.pg_event_trigger e WHERE e.evtenabled OPERATOR(pg_catalog.<>) 'D')
 FROM (SELECT pg_catalog.count(*) FILTER (WHERE NOT ${isRead} OR ${has('prepare')} OR ${has('deallocate')} OR ${has('execute')})
  OPERATOR(pg_catalog.>) 0 AS renames,
  pg_catalog.count(*) FILTER (WHERE NOT ${isRead} OR ${has('deallocate')}) OPERATOR(pg_catalog.>) 0 AS drops,
  pg_catalog.count(*) FILTER (WHERE NOT ${isRead} OR ${wordsOfDdl.map(has).join(' OR ')}) OPERATOR(pg_catalog.>) 0 AS alters
  FROM ${functions} WHERE p.oid OPERATOR(pg_catalog.>=) ${firstUserOid} AND p.provolatile OPERATOR(pg_catalog.=) 'v') f`

const name = '_larder_code'

const frames = Buffer.concat([
  closeFrame('S', name),
  parseFrame(name, text),
  bindFrame('', name),
  executeFrame(''),
  closeFrame('S', name),
])

export class CodeWatch {
  readonly #findings = new Map<string, Finding>()

  /** False if nothing that is called by text, trigger or otherwise can change names, for sure. */
  mayRename(session: Session): boolean {
    return !this.#isInForce(session) || this.#finding(session)?.renames !== false
  }

  /** The same of what neither texts nor triggers tell. */
  mayHide(session: Session): boolean {
    return !this.#isInForce(session) || this.#finding(session)?.hidden !== false
  }

  /** False if no code of users can change the catalogue, for sure. */
  mayAlter(session: Session): boolean {
    return !this.#isInForce(session) || this.#finding(session)?.alters !== false
  }

  /** The same of what DDL calls by itself. */
  mayAlterBeside(session: Session): boolean {
    return this.mayAlter(session) && (!this.#isInForce(session) || this.#finding(session)?.eventful !== false)
  }

  /** True if a write sent as a simple query may be answered otherwise than one sent as extended messages. */
  answersByRule(session: Session): boolean {
    return this.#finding(session)?.answers === true
  }

  /** True if something is known that may drop our own statements. */
  mayDrop(session: Session): boolean {
    return this.#finding(session)?.drops === true
  }

  /** True if it was asked after the last change of the catalogue that we know of, and not too long ago for those that we do not. */
  isCurrent(session: Session): boolean {
    const finding = this.#finding(session)
    if (finding === undefined || finding.tick < session.epochs.schemaStamp) return false
    const ageMaxMs = Math.max(1000, session.settings.current.resultTtl / 4)
    return session.nowMs - finding.atMs <= ageMaxMs
  }

  /** Only outside a block, which may have made or dropped functions that come back or go with it. */
  async ask(session: Session): Promise<void> {
    const { clock, epochs } = session.services
    const tick = epochs.tick()
    const atMs = clock.nowMs()
    const { rows, error } = await session.ask(frames)
    if (session.ended || session.link.closed) return
    const [renames, drops, hidden, answers, alters, eventful] = (rows[0] ?? []).map((value) => value !== 'f')
    const isUnknown = error !== undefined || hidden === undefined
    const all = { renames: true, drops: false, hidden: true, answers: true, alters: true, eventful: true, tick, atMs }
    const found = {
      renames: renames === true,
      drops: drops === true,
      hidden: hidden === true,
      answers: answers === true,
      alters: alters !== false,
      eventful: eventful !== false,
    }
    this.#findings.set(session.identity.database, isUnknown ? all : { ...found, tick, atMs })
  }

  /** Nothing that may change the catalogue is under way either, nor done in the block that is open. */
  #isInForce(session: Session): boolean {
    return session.epochs.suspensions === 0 && !session.transaction.ddl && this.isCurrent(session)
  }

  #finding(session: Session): Finding | undefined {
    return this.#findings.get(session.identity.database)
  }
}
