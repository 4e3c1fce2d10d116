// The functions that read and write entries: cache.get, put, exists, touch and those for many keys.

import { conditions, ServerError } from '../../errors/index.ts'
import { storedJsonb } from '../../virtual/index.ts'
import { refuseReadOnly } from '../changes.ts'
import { type Arguments, type FunctionDefinition, scalar } from '../function-definition.ts'
import type { CommandContext, CommandResult, ResultColumn } from '../own-statement.ts'
import { changeNotices } from '../transactions.ts'
import type { Blob, BlobPut, BlobTouch, PutReceipt } from './blob-store.ts'
import { mayChange, mayRead, openForPut } from './namespace-access.ts'
import { notNull } from './put-values.ts'

const blobColumns: readonly ResultColumn[] = [
  { name: 'value', type: 'bytea' },
  { name: 'content_type', type: 'text' },
  { name: 'metadata', type: 'jsonb' },
  { name: 'tags', type: 'text[]' },
  { name: 'dependencies', type: 'text[]' },
  { name: 'version', type: 'int8' },
]

const readColumns: readonly ResultColumn[] = [
  ...blobColumns,
  { name: 'state', type: 'text' },
  { name: 'stale_ms', type: 'float8' },
  { name: 'lease', type: 'text' },
]

const receiptColumns: readonly ResultColumn[] = [
  { name: 'version', type: 'int8' },
  { name: 'generation', type: 'int8' },
  { name: 'tier', type: 'text' },
  { name: 'stored_bytes', type: 'int8' },
  { name: 'durable', type: 'bool' },
]

const keyColumn: ResultColumn = { name: 'key', type: 'text' }

function blobValues(blob: Blob | undefined): readonly unknown[] {
  if (blob === undefined) return blobColumns.map(() => undefined)
  const metadata = blob.metadata === undefined ? undefined : storedJsonb(blob.metadata)
  return [blob.value, blob.contentType, metadata, blob.tags, blob.dependencies, blob.version]
}

function receiptValues(receipt: PutReceipt): readonly unknown[] {
  return [receipt.version, receipt.generation, receipt.tier, receipt.storedBytes, receipt.durable]
}

function required(args: Arguments, name: string): string {
  const text = args.text(name)
  if (text === null) throw notNull(name)
  return text
}

const get: FunctionDefinition = {
  parameters: [
    ['namespace', 'text'],
    ['key', 'text'],
    ['lease', 'boolean'],
  ],
  required: 2,
  columns: readColumns,
  isScalar: false,
  relations: ['blobs'],
  needs: 'anyone',
  changes: false,
  async run(context, args, tag): Promise<CommandResult> {
    const namespace = required(args, 'namespace')
    const key = required(args, 'key')
    const lease = args.flag('lease')
    // A lease is for somebody who means to put.
    if (lease) await openForPut(context, namespace)
    if (!mayRead(context, namespace)) return { tag, columns: [], rows: [absent] }
    const { blob, state, staleMs, lease: token } = await context.blobs.get(namespace, key, lease)
    return { tag, columns: [], rows: [[...blobValues(blob), state, staleMs, token]] }
  },
}

const absent: readonly unknown[] = [...blobValues(undefined), 'absent', undefined, undefined]

export const blobFunctions: Readonly<Record<string, FunctionDefinition>> = {
  get,
  blob_get: get,
  get_many: {
    parameters: [
      ['namespace', 'text'],
      ['keys', 'text[]'],
    ],
    required: 2,
    columns: [keyColumn, ...readColumns],
    isScalar: false,
    relations: ['blobs'],
    needs: 'anyone',
    changes: false,
    async run(context, args, tag): Promise<CommandResult> {
      const namespace = required(args, 'namespace')
      const keys = [...new Set(args.list('keys'))]
      const blobs = mayRead(context, namespace) ? await context.blobs.getMany(namespace, keys) : []
      const rows = blobs.map((blob) => [blob.key, ...blobValues(blob), blob.state, undefined, undefined])
      return { tag, columns: [], rows }
    },
  },
  put: {
    parameters: [
      ['namespace', 'text'],
      ['key', 'text'],
      ['value', 'contents'],
      ['ttl', 'interval'],
      ['expires_at', 'timestamptz'],
      ['idle_ttl', 'interval'],
      ['stale_window', 'interval'],
      ['tags', 'text[]'],
      ['dependencies', 'text[]'],
      ['content_type', 'text'],
      ['metadata', 'jsonb'],
      ['priority', 'bigint'],
      ['admission', 'text'],
      ['version', 'bigint'],
      ['expected_version', 'bigint'],
      ['only_if_absent', 'boolean'],
      ['lease', 'text'],
      ['durable', 'boolean'],
    ],
    required: 3,
    columns: receiptColumns,
    isScalar: false,
    needs: 'anyone',
    changes: true,
    async run(context, args, tag): Promise<CommandResult> {
      await refuseReadOnly(context, 'put()')
      const put = await putOf(args)
      await openForPut(context, put.namespace)
      const [receipt] = await context.blobs.put([put], args.flag('durable'))
      const rows = receipt === undefined ? [] : [receiptValues(receipt)]
      return { tag, columns: [], rows, notices: changeNotices(context) }
    },
  },
  put_many: {
    parameters: [
      ['namespace', 'text'],
      ['keys', 'text[]'],
      ['data', 'bytea[]'],
      ['ttl', 'interval'],
      ['tags', 'text[]'],
      ['durable', 'boolean'],
    ],
    required: 3,
    columns: [keyColumn, ...receiptColumns],
    isScalar: false,
    needs: 'anyone',
    changes: true,
    run: putMany,
  },
  exists: {
    parameters: [
      ['namespace', 'text'],
      ['key', 'text'],
      ['exact', 'boolean'],
    ],
    required: 2,
    columns: scalar('text'),
    isScalar: true,
    relations: ['blobs'],
    needs: 'anyone',
    changes: false,
    async run(context, args, tag): Promise<CommandResult> {
      const namespace = required(args, 'namespace')
      const key = required(args, 'key')
      if (!mayRead(context, namespace)) return { tag, columns: [], rows: [['absent']] }
      return { tag, columns: [], rows: [[await context.blobs.exists(namespace, key, args.flag('exact'))]] }
    },
  },
  touch: {
    parameters: [
      ['namespace', 'text'],
      ['keys', 'text[]'],
      ['ttl', 'interval'],
      ['expires_at', 'timestamptz'],
      ['idle_ttl', 'interval'],
      ['tags', 'text[]'],
    ],
    required: 2,
    columns: scalar('int8'),
    isScalar: true,
    needs: 'anyone',
    changes: true,
    async run(context, args, tag): Promise<CommandResult> {
      await refuseReadOnly(context, 'touch()')
      const namespace = required(args, 'namespace')
      const keys = [...new Set(args.list('keys'))]
      const change = await touchOf(args)
      const touched = mayChange(context, namespace) ? await context.blobs.touch(namespace, keys, change) : []
      const count = touched.filter((found) => found).length
      return { tag, columns: [], rows: [[count]], notices: changeNotices(context) }
    },
  },
}

async function putOf(args: Arguments): Promise<BlobPut> {
  const value = args.contents('value')
  if (value === null) throw notNull('value')
  const [ttlMs, expiresAtMs, idleTtlMs, staleWindowMs] = [
    await args.duration('ttl'),
    await args.instant('expires_at'),
    await args.duration('idle_ttl'),
    await args.duration('stale_window'),
  ]
  const given = {
    ttlMs,
    expiresAtMs,
    idleTtlMs,
    staleWindowMs,
    contentType: args.text('content_type'),
    metadata: args.json('metadata'),
    priority: args.integer('priority'),
    admission: args.text('admission'),
    lease: args.text('lease'),
    ...conditionOf(args),
  }
  return {
    namespace: required(args, 'namespace'),
    key: required(args, 'key'),
    value,
    tags: args.list('tags'),
    dependencies: args.list('dependencies'),
    ...withoutNulls(given),
  }
}

/** Who compares versions gets the next one, unless it brings its own. */
function conditionOf(args: Arguments) {
  const version = args.integer('version')
  const expected = args.integer('expected_version')
  const isAbsent = args.flag('only_if_absent')
  if (expected !== null && isAbsent) {
    throw new ServerError(conditions.invalidParameterValue, ['only_if_absent', 'true'], {
      hint: 'Give expected_version or only_if_absent, not both.',
    })
  }
  if (isAbsent) return { version, only: { kind: 'absent' as const } }
  if (expected === null) return { version }
  return { version: version ?? expected + 1, only: { kind: 'version' as const, version: expected } }
}

type WithoutNulls<T> = { [name in keyof T]?: Exclude<T[name], null | undefined> }

function withoutNulls<T extends object>(given: T): WithoutNulls<T> {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== null && value !== undefined),
  ) as WithoutNulls<T>
}

async function putMany(context: CommandContext, args: Arguments, tag: string): Promise<CommandResult> {
  await refuseReadOnly(context, 'put_many()')
  const namespace = required(args, 'namespace')
  const keys = args.list('keys')
  const values = args.contentsList('data') ?? []
  if (keys.length !== values.length) {
    throw new ServerError(conditions.invalidParameterValue, ['data', `${values.length} items`], {
      hint: `There are ${keys.length} keys: give a value for each.`,
    })
  }
  const ttlMs = await args.duration('ttl')
  const shared = { namespace, tags: args.list('tags'), dependencies: [], ...withoutNulls({ ttlMs }) }
  const puts = keys.map((key, index): BlobPut => {
    const value = values[index]
    if (value === null || value === undefined) throw notNull('value')
    return { ...shared, key, value }
  })
  await openForPut(context, namespace)
  const receipts = await context.blobs.put(puts, args.flag('durable'))
  const rows = receipts.flatMap((receipt, index) =>
    receipt === undefined ? [] : [[keys[index] as string, ...receiptValues(receipt)]],
  )
  return { tag, columns: [], rows, notices: changeNotices(context) }
}

/** What is not given stays as it is. */
async function touchOf(args: Arguments): Promise<BlobTouch> {
  return withoutNulls({
    ttlMs: await args.duration('ttl'),
    expiresAtMs: await args.instant('expires_at'),
    idleTtlMs: await args.duration('idle_ttl'),
    tags: args.listOrNull('tags'),
  })
}
