// Reads what the plugin test_decoding prints, one line of output at a time.
//
//   BEGIN 693                                                        COMMIT 693
//   table public.item: INSERT: id[integer]:1 name[text]:'it''s'      table public.item: DELETE: (no-tuple-data)
//   table public.item: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:2 note[text]:unchanged-toast-datum
//   table public.a, public.b: TRUNCATE: restart_seqs cascade
//   message: transactional: 1 prefix: cache.ddl, sz: 5 content:hello
//   PREPARE TRANSACTION 'gid', txid 693      COMMIT PREPARED 'gid', txid 693      ROLLBACK PREPARED 'gid', txid 693
//
// Names are quoted as quote_identifier() does, constants as with standard_conforming_strings: a quote is doubled, nothing else is
// escaped. Whatever does not fit to the last character is refused (UnreadableChange): a change that was misread would be missed.
//
// Source: contrib/test_decoding/test_decoding.c of PostgreSQL 14 to 18.

import { type FeedEvent, type RelationName, type Row, UnreadableChange } from './change.ts'

export function readTestDecoding(line: string): FeedEvent {
  return new LineReader(line, true).event()
}

/** The same, without the rows: a line may end anywhere behind the verb of a change. */
export function readWithoutRows(line: string): FeedEvent {
  return new LineReader(line, false).event()
}

const kinds = { INSERT: 'insert', UPDATE: 'update', DELETE: 'delete' } as const

class LineReader {
  readonly #line: string
  readonly #withRows: boolean
  #at = 0

  constructor(line: string, withRows: boolean) {
    this.#line = line
    this.#withRows = withRows
  }

  event(): FeedEvent {
    if (this.#takes('BEGIN ')) return { kind: 'begin', xid: this.#xidToEnd() }
    if (this.#takes('COMMIT PREPARED ')) return this.#fate(true)
    if (this.#takes('ROLLBACK PREPARED ')) return this.#fate(false)
    if (this.#takes('PREPARE TRANSACTION ')) return { kind: 'prepare', ...this.#prepared() }
    if (this.#takes('COMMIT ')) return { kind: 'commit', xid: this.#xidToEnd() }
    if (this.#takes('table ')) return this.#table()
    if (this.#takes('message: ')) return this.#message()
    return this.#refuse()
  }

  #fate(commits: boolean): FeedEvent {
    return { kind: 'fate', ...this.#prepared(), commits }
  }

  #prepared(): { readonly gid: string; readonly xid: number } {
    const gid = this.#constant()
    this.#must(', txid ')
    return { gid, xid: this.#xidToEnd() }
  }

  #table(): FeedEvent {
    const relations = [this.#relation()]
    while (this.#takes(', ')) relations.push(this.#relation())
    this.#must(': ')
    if (this.#takes('TRUNCATE:')) return this.#truncate(relations)
    const [relation] = relations
    if (relation === undefined || relations.length > 1) return this.#refuse()
    const word = /[A-Z]*/y
    word.lastIndex = this.#at
    const verb = word.exec(this.#line)?.[0] ?? ''
    this.#must(verb)
    this.#must(':')
    if (!Object.hasOwn(kinds, verb)) return this.#refuse()
    const kind = kinds[verb as keyof typeof kinds]
    if (!this.#withRows) return { kind, relation, old: undefined, new: undefined }
    if (this.#takes(' (no-tuple-data)')) return this.#ends({ kind, relation, old: undefined, new: undefined })
    if (kind === 'delete') return this.#ends({ kind, relation, old: this.#row(), new: undefined })
    let old: Row | undefined
    if (kind === 'update' && this.#takes(' old-key:')) {
      old = this.#row()
      this.#must(' new-tuple:')
    }
    const isEmpty = old !== undefined && this.#takes(' (no-tuple-data)')
    return this.#ends({ kind, relation, old, new: isEmpty ? undefined : this.#row() })
  }

  #truncate(relations: readonly RelationName[]): FeedEvent {
    if (!this.#takes(' (no-flags)')) {
      this.#takes(' restart_seqs')
      this.#takes(' cascade')
    }
    return this.#ends({ kind: 'truncate', relations })
  }

  #message(): FeedEvent {
    const parts = /transactional: ([01]) prefix: /y
    parts.lastIndex = this.#at
    const found = parts.exec(this.#line)
    if (!found) return this.#refuse()
    const prefixAt = parts.lastIndex
    // The prefix may hold what stands behind it; the size decides which end is the true one.
    const tail = /, sz: (\d+) content:/g
    tail.lastIndex = prefixAt
    for (let end = tail.exec(this.#line); end; end = tail.exec(this.#line)) {
      const content = this.#line.slice(tail.lastIndex)
      if (Buffer.byteLength(content) === Number(end[1])) {
        const prefix = this.#line.slice(prefixAt, end.index)
        return { kind: 'message', transactional: found[1] === '1', prefix, content }
      }
      tail.lastIndex = end.index + 1
    }
    return this.#refuse()
  }

  /** ` column[type]:value`, as often as there are any. Ends before what is none. */
  #row(): Row {
    const row = new Map<string, string | null | undefined>()
    while (this.#line[this.#at] === ' ' && !this.#line.startsWith(' new-tuple:', this.#at)) {
      this.#at++
      const column = this.#identifier()
      this.#must('[')
      this.#type()
      this.#must(']:')
      if (row.has(column)) return this.#refuse()
      row.set(column, this.#value())
    }
    return row
  }

  #relation(): RelationName {
    const schema = this.#identifier()
    this.#must('.')
    return { schema, name: this.#identifier() }
  }

  #identifier(): string {
    if (this.#line[this.#at] === '"') return this.#quoted('"')
    const plain = /[a-z_][a-z0-9_]*/y
    plain.lastIndex = this.#at
    const found = plain.exec(this.#line)?.[0]
    if (found === undefined) return this.#refuse()
    this.#at += found.length
    return found
  }

  /** As format_type() prints it, brackets and quotes included: only its end is of interest. */
  #type(): void {
    for (let depth = 0; ; this.#at++) {
      const sign = this.#line[this.#at]
      if (sign === undefined) this.#refuse()
      if (sign === '"') {
        this.#quoted('"')
        this.#at--
      } else if (sign === '[') depth++
      else if (sign === ']' && depth-- === 0) return
    }
  }

  #value(): string | null | undefined {
    const sign = this.#line[this.#at]
    if (sign === "'") return this.#constant()
    if (sign === 'B' && this.#line[this.#at + 1] === "'") {
      this.#at++
      return this.#constant()
    }
    const bare = /[^ ]+/y
    bare.lastIndex = this.#at
    const text = bare.exec(this.#line)?.[0]
    if (text === undefined) return this.#refuse()
    this.#at += text.length
    if (text === 'null') return null
    if (text === 'unchanged-toast-datum') return undefined
    return /^(?:[-+]?[0-9.]+(?:e[-+]?\d+)?|[-+]?Infinity|NaN|true|false)$/i.test(text) ? text : this.#refuse()
  }

  #constant(): string {
    if (this.#line[this.#at] !== "'") return this.#refuse()
    return this.#quoted("'")
  }

  /** From the sign at hand to the next of it that is not doubled. */
  #quoted(sign: '"' | "'"): string {
    let text = ''
    for (let from = this.#at + 1; ; ) {
      const end = this.#line.indexOf(sign, from)
      if (end === -1) return this.#refuse()
      text += this.#line.slice(from, end)
      if (this.#line[end + 1] !== sign) {
        this.#at = end + 1
        return text
      }
      text += sign
      from = end + 2
    }
  }

  #xidToEnd(): number {
    const digits = this.#line.slice(this.#at)
    const xid = Number(digits)
    if (!/^\d{1,10}$/.test(digits) || xid > 0xffff_ffff) return this.#refuse()
    return xid
  }

  #takes(text: string): boolean {
    if (!this.#line.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  #must(text: string): void {
    if (!this.#takes(text)) this.#refuse()
  }

  #ends(event: FeedEvent): FeedEvent {
    return this.#at === this.#line.length ? event : this.#refuse()
  }

  /** Where it stopped, and not what is there: rows are nobody's business. */
  #refuse(): never {
    throw new UnreadableChange(`line of test_decoding cannot be read at character ${this.#at} of ${this.#line.length}`)
  }
}
