// The rows of a view, read by its query: as its owner, in a transaction that may not write, as of one snapshot.
//
// They are kept as the origin copies them out, in its text format, UTF-8, with the settings that values are printed by fixed: lines that a
// COPY … FROM STDIN takes in again whatever is set there.

import { valueSettings } from '../../cdc/index.ts'
import { NotMaintainable } from '../../deltas/index.ts'
import { conditions, ServerError } from '../../errors/index.ts'
import { type OriginTarget, SideClient } from '../../origin/index.ts'
import { type Fields, fieldsIf, type Parser, type Statement, statementSpans, walk } from '../../sql/index.ts'
import { mustBeBuiltin } from './followed-relations.ts'

export interface ViewColumn {
  readonly name: string
  /** Of the origin. */
  readonly typeOid: number
  /** As format_type() prints it, with its schema if that is not pg_catalog: `numeric(12,2)`, `app.mood`. */
  readonly typeName: string
  readonly modifier: number
  readonly isDomain: boolean
}

export interface ViewRows {
  readonly columns: readonly ViewColumn[]
  readonly rowCount: number
  readonly bytes: number
  /** Whole lines each. */
  readonly chunks: readonly Buffer[]
  /** OIDs of what was read: behind views and functions too, with the views. */
  readonly relations: readonly number[]
  /** With their schemas, by OID. */
  readonly relationNames: ReadonlyMap<number, string>
}

interface ViewQuestion {
  /** Of one statement, as readQuery() gives it. */
  readonly query: string
  readonly owner: string
  /** As SET takes it. */
  readonly searchPath: string
  readonly bytesMax: number
  /** It is said who may read the rows, so policies that hide some of them from the owner are no reason to refuse. */
  readonly hasReaders?: boolean
  /** Of the query, where its owner may be somebody with less rights than our connection has. */
  readonly statement?: Statement
  /** Most rows. */
  readonly limit?: number | undefined
  readonly signal: AbortSignal
}

const chunkBytes = 65_536
const describedBefore = 'SELECT * FROM ('
/** A row may be as long as PostgreSQL allows. */
const rowBytesMax = 0x7fff_ffff

const typesQuestion = `SELECT k.number::pg_catalog.text AS number, CASE WHEN n.nspname OPERATOR(pg_catalog.=) 'pg_catalog' THEN pg_catalog.format_type(t.oid, k.modifier)
   ELSE pg_catalog.format('%I.%I', n.nspname, t.typname) END AS type, t.typtype::pg_catalog.text AS kind
  FROM ROWS FROM (pg_catalog.unnest($1::oid[]), pg_catalog.unnest($2::int4[])) WITH ORDINALITY k (oid, modifier, number)
  JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) k.oid JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace`

/** What the transaction holds locks on for reading; what belongs to PostgreSQL itself is left out. */
const readQuestion = `SELECT DISTINCT c.oid::pg_catalog.text AS oid, CASE WHEN pg_catalog.row_security_active(c.oid) THEN c.relname::pg_catalog.text END AS secured, pg_catalog.concat(n.nspname, '.', c.relname) AS name FROM pg_catalog.pg_lock_status() l JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) l.relation JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() AND l.locktype OPERATOR(pg_catalog.=) 'relation'
   AND c.oid OPERATOR(pg_catalog.>=) 16384 AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S}')`

/** The connection may do more than who cannot become its role. */
const trustQuestion = `SELECT pg_catalog.pg_has_role($1::pg_catalog.name, session_user, 'MEMBER')::pg_catalog.text AS trusted`

const calledQuestion = `SELECT f.name FROM pg_catalog.json_array_elements_text($1::pg_catalog.json) AS f (name) WHERE NOT EXISTS
  (SELECT FROM pg_catalog.pg_proc p WHERE p.oid OPERATOR(pg_catalog.<) 16384 AND p.proname OPERATOR(pg_catalog.=) f.name::pg_catalog.name)
  UNION ALL SELECT p.proname::pg_catalog.text FROM pg_catalog.json_array_elements_text($2::pg_catalog.json) AS f (name)
   JOIN pg_catalog.pg_proc p ON p.proname OPERATOR(pg_catalog.=) f.name::pg_catalog.name WHERE p.oid OPERATOR(pg_catalog.>=) 16384 LIMIT 1`

const otherQuestion = `SELECT c.relname::pg_catalog.text AS name FROM pg_catalog.pg_lock_status() l JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) l.relation
  WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() AND l.locktype OPERATOR(pg_catalog.=) 'relation' AND c.oid OPERATOR(pg_catalog.>=) 16384
   AND (c.relkind OPERATOR(pg_catalog.<>) ALL ('{r,p,m,i,I,t,S}') OR pg_catalog.row_security_active(c.oid)) LIMIT 1`

/** The query behind AS, without what stands around it. Throws 42601 or 0A000 for what is not one SELECT that only reads. */
export function readQuery(parser: Parser, text: string): string {
  const { tree } = parser.parse(text)
  if (tree === undefined) throw new ServerError(conditions.syntaxError, ['syntax error in the query of the view'])
  const [first, ...others] = tree.stmts
  const select = fieldsIf('SelectStmt', first?.stmt)
  if (select === undefined || others.length > 0) throw notSupported('a view of what is not one SELECT')
  if (select.intoClause !== undefined) throw notSupported('a view of SELECT INTO')
  walk([first?.stmt], ({ type, fields }) => {
    if (type === 'ParamRef') throw notSupported('a view of a query with parameters')
    if (type === 'LockingClause') throw notSupported('a view of a query that locks rows')
    if (type === 'CommonTableExpr' && fieldsIf('SelectStmt', (fields as Fields).ctequery) === undefined)
      throw notSupported('a view of a query that writes')
  })
  const [span] = statementSpans(text)
  return text.slice(span?.start, span?.end).trim()
}

function notSupported(what: string): ServerError {
  return new ServerError(conditions.featureNotSupported, [what])
}

/** Throws what the origin says; 54000 if it is more than `bytesMax`. */
export async function readViewRows(target: OriginTarget, question: ViewQuestion): Promise<ViewRows> {
  const { signal, owner, searchPath } = question
  const settings = { ...valueSettings, statement_timeout: '0', default_transaction_read_only: 'on' }
  const about = { applicationName: 'larder views', signal, settings, copyBytesMax: rowBytesMax }
  const side = await SideClient.open(target, about)
  const abort = () => side.abandon()
  signal.addEventListener('abort', abort, { once: true })
  try {
    await side.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    await side.query("SELECT pg_catalog.set_config('search_path', $1, true)", [searchPath])
    const confined = await isConfined(side, question)
    await side.query(`SET LOCAL ROLE "${owner.replaceAll('"', '""')}"`)
    return await readOn(side, question, confined)
  } catch (error) {
    throw originError(error)
  } finally {
    signal.removeEventListener('abort', abort)
    await side.leave()
  }
}

/** What the origin says, in its words; a place in what was asked is one in the query. */
function originError(error: unknown): unknown {
  const { code, message, detail, hint, position } = error as DatabaseFields
  if (error instanceof ServerError || typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) return error
  const at = Number(position) - describedBefore.length
  const place = at > 0 ? { position: at } : {}
  return new ServerError({ sqlstate: code, severity: 'ERROR', message: '%s' }, [message], { detail, hint, ...place })
}

interface DatabaseFields {
  readonly code?: unknown
  readonly message: string
  readonly detail?: string
  readonly hint?: string
  readonly position?: string
}

/**
 * A query can leave the role it runs as: with set_config('role', …), and so can every function it calls. That is nothing where the owner could
 * become the role of our connection anyway; else the query has to be one in which nothing does: functions of PostgreSQL's own that are not
 * volatile, over tables.
 */
async function isConfined(side: SideClient, { owner, statement }: ViewQuestion): Promise<boolean> {
  const [row] = await side.query(trustQuestion, [owner])
  if (row?.trusted === 'true' || statement === undefined) return false
  if (statement.reason !== undefined) throw notTrusted(`it is not cacheable: ${statement.reason.code}`)
  const { functions, fields = [], columns = [] } = statement.names
  // A dot may call a function as well.
  const dotted = [...fields, ...columns]
  const [called] = await side.query(calledQuestion, [
    JSON.stringify(functions.map(({ name }) => name)),
    JSON.stringify(dotted),
  ])
  if (called !== undefined) throw notTrusted(`function ${called.name} may not be of PostgreSQL`)
  // Planning may compute what constraints say.
  await side.query('SET LOCAL constraint_exclusion = off')
  await mustBeBuiltin(side, statement).catch((error: unknown) => {
    throw error instanceof NotMaintainable ? notTrusted(error.message) : error
  })
  return true
}

/** Before the query runs: what its names stand for is locked by then. */
async function mustReadTables(side: SideClient): Promise<void> {
  const [other] = await side.query(otherQuestion)
  if (other !== undefined) throw notTrusted(`"${other.name}" may call functions`)
}

function notTrusted(why: string): ServerError {
  return new ServerError(conditions.insufficientPrivilege, ['a view of this query'], {
    detail: why,
    hint: 'Its owner cannot become the role that Larder connects as, so it may read tables alone, with functions of PostgreSQL that are not volatile.',
  })
}

async function readOn(side: SideClient, question: ViewQuestion, confined: boolean): Promise<ViewRows> {
  const { query, bytesMax, hasReaders, limit } = question
  // Asked first: of a query without rows COPY says nothing.
  const fields = await side.describe(`${describedBefore}${query}\n) AS q LIMIT 0`)
  if (confined) await mustReadTables(side)
  const oids = fields.map(({ typeOid }) => typeOid)
  const modifiers = fields.map(({ modifier }) => modifier)
  const types = await side.query(typesQuestion, [`{${oids.join()}}`, `{${modifiers.join()}}`])
  const named = new Map(types.map((type) => [Number(type.number), type]))
  const columns = fields.map(({ name, typeOid, modifier }, at) => {
    const { type, kind } = named.get(at + 1) ?? {}
    if (kind === 'p') throw new ServerError(conditions.invalidTableDefinition, [name, type ?? ''])
    return { name, typeOid, modifier, typeName: type ?? 'text', isDomain: kind === 'd' }
  })
  const chunks: Buffer[] = []
  let part: Buffer[] = []
  let partBytes = 0
  let bytes = 0
  const limited = limit === undefined ? query : `SELECT * FROM (${query}\n) AS q LIMIT ${limit}`
  const rowCount = await side
    .copyOut(`COPY (${limited}\n) TO STDOUT (FORMAT text)`, (line) => {
      bytes += line.length
      partBytes += line.length
      // The bytes are the connection's.
      part.push(Buffer.from(line))
      if (partBytes >= chunkBytes) {
        chunks.push(Buffer.concat(part))
        part = []
        partBytes = 0
      }
      return bytes <= bytesMax
    })
    .catch((error: unknown) => {
      throw bytes > bytesMax ? new ServerError(conditions.viewTooLarge, [String(bytesMax)]) : error
    })
  if (part.length > 0) chunks.push(Buffer.concat(part))
  const read = await side.query(readQuestion)
  const secured = read.find((relation) => relation.secured !== null)?.secured
  if (hasReaders === false && secured !== undefined)
    throw new ServerError(
      conditions.featureNotSupported,
      [`a view of relation "${secured}", of which a policy hides rows`],
      {
        hint: 'Say with the option readers who may read what its owner sees.',
      },
    )
  return {
    ...{ columns, rowCount, bytes, chunks },
    relations: read.map(({ oid }) => Number(oid)).sort((one, other) => one - other),
    relationNames: new Map(read.map(({ oid, name }) => [Number(oid), name ?? ''])),
  }
}
