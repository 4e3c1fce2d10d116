// Reads what the plugin pgoutput sends in version 1 of its protocol, one message at a time.
//
//   B final LSN, at, xid     C flags, LSN, end LSN, at     O LSN, name     M flags, LSN, prefix, size, content
//   R oid, schema, name, identity, columns (is key, name, type oid, modifier)     Y oid, schema, name
//   I oid, 'N' row     U oid, ['K' key | 'O' row], 'N' row     D oid, 'K' key | 'O' row     T count, flags, oids
//   row: count of columns, each n (NULL), u (unchanged TOAST), t size text
//
// Rows name their relation by an OID that an R has told before: one reader belongs to one stream. A key holds NULLs for all columns that are
// not in it: these are not told. Whatever does not fit to the last byte is refused (UnreadableChange), as with test_decoding.
//
// Source: PostgreSQL documentation, "Logical Replication Message Formats"; src/backend/replication/logical/proto.c, 14 to 18.

import { type FeedEvent, type RelationName, type Row, UnreadableChange } from './change.ts'

interface ToldRelation {
  readonly relation: RelationName
  /** Undefined if the message was too long to be taken whole. */
  readonly columns: readonly { readonly name: string; readonly isKey: boolean }[] | undefined
}

/** Tells nothing that is needed. */
const nothing: FeedEvent = { kind: 'message', transactional: true, prefix: '', content: '' }
const kinds = { I: 'insert', U: 'update', D: 'delete' } as const
const rowHeadBytes = 5

export class PgOutput {
  readonly plugin = 'pgoutput'
  readonly options: string
  readonly #relations = new Map<number, ToldRelation>()
  #xid = 0

  constructor(publication: string) {
    const name = `"${publication.replaceAll('"', '""')}"`.replaceAll("'", "''")
    this.options = `"proto_version" '1', "publication_names" '${name}', "messages" 'true'`
  }

  /** Without rows: a message may be cut anywhere. Undefined if it may be about anything. */
  event(head: Buffer, isWhole: boolean): FeedEvent | undefined {
    const reader = new MessageReader(head)
    const type = reader.sign()
    if (type === 'I' || type === 'U' || type === 'D') {
      const { relation } = this.#told(reader.oid())
      return { kind: kinds[type], relation, old: undefined, new: undefined }
    }
    if (type === 'R') return this.#relation(reader, isWhole)
    if (!isWhole) return type === 'T' ? undefined : nothing
    return this.#whole(type, reader)
  }

  /** One that tells of a row, with it. */
  row(message: Buffer): FeedEvent {
    const reader = new MessageReader(message)
    const type = reader.sign()
    if (type !== 'I' && type !== 'U' && type !== 'D') return reader.refuse()
    const { relation, columns } = this.#told(reader.oid())
    if (columns === undefined) return reader.refuse()
    let part = reader.sign()
    let old: Row | undefined
    if (type !== 'I' && (part === 'K' || part === 'O')) {
      old = reader.row(columns, part === 'K')
      if (type === 'D') return reader.ends({ kind: 'delete', relation, old, new: undefined })
      part = reader.sign()
    }
    if (part !== 'N' || type === 'D') return reader.refuse()
    return reader.ends({ kind: kinds[type], relation, old, new: reader.row(columns, false) })
  }

  /** How messages begin that tell of another row of the same relation in the same way. */
  prefixOf(head: Buffer): Buffer | undefined {
    return Buffer.from(head.subarray(0, rowHeadBytes))
  }

  #whole(type: string, reader: MessageReader): FeedEvent {
    switch (type) {
      case 'B':
        reader.skip(16)
        this.#xid = reader.oid()
        return reader.ends({ kind: 'begin', xid: this.#xid })
      case 'C':
        reader.skip(25)
        return reader.ends({ kind: 'commit', xid: this.#xid })
      case 'T': {
        const count = reader.oid()
        reader.skip(1)
        const relations: RelationName[] = []
        for (let index = 0; index < count; index++) relations.push(this.#told(reader.oid()).relation)
        return reader.ends({ kind: 'truncate', relations })
      }
      case 'M': {
        const transactional = reader.byte() === 1
        reader.skip(8)
        const prefix = reader.string()
        return reader.ends({ kind: 'message', transactional, prefix, content: reader.sized() })
      }
      case 'O':
        reader.skip(8)
        reader.string()
        return reader.ends(nothing)
      case 'Y':
        reader.skip(4)
        reader.string()
        reader.string()
        return reader.ends(nothing)
      default:
        return reader.refuse()
    }
  }

  #relation(reader: MessageReader, isWhole: boolean): FeedEvent {
    const oid = reader.oid()
    // The system's own schema is told by an empty name.
    const schema = reader.string() || 'pg_catalog'
    const relation = { schema, name: reader.string() }
    if (!isWhole) {
      this.#relations.set(oid, { relation, columns: undefined })
      return nothing
    }
    reader.skip(1)
    const columns: { name: string; isKey: boolean }[] = []
    for (let left = reader.count(); left > 0; left--) {
      const isKey = (reader.byte() & 1) === 1
      columns.push({ name: reader.string(), isKey })
      reader.skip(8)
    }
    reader.ends(nothing)
    this.#relations.set(oid, { relation, columns })
    return nothing
  }

  #told(oid: number): ToldRelation {
    const told = this.#relations.get(oid)
    if (told === undefined) throw new UnreadableChange('pgoutput tells of a relation that it has not named')
    return told
  }
}

class MessageReader {
  readonly #message: Buffer
  #at = 0

  constructor(message: Buffer) {
    this.#message = message
  }

  byte(): number {
    return this.#message[this.skip(1)] as number
  }

  sign(): string {
    return String.fromCharCode(this.byte())
  }

  count(): number {
    return this.#message.readUInt16BE(this.skip(2))
  }

  oid(): number {
    return this.#message.readUInt32BE(this.skip(4))
  }

  string(): string {
    const end = this.#message.indexOf(0, this.#at)
    if (end === -1) return this.refuse()
    const text = this.#message.toString('utf8', this.#at, end)
    this.#at = end + 1
    return text
  }

  sized(): string {
    const size = this.oid()
    const from = this.skip(size)
    return this.#message.toString('utf8', from, from + size)
  }

  row(columns: readonly { readonly name: string; readonly isKey: boolean }[], isKeyOnly: boolean): Row {
    const row = new Map<string, string | null | undefined>()
    if (this.count() !== columns.length) return this.refuse()
    for (const { name, isKey } of columns) {
      const kind = this.sign()
      if (row.has(name) || !'nut'.includes(kind)) return this.refuse()
      const value = kind === 't' ? this.sized() : kind === 'n' ? null : undefined
      if (!isKeyOnly || isKey) row.set(name, value)
    }
    return row
  }

  /** Where what was skipped began. */
  skip(bytes: number): number {
    const from = this.#at
    if (bytes > this.#message.length - from) return this.refuse()
    this.#at = from + bytes
    return from
  }

  ends(event: FeedEvent): FeedEvent {
    return this.#at === this.#message.length ? event : this.refuse()
  }

  /** Where it stopped, and not what is there. */
  refuse(): never {
    throw new UnreadableChange(`message of pgoutput cannot be read at byte ${this.#at} of ${this.#message.length}`)
  }
}
