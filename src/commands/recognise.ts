// Is this statement ours? Told by its first words, before any parser sees it: PostgreSQL's grammar does not read most
// of them.
//
// What is ours and cannot be read is an error here and never forwarded (SQL-3). What only resembles one of ours, such
// as `SHOW work_mem` or `SELECT now()`, is undefined: the origin's.

import { Lexer, tokens } from '../sql/index.ts'
import { readBackup } from './archive/backup.ts'
import { readDropBackup, readShowBackup, readShowBackups } from './archive/backups.ts'
import { readCancelJob, readJobsWhenComplete, readShowJob } from './archive/jobs.ts'
import { readRestore } from './archive/restore.ts'
import { readAudit } from './audit.ts'
import { readAlterNamespace, readCreateNamespace, readDropNamespace } from './blobs/namespace-statements.ts'
import { readExplain } from './explain.ts'
import { readFlush } from './flush.ts'
import { readFunctionCall } from './functions.ts'
import { readInvalidate } from './invalidate.ts'
import { refuseLater } from './later.ts'
import type { OwnStatement } from './own-statement.ts'
import { readAlterSystem, readReset, readSet, readSettingFunction, readShow } from './settings.ts'
import { showCaches, showRelation } from './show.ts'
import { StatementReader } from './statement-reader.ts'
import { readCreateRollup, readDropRollup } from './views/rollup-statements.ts'

interface RecogniseOptions {
  /** The setting virtual_schema. */
  readonly schemaName: string
  /** True if a schema of that name is somebody else's there: before a dot it means ours only in the names of our settings. */
  readonly schemaTaken?: boolean
  /** True if the origin has words of ours for itself (it reports crdb_version): then only those with CACHE are ours. */
  readonly hasDialect?: boolean
}

/** One statement. Throws ServerError for one of ours that cannot be read or comes with a later release. */
export function recognise(text: string, options: RecogniseOptions): OwnStatement | undefined {
  if (!mayBeOurs(text, options.schemaName)) return undefined
  const reader = new StatementReader(text, options.schemaName)
  refuseLater(reader, options.hasDialect === true)
  const read = readers[reader.peek()]
  return read?.(reader, options)
}

const firstWords: ReadonlySet<string> = new Set(
  `alter audit backup call cancel comment create disable drop enable explain flush invalidate kill kill_client listen pause
   reconnect reload reset restore resume select set show shutdown unlisten wait_close warm`.split(/\s+/),
)

/** A quick no for most texts: the first word is none of ours, or a SELECT that holds no name of ours. */
function mayBeOurs(text: string, schemaName: string): boolean {
  const lexer = new Lexer(text)
  while (lexer.next() === tokens.comment);
  const first = lexer.kind === tokens.word ? text.slice(lexer.start, lexer.end).toLowerCase() : ''
  if (first !== 'select') return firstWords.has(first)
  return text.toLowerCase().includes(schemaName.toLowerCase())
}

type Reader = (reader: StatementReader, options: RecogniseOptions) => OwnStatement | undefined

const readers: Readonly<Record<string, Reader>> = {
  SHOW: readShowStatement,
  EXPLAIN: readExplain,
  FLUSH: verb(readFlush),
  INVALIDATE: verb(readInvalidate),
  BACKUP: verb(readBackup),
  RESTORE: verb(readRestore),
  CANCEL: readCancel,
  WARM: verb(needsCache),
  AUDIT: verb(readAudit),
  SET: readSet,
  RESET: readReset,
  ALTER: (reader, options) => namespaceStatement(reader, readAlterNamespace) ?? alterSystem(reader, options),
  CREATE: (reader) => rollupStatement(reader, readCreateRollup) ?? namespaceStatement(reader, readCreateNamespace),
  DROP: (reader, options) =>
    rollupStatement(reader, readDropRollup) ??
    namespaceStatement(reader, readDropNamespace) ??
    archiveDrop(reader, options),
  CALL: readCall,
  SELECT: readSelect,
}

function alterSystem(reader: StatementReader, options: RecogniseOptions): OwnStatement | undefined {
  return reader.peek(1) === 'SYSTEM' ? readAlterSystem(reader, options) : undefined
}

/** CREATE or DROP, if ROLLUP CACHE follows. */
function rollupStatement(
  reader: StatementReader,
  read: (reader: StatementReader) => OwnStatement,
): OwnStatement | undefined {
  if (reader.peek(1) !== 'ROLLUP' || reader.peek(2) !== 'CACHE') return undefined
  reader.skip(3)
  return read(reader)
}

/** CREATE, ALTER or DROP, if CACHE NAMESPACE follows. */
function namespaceStatement(
  reader: StatementReader,
  read: (reader: StatementReader) => OwnStatement,
): OwnStatement | undefined {
  if (reader.peek(1) !== 'CACHE' || reader.peek(2) !== 'NAMESPACE') return undefined
  reader.skip(3)
  return read(reader)
}

/** Verbs PostgreSQL does not have: ours whatever follows, unless the origin has them (SQL-10). */
function verb(read: (reader: StatementReader) => OwnStatement): Reader {
  return (reader, options) => {
    const isOurs = reader.peek(1) === 'CACHE' || (reader.peek(1) === 'ALL' && reader.peek(2) === 'CACHES')
    if (options.hasDialect === true && !isOurs) return undefined
    reader.skip()
    return read(reader)
  }
}

function needsCache(reader: StatementReader): never {
  throw reader.syntaxError('CACHE')
}

/** `DROP CACHE BACKUP`, or DROP BACKUP where the origin has no such words itself. */
function archiveDrop(reader: StatementReader, { hasDialect = false }: RecogniseOptions): OwnStatement | undefined {
  if (!acceptArchiveWords(reader, 'DROP', ['BACKUP'], hasDialect)) return undefined
  return readDropBackup(reader)
}

function readCancel(reader: StatementReader, { hasDialect = false }: RecogniseOptions): OwnStatement | undefined {
  if (!acceptArchiveWords(reader, 'CANCEL', ['JOB'], hasDialect)) return undefined
  return readCancelJob(reader)
}

function archiveShow(reader: StatementReader, hasDialect: boolean): OwnStatement | undefined {
  // SHOW CACHE BACKUPS alone is the relation of jobs.
  const isRelation = reader.peek(1) === 'CACHE' && reader.peek(3) !== 'IN'
  if (!isRelation && acceptArchiveWords(reader, 'SHOW', ['BACKUPS'], hasDialect)) return readShowBackups(reader)
  if (acceptArchiveWords(reader, 'SHOW', ['BACKUP'], hasDialect)) return readShowBackup(reader)
  if (acceptArchiveWords(reader, 'SHOW', ['JOBS', 'WHEN', 'COMPLETE'], hasDialect)) return readJobsWhenComplete(reader)
  if (acceptArchiveWords(reader, 'SHOW', ['JOB'], hasDialect)) return readShowJob(reader)
  if (hasDialect || reader.peek(1) !== 'JOBS') return undefined
  reader.skip()
  return showRelation(reader)
}

/** With CACHE after the verb the words are ours everywhere; without it, where they are no words of the origin's. */
function acceptArchiveWords(
  reader: StatementReader,
  verb: string,
  words: readonly string[],
  hasDialect: boolean,
): boolean {
  return reader.accept(verb, 'CACHE', ...words) || (!hasDialect && reader.accept(verb, ...words))
}

function readShowStatement(reader: StatementReader, options: RecogniseOptions): OwnStatement | undefined {
  if (reader.accept('SHOW', 'CACHES')) return showCaches(reader)
  const archive = archiveShow(reader, options.hasDialect === true)
  if (archive !== undefined) return archive
  if (reader.peek(1) === 'CACHE' && reader.peek(2) !== '.') {
    reader.skip(2)
    return showRelation(reader)
  }
  return readShow(reader, options)
}

function readSelect(reader: StatementReader, options: RecogniseOptions): OwnStatement | undefined {
  const mark = reader.mark()
  const setting = readSettingFunction(reader, options)
  if (setting !== undefined) return setting
  reader.reset(mark)
  return readCall(reader, options)
}

function readCall(reader: StatementReader, options: RecogniseOptions): OwnStatement | undefined {
  return options.schemaTaken === true ? undefined : readFunctionCall(reader)
}
