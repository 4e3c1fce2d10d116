// Composition: the namespace `$results` of the blob cache, as the result cache sees it.

import type { BlobCache, PutOutcome } from './cache/blob/index.ts'
import type { AnswerStore } from './cache/results/index.ts'

const namespace = '$results'
/** Kind of the rows beside it. */
const noteKind = 'results'
/** A row has to fit a quarter of the smallest page. */
const noteBytesMax = 1500

/** Where there is no L2. */
export const noAnswers: AnswerStore = {
  incarnation: undefined,
  isEmpty: true,
  mayHold: () => false,
  get: async () => undefined,
  putPart: () => false,
  beginParts: async () => undefined,
  put: () => undefined,
  empty: async () => undefined,
  forgetTag: async () => undefined,
  note: async () => undefined,
  noted: async () => undefined,
}

export function answerStoreOf(cache: BlobCache): AnswerStore {
  let noteCount = 0
  return {
    get incarnation() {
      return cache.storeState === 'open' || cache.storeState === 'full' ? cache.incarnation : undefined
    },
    get isEmpty() {
      return !cache.hasNamespace(namespace)
    },
    mayHold: (key) => cache.exists(namespace, key) !== 'absent',
    async get(key) {
      try {
        const { state, blob } = await cache.get(namespace, key)
        return state === 'fresh' ? asBuffer(blob?.value) : undefined
      } catch {
        return undefined
      }
    },
    put(key, value, { expiresAtMs, costUs, tags }) {
      try {
        if (cache.namespace(namespace) === undefined) ignoring(cache.createNamespace(namespace))
        const put = { namespace, key, value, expiresAtMs, costUs, tags, admission: 'never', isOwned: true }
        ignoring(cache.tryPut([put]))
      } catch {
        // Refused: too large, or no place. The origin has it.
      }
    },
    putPart(key, value, { expiresAtMs, costUs, tags }) {
      try {
        if (!cache.hasRoomOnTheWay(value.length)) return false
        if (cache.namespace(namespace) === undefined) ignoring(cache.createNamespace(namespace, { archive: 'off' }))
        const put = { namespace, key, value, expiresAtMs, costUs, tags, admission: 'never', isOwned: true }
        return isStored(cache.tryPut([put]))
      } catch {
        return false
      }
    },
    beginParts: (keys) => cache.beginParts(namespace, keys).catch(() => undefined),
    async empty() {
      if (cache.namespace(namespace) !== undefined) await cache.flush(namespace)
    },
    async forgetTag(tag) {
      if (cache.namespace(namespace) === undefined) return
      await cache.invalidate({ kind: 'tag', namespace, subjects: [tag] })
    },
    async note(text) {
      const bytes = Buffer.from(text)
      const rows: [string, Uint8Array | undefined][] = []
      for (let at = 0; at < bytes.length; at += noteBytesMax) {
        rows.push([nameOf(rows.length), Uint8Array.from(bytes.subarray(at, at + noteBytesMax))])
      }
      const count = rows.length
      while (rows.length < noteCount) rows.push([nameOf(rows.length), undefined])
      noteCount = count
      await cache.note(noteKind, rows, true)
    },
    async noted() {
      const rows = [...(await cache.noted(noteKind))].sort(([one], [other]) => (one < other ? -1 : 1))
      noteCount = rows.length
      return rows.length === 0 ? undefined : Buffer.concat(rows.map(([, bytes]) => bytes)).toString()
    },
  }
}

function nameOf(index: number): string {
  return String(index).padStart(6, '0')
}

function asBuffer(bytes: Uint8Array | undefined): Buffer | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** What becomes of it nobody waits for. */
function ignoring(later: unknown): void {
  if (later instanceof Promise) later.catch(() => undefined)
}

async function isStored(outcome: Awaitable<readonly PutOutcome[]>): Promise<boolean> {
  try {
    const [receipt] = await outcome
    return receipt !== undefined && 'tier' in receipt && receipt.tier === 'l2'
  } catch {
    return false
  }
}

type Awaitable<T> = T | Promise<T>
