// AUDIT CACHE: what is stored is run again at the origin, and compared.
//
//   audit = AUDIT CACHE ( list(name) | ALL ) [ SAMPLE value PERCENT [ FOR value ] ] [ WITH ( on_wrong = report | drop | quarantine, detached ) ]
//
// With SAMPLE hits are compared as they come, for that time or until the statement or its job is cancelled; else every answer in memory once.

import { nearest } from '../config/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import { archiveCommand, archiveOf, waitFor } from './archive/archive-access.ts'
import type { FunctionDefinition } from './function-definition.ts'
import type { AuditCount, AuditWish, CommandContext, CommandResult, OwnCommand, ResultColumn } from './own-statement.ts'
import type { StatementReader } from './statement-reader.ts'
import { changeNotices } from './transactions.ts'
import { durationOf } from './typed-values.ts'
import { textValue } from './values.ts'
import { readWith } from './with-options.ts'

const auditColumns: readonly ResultColumn[] = [
  { name: 'job', type: 'int8' },
  { name: 'cache', type: 'text' },
  { name: 'compared', type: 'int8' },
  { name: 'matching', type: 'int8' },
  { name: 'late', type: 'int8' },
  { name: 'wrong', type: 'int8' },
  { name: 'inconclusive', type: 'int8' },
]

interface AuditRequest {
  readonly caches: readonly string[] | 'all'
  /** Texts as they came; undefined where that part was left out. */
  readonly percent: string | null | undefined
  readonly duration: string | null | undefined
  readonly options: AuditOptions
}

interface AuditOptions {
  readonly onWrong: AuditWish['onWrong']
  readonly detached: boolean
}

/** Behind AUDIT. */
export function readAudit(reader: StatementReader): OwnCommand {
  reader.expect('CACHE')
  const caches = reader.accept('ALL') ? 'all' : reader.list(() => reader.name())
  const percent = reader.accept('SAMPLE') ? reader.value() : undefined
  if (percent !== undefined) reader.expect('PERCENT')
  const duration = percent !== undefined && reader.accept('FOR') ? reader.value() : undefined
  const options = optionsOf(readWith(reader))
  reader.expectEnd()
  return archiveCommand('AUDIT CACHE', auditColumns, 'admin', reader.parameterCount, (context, parameters) =>
    audit(
      context,
      {
        ...{ caches, options },
        percent: percent && textValue(percent, parameters),
        duration: duration && textValue(duration, parameters),
      },
      'AUDIT CACHE',
    ),
  )
}

export const auditFunction: FunctionDefinition = {
  parameters: [
    ['caches', 'text[]'],
    ['sample_percent', 'float8'],
    ['duration', 'interval'],
    ['options', 'jsonb'],
  ],
  ...{ required: 0, columns: auditColumns, isScalar: false, needs: 'admin', changes: true },
  run(context, args, tag) {
    const given = JSON.parse(args.json('options') ?? '{}') as Readonly<Record<string, unknown>>
    const request = {
      caches: args.listOrNull('caches') ?? ('all' as const),
      percent: args.text('sample_percent') ?? undefined,
      duration: args.text('duration') ?? undefined,
      options: optionsOf(new Map(Object.entries(given))),
    }
    if (request.percent === undefined && request.duration !== undefined) {
      throw new ServerError(conditions.invalidParameterValue, ['duration', request.duration], {
        hint: 'It goes with sample_percent.',
      })
    }
    return audit(context, request, tag)
  },
}

const optionNames = ['on_wrong', 'detached'] as const

function optionsOf(given: ReadonlyMap<string, unknown>): AuditOptions {
  for (const name of given.keys()) {
    if (optionNames.some((known) => known === name)) continue
    const close = nearest(name, optionNames)
    throw new ServerError(conditions.invalidParameterValue, ['option', name], {
      hint: close === undefined ? `Options are ${optionNames.join(', ')}.` : `Perhaps you meant ${close}.`,
    })
  }
  const onWrong = given.has('on_wrong') ? given.get('on_wrong') : 'quarantine'
  if (onWrong !== 'report' && onWrong !== 'drop' && onWrong !== 'quarantine') {
    throw new ServerError(conditions.invalidParameterValue, ['on_wrong', String(onWrong)], {
      hint: 'Expected report, drop or quarantine.',
    })
  }
  return { onWrong, detached: flagOf(given.get('detached') ?? false) }
}

function flagOf(value: unknown): boolean {
  if (typeof value === 'boolean') return value
  if (value === 'on' || value === 'off') return value === 'on'
  throw new ServerError(conditions.invalidParameterValue, ['detached', String(value)], {
    hint: 'Expected true or false.',
  })
}

async function audit(context: CommandContext, request: AuditRequest, tag: string): Promise<CommandResult> {
  const { actions, viewer } = context
  const { database } = viewer
  const { onWrong, detached } = request.options
  const caches = request.caches === 'all' ? 'all' : [...new Set(request.caches)]
  for (const name of caches === 'all' ? [] : caches) {
    if (actions.hasCache(name, database)) continue
    throw new ServerError(conditions.undefinedObject, [`cache "${name}"`], { hint: 'List them with SHOW CACHES.' })
  }
  const sample = await sampleOf(request, context)
  const access = archiveOf(context)
  const job = access.jobs.start({
    ...{ kind: 'audit', description: descriptionOf(caches, sample), owner: viewer.role },
    run: ({ signal, progress }) =>
      actions.audit({ caches, database, sample, onWrong, isAwaited: !detached, signal, progress }),
  })
  const notices = changeNotices(context)
  if (detached) {
    return { tag, columns: auditColumns, notices, rows: [[job.id, null, null, null, null, null, null]] }
  }
  const rows = (await waitFor(job, access)).map((count) => valuesOf(job.id, count))
  return { tag, columns: auditColumns, notices, rows }
}

function descriptionOf(caches: AuditWish['caches'], sample: AuditWish['sample']): string {
  const share = sample === undefined ? '' : ` sample ${sample.percent} percent`
  return `audit cache ${caches === 'all' ? 'all' : caches.join(', ')}${share}`
}

async function sampleOf(
  { percent, duration }: AuditRequest,
  context: CommandContext,
): Promise<AuditWish['sample'] | undefined> {
  if (percent === undefined) return undefined
  const number = percent === null || percent.trim() === '' ? Number.NaN : Number(percent)
  if (!(number > 0 && number <= 100)) {
    throw new ServerError(conditions.invalidParameterValue, ['SAMPLE', percent ?? 'NULL'], {
      hint: 'Expected a number above 0 and up to 100.',
    })
  }
  if (duration === undefined) return { percent: number, forMs: undefined }
  const forMs = await durationOf(duration, context)
  if (forMs === null || forMs <= 0) {
    throw new ServerError(conditions.invalidParameterValue, ['FOR', duration ?? 'NULL'], {
      hint: 'Expected an interval such as 10 min.',
    })
  }
  return { percent: number, forMs }
}

function valuesOf(job: number, { cache, compared, match, late, wrong, inconclusive }: AuditCount): readonly unknown[] {
  return [job, cache, compared, match, late, wrong, inconclusive]
}
