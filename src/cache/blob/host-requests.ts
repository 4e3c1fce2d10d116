// What each request of the wire thread means to the second tier.

import type { Strategy } from '../../eviction/index.ts'
import type { Found, L2 } from './l2.ts'
import { checkHeld, type Finding } from './l2-check.ts'
import { recordKey as recordKeyOf, type Scope } from './l2-keys.ts'
import { listEntries, listLabels, type Trees } from './l2-listing.ts'
import type { Steps } from './l2-value.ts'
import type { FoundMessage, ListedMessage, ReadRequest, Results, WriteRequest } from './store-messages.ts'

/** Carries a write out. There is one at a time. */
export function* carryOut(l2: L2, request: WriteRequest): Steps<Results[keyof Results]> {
  l2.commits.begin()
  try {
    return yield* stepsOf(l2, request)
  } finally {
    l2.commits.end()
  }
}

function* stepsOf(l2: L2, request: WriteRequest): Steps<Results[keyof Results]> {
  switch (request.kind) {
    case 'put':
      return yield* l2.put(request.put)
    case 'touch':
      return yield* l2.touching.touch(request.touch)
    case 'invalidate': {
      const { scope } = request.request
      const known = request.known.map((key) => isThere(l2, scope, key))
      return { counts: yield* l2.invalidation.invalidate(request.request), known }
    }
    case 'remove':
      return yield* l2.invalidation.removeIfSame(request.scope, request.rows)
    case 'define':
      return void l2.define(request.name, request.scope, request.options)
    case 'flush':
      return l2.flush(request.namespace, request.generation)
    case 'drop':
      return l2.drop(request.namespace)
    case 'note':
      for (const [name, bytes] of request.rows) {
        l2.note(request.of, name, bytes)
        if (l2.store.space.isTight) yield
      }
      return undefined
    case 'admit':
      for (const { scope } of request.refused) l2.drop(scope.id)
      for (const part of request.admitted) l2.admit(part)
      return undefined
  }
}

/** What a write that cannot be carried out now leaves to be done before anything is read again. */
export function again(l2: L2, request: WriteRequest): () => Steps<unknown> {
  if (request.kind === 'put') return () => takeKeys(l2, request.put.scope, [request.put.key])
  if (request.kind === 'touch') return () => takeKeys(l2, request.touch.scope, request.touch.keys)
  if (request.kind === 'remove') {
    const keys = request.rows.map(({ key }) => key)
    return () => takeKeys(l2, request.scope, keys)
  }
  return () => stepsOf(l2, request)
}

/** What a write does to a store that is not there. */
export function emptyAnswer(request: WriteRequest): Results[keyof Results] {
  switch (request.kind) {
    case 'put':
      return { kind: 'rejected', why: 'gone' }
    case 'touch':
      return request.touch.keys.map(() => false)
    case 'remove':
      return request.rows.map(() => false)
    case 'invalidate':
      return { counts: request.request.target.subjects.map(() => 0), known: request.known.map(() => false) }
    case 'flush':
    case 'drop':
      return 0
    default:
      return undefined
  }
}

export function* readMany(l2: L2, request: ReadRequest & { kind: 'get' }): Steps<(FoundMessage | undefined)[]> {
  const found: (FoundMessage | undefined)[] = []
  const { withValue, quiet } = request
  // A lone value is told of before anything else is read.
  const how = { withValue, quiet, fleeting: request.keys.length === 1 }
  for (const key of request.keys) {
    const entry = yield* l2.get(request.scope, key, how)
    found.push(entry === undefined ? undefined : messageOf(l2, request.scope, key, entry))
    if (request.keys.length > 1) yield
  }
  return found
}

/** The rows in parts; undefined between steps. */
export function* listing(
  l2: L2,
  trees: Trees,
  request: ReadRequest & { kind: 'list' },
): Generator<ListedMessage[] | undefined, number, undefined> {
  const { scope, countMax } = request.request
  let after = request.request.after
  let count = 0
  for (let more = true; more && count < countMax; ) {
    const steps = listEntries(l2, trees, {
      ...request.request,
      after,
      countMax: Math.min(partRowsMax, countMax - count),
    })
    let step = steps.next()
    for (; step.done !== true; step = steps.next()) yield undefined
    const { rows } = step.value
    count += rows.length
    more = step.value.more
    after = rows.at(-1)?.key ?? after
    if (rows.length > 0)
      yield rows.map((row) => ({ ...messageOf(l2, scope, row.key, row, 'sequential_scan'), key: row.key }))
  }
  return count
}

export function labelsOf(l2: L2, scope: Scope): Steps<Results['labels']> {
  return listLabels(l2, l2.store.trees, scope)
}

/** Of the last commit. */
export function* findings(l2: L2): Generator<undefined, Finding[], undefined> {
  const found: Finding[] = []
  const pin = l2.store.pin()
  try {
    for (const finding of checkHeld(l2, pin, true)) {
      if (finding === undefined) yield
      else found.push(finding)
    }
  } finally {
    pin.release()
  }
  return found
}

/** Rows of a list that cross at once. */
const partRowsMax = 1000

function messageOf(l2: L2, scope: Scope, key: string, found: Found, strategy?: Strategy): FoundMessage {
  const { record, attributes, value } = found
  const { codec, rawBytes, version, createdAtMs, ttlFromMs, lastAccessAtMs, policy, stamp, costUs } = record
  const head = { codec, rawBytes, version, createdAtMs, ttlFromMs, lastAccessAtMs, policy, stamp, costUs }
  return { head, attributes, value, storedBytes: l2.rows.bytesOf(recordKeyOf(scope, key), record, strategy) }
}

function isThere(l2: L2, scope: Scope, key: string): boolean {
  return l2.namespaces.alive(scope) !== undefined && l2.entries.living(recordKeyOf(scope, key)) !== undefined
}

function* takeKeys(l2: L2, scope: Scope, keys: readonly string[]): Steps<void> {
  for (const key of keys) {
    l2.entries.takeKey(recordKeyOf(scope, key), 'invalidated')
    yield
  }
}
