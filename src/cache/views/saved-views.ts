// Views on disk: what they are, which is durable when it is said, and their rows, which are written now and then.
//
//   catalogue, kind 'views'     id.000000, id.000001, …       the definition behind its digest, cut in pieces that fit a row
//   namespace `$views`          id/rows                       which version of the rows is in force, and what they were read from
//                               id/rows/version/0, 1, …       the rows, as the origin copies them out
//
// Rows are written beside the old ones and come into force by one value that names them; then the old ones go. They may leave to make room: then
// they are read again.

import { createHash } from 'node:crypto'
import type { Made, ViewWish } from './view.ts'
import type { ViewColumn, ViewRows } from './view-rows.ts'

/** What keeps them. */
export interface ViewFiles {
  /** Another number each time it was opened anew, or replaced; undefined while it is not open. */
  readonly incarnation: number | undefined
  /** Rows of the catalogue, undefined for what goes; durable when it returns. */
  note(rows: readonly (readonly [name: string, bytes: Uint8Array | undefined])[]): Promise<void>
  noted(): Promise<readonly (readonly [name: string, bytes: Uint8Array])[]>
  /** False if there was no place. */
  put(key: string, value: Buffer): Promise<boolean>
  get(key: string): Promise<Buffer | undefined>
  remove(keys: readonly string[]): Promise<void>
}

/** A view as it was left. */
export interface SavedView extends ViewWish {
  readonly id: string
  readonly columns: readonly ViewColumn[]
  /** OIDs of what it was last read from. */
  readonly relations: readonly number[]
  readonly isPopulated: boolean
  readonly rows: SavedRows | undefined
}

interface SavedRows {
  readonly rows: ViewRows
  /** The tick they were asked for at, if it can be compared with those of the next process. */
  readonly since: number | undefined
  readonly startedAtMs: number
}

const formatVersion = 1
/** A row has to fit a quarter of the smallest page. */
const pieceBytes = 1500
const partBytes = 1 << 20

interface Head {
  readonly version: number
  readonly serial: number
  readonly since: number | null
  readonly startedAtMs: number
  readonly rowCount: number
  readonly bytes: number
  readonly parts: number
  readonly relations: readonly number[]
  readonly names: readonly (readonly [number, string])[]
  /** Of all parts. */
  readonly digest: string
}

export class SavedViews {
  readonly #files: ViewFiles
  /** How many pieces a definition takes, and which version of its rows is in force. */
  readonly #known = new Map<string, { pieces: number; serial: number; parts: number }>()
  /** One after the other, so that what was said last stands. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(files: ViewFiles) {
    this.#files = files
  }

  get incarnation(): number | undefined {
    return this.#files.incarnation
  }

  /** Durable when it returns, if there is a place at all. */
  save(view: Made): Promise<void> {
    return this.#inTurn(async () => {
      const text = JSON.stringify({ version: formatVersion, ...definitionOf(view) })
      const bytes = Buffer.from(`${digestOf(text)}\n${text}`)
      const rows: [string, Uint8Array | undefined][] = []
      for (let at = 0; at < bytes.length; at += pieceBytes)
        rows.push([pieceName(view.id, rows.length), Uint8Array.from(bytes.subarray(at, at + pieceBytes))])
      const known = this.#knownOf(view.id)
      const pieces = rows.length
      while (rows.length < known.pieces) rows.push([pieceName(view.id, rows.length), undefined])
      await this.#files.note(rows)
      known.pieces = pieces
    })
  }

  /** Neither promised nor waited for by who reads; `since` is undefined if it cannot be compared later. */
  saveRows({ id }: Made, { rows, since, startedAtMs }: SavedRows): Promise<boolean> {
    return this.#inTurn(async () => {
      const known = this.#knownOf(id)
      const serial = known.serial + 1
      const digest = createHash('sha256')
      let parts = 0
      for (const part of partsOf(rows.chunks)) {
        digest.update(part)
        if (!(await this.#files.put(partKey(id, serial, parts), part))) return false
        parts++
      }
      const { rowCount, bytes, relations, relationNames } = rows
      const head: Head = {
        ...{ version: formatVersion, serial, since: since ?? null, startedAtMs, rowCount, bytes, parts, relations },
        ...{ names: [...relationNames], digest: digest.digest('hex') },
      }
      if (!(await this.#files.put(headKey(id), Buffer.from(JSON.stringify(head))))) return false
      await this.#files.remove(keysOf(id, known.serial, known.parts))
      known.serial = serial
      known.parts = parts
      return true
    })
  }

  /** They were forgotten, and do not come back. */
  forgetRows(id: string): Promise<void> {
    return this.#inTurn(async () => {
      const known = this.#knownOf(id)
      await this.#files.remove([headKey(id), ...keysOf(id, known.serial, known.parts)])
    })
  }

  forget(id: string): Promise<void> {
    return this.#inTurn(async () => {
      const known = this.#knownOf(id)
      await this.#files.note(Array.from({ length: known.pieces }, (_, at) => [pieceName(id, at), undefined]))
      await this.#files.remove([headKey(id), ...keysOf(id, known.serial, known.parts)])
      this.#known.delete(id)
    })
  }

  /** All that was left. What cannot be read is told of to `damaged`. */
  load(damaged: (id: string) => void): Promise<readonly SavedView[]> {
    return this.#inTurn(async () => {
      const pieces = new Map<string, Uint8Array[]>()
      const noted = [...(await this.#files.noted())].sort(([one], [other]) => (one < other ? -1 : 1))
      for (const [name, bytes] of noted) {
        const id = name.slice(0, name.lastIndexOf('.'))
        pieces.set(id, [...(pieces.get(id) ?? []), bytes])
      }
      const views: SavedView[] = []
      for (const [id, parts] of pieces) {
        this.#knownOf(id).pieces = parts.length
        const definition = readDefinition(Buffer.concat(parts).toString())
        if (definition === undefined) damaged(id)
        else views.push({ ...definition, id, rows: await this.#loadRows(id, definition.columns) })
      }
      return views
    })
  }

  async #loadRows(id: string, columns: readonly ViewColumn[]): Promise<SavedRows | undefined> {
    const bytes = await this.#files.get(headKey(id))
    const head = bytes === undefined ? undefined : (readJson(bytes.toString()) as Head | undefined)
    if (head?.version !== formatVersion) return undefined
    const known = this.#knownOf(id)
    known.serial = head.serial
    known.parts = head.parts
    const chunks: Buffer[] = []
    const digest = createHash('sha256')
    for (let at = 0; at < head.parts; at++) {
      const part = await this.#files.get(partKey(id, head.serial, at))
      if (part === undefined) return undefined
      digest.update(part)
      chunks.push(part)
    }
    if (digest.digest('hex') !== head.digest) return undefined
    const { rowCount, relations, startedAtMs } = head
    const rows = { columns, rowCount, bytes: head.bytes, chunks, relations, relationNames: new Map(head.names) }
    return { rows, since: head.since ?? undefined, startedAtMs }
  }

  /** Another store lies there now: what is known of the one before does not hold. */
  begin(): void {
    this.#known.clear()
  }

  async settled(): Promise<void> {
    await this.#last.catch(() => undefined)
  }

  #knownOf(id: string): { pieces: number; serial: number; parts: number } {
    const known = this.#known.get(id) ?? { pieces: 0, serial: 0, parts: 0 }
    this.#known.set(id, known)
    return known
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.catch(() => undefined).then(work)
    this.#last = done
    return done
  }
}

function definitionOf(view: Made): Omit<SavedView, 'rows' | 'id'> {
  const { database, name, owner, query, columnNames, policy, readers, bytesMax, searchPath, rollup, comment } = view
  const { columns, relations, rows } = view
  const wish = { database, name, owner, query, columnNames, policy, readers, bytesMax, searchPath, rollup, comment }
  return { ...wish, columns, relations, isPopulated: rows !== undefined }
}

function readDefinition(text: string): Omit<SavedView, 'rows' | 'id'> | undefined {
  const end = text.indexOf('\n')
  // A piece may be missing, and the rest read well.
  if (text.slice(0, end) !== digestOf(text.slice(end + 1))) return undefined
  const read = readJson(text.slice(end + 1)) as
    | (Omit<SavedView, 'rows' | 'id'> & { readonly version: number })
    | undefined
  if (read?.version !== formatVersion) return undefined
  const { version: _, ...definition } = read
  return { ...definition, bytesMax: definition.bytesMax ?? undefined }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Chunks put together, so that there are few of them; each is whole lines still. */
function* partsOf(chunks: readonly Buffer[]): Generator<Buffer> {
  let part: Buffer[] = []
  let bytes = 0
  for (const chunk of chunks) {
    if (bytes > 0 && bytes + chunk.length > partBytes) {
      yield Buffer.concat(part)
      part = []
      bytes = 0
    }
    part.push(chunk)
    bytes += chunk.length
  }
  if (bytes > 0) yield Buffer.concat(part)
}

const pieceName = (id: string, at: number): string => `${id}.${String(at).padStart(6, '0')}`
const headKey = (id: string): string => `${id}/rows`
const partKey = (id: string, serial: number, at: number): string => `${headKey(id)}/${serial}/${at}`
const keysOf = (id: string, serial: number, parts: number): string[] =>
  Array.from({ length: parts }, (_, at) => partKey(id, serial, at))
