// What is written of views, and what comes back of it.

import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SavedViews, type ViewFiles } from '../../../../src/cache/views/saved-views.ts'
import type { Made } from '../../../../src/cache/views/view.ts'

class Files implements ViewFiles {
  incarnation = 1
  isFull = false
  readonly rows = new Map<string, Uint8Array>()
  readonly values = new Map<string, Buffer>()

  async note(rows: readonly (readonly [string, Uint8Array | undefined])[]): Promise<void> {
    for (const [name, bytes] of rows) {
      expect(bytes?.length ?? 0).toBeLessThan(2000)
      if (bytes === undefined) this.rows.delete(name)
      else this.rows.set(name, bytes)
    }
  }

  async noted() {
    return [...this.rows].reverse()
  }

  async put(key: string, value: Buffer): Promise<boolean> {
    if (!this.isFull) this.values.set(key, Buffer.from(value))
    return !this.isFull
  }

  async get(key: string) {
    return this.values.get(key)
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.values.delete(key)
  }
}

const columns = [{ name: 'n', typeOid: 23, typeName: 'integer', modifier: -1, isDomain: false }]
const rowsOf = (...texts: string[]) => ({
  columns,
  rowCount: texts.length,
  bytes: 10,
  chunks: texts.map((text) => Buffer.from(`${text}\n`)),
  relations: [7],
  relationNames: new Map([[7, 'public.t']]),
})

function madeOf(id: string, query: string): Made {
  return {
    ...{ id, database: 'd', name: `view ${id}`, owner: 'o', query, columnNames: [], policy: { kind: 'every', ms: 5 } },
    ...{ readers: ['a'], bytesMax: undefined, searchPath: '"$user", public', columns, relations: [7] },
    ...{ rows: rowsOf('1'), rowCount: 1, since: 3, startedAtMs: 4, emptied: 0, refresh: {} },
  } as unknown as Made
}

const never = (id: string) => expect.unreachable(id)
const load = (files: Files) => new SavedViews(files).load(never)

describe('views that are written down', () => {
  it('come back as they were last, however long their text is', async () => {
    const files = new Files()
    const saved = new SavedViews(files)
    const long = madeOf('one', `select '${'ü'.repeat(5000)}'`)
    await saved.save(long)
    expect(files.rows.size).toBeGreaterThan(5)
    await saved.save(madeOf('two', 'select 2'))
    await saved.save({ ...long, query: 'select 1', bytesMax: 9 })
    expect(files.rows.size).toBe(2)
    const views = await load(files)
    expect(views.map(({ id, query, bytesMax }) => [id, query, bytesMax])).toEqual([
      ['one', 'select 1', 9],
      ['two', 'select 2', undefined],
    ])
    expect(views[1]).toMatchObject({
      database: 'd',
      name: 'view two',
      policy: { kind: 'every', ms: 5 },
      isPopulated: true,
    })
    expect(views[1]?.rows).toBeUndefined()
  })

  it('come back with the rows that were written last, and nothing else lies there', async () => {
    const files = new Files()
    const saved = new SavedViews(files)
    const view = madeOf('one', 'select 1')
    await saved.save(view)
    const told = { since: 3, startedAtMs: 4 }
    await saved.saveRows(view, { ...told, rows: rowsOf('1', 'x'.repeat(900_000), 'y'.repeat(900_000)) })
    expect(files.values.size).toBe(3)
    await saved.saveRows(view, { ...told, rows: rowsOf('2', '3') })
    expect(files.values.size).toBe(2)
    const [back] = await load(files)
    expect(back?.rows).toMatchObject({ since: 3, startedAtMs: 4, rows: { rowCount: 2, relations: [7], columns } })
    expect(Buffer.concat(back?.rows?.rows.chunks as Buffer[]).toString()).toBe('2\n3\n')
    expect(back?.rows?.rows.relationNames).toEqual(new Map([[7, 'public.t']]))
    // By who has not written them, too.
    const next = new SavedViews(files)
    await next.load(never)
    await next.saveRows(view, { rows: rowsOf('4'), since: undefined, startedAtMs: 5 })
    expect(files.values.size).toBe(2)
    expect((await load(files))[0]?.rows).toMatchObject({ since: undefined, startedAtMs: 5 })
    await next.forget('one')
    expect([files.rows.size, files.values.size]).toEqual([0, 0])
  })

  it('keep the rows before where there is no room for others', async () => {
    const files = new Files()
    const saved = new SavedViews(files)
    const view = madeOf('one', 'select 1')
    await saved.save(view)
    await saved.saveRows(view, { rows: rowsOf('1'), since: 1, startedAtMs: 1 })
    files.isFull = true
    expect(await saved.saveRows(view, { rows: rowsOf('2'), since: 2, startedAtMs: 2 })).toBe(false)
    expect((await load(files))[0]?.rows).toMatchObject({ since: 1 })
  })

  it.each(['gone', 'changed', 'another head'])('have no rows where a part of them is %s', async (how) => {
    const files = new Files()
    const saved = new SavedViews(files)
    const view = madeOf('one', 'select 1')
    await saved.save(view)
    await saved.saveRows(view, { rows: rowsOf('1'), since: 1, startedAtMs: 1 })
    if (how === 'gone') files.values.delete('one/rows/1/0')
    else files.values.set(how === 'changed' ? 'one/rows/1/0' : 'one/rows', Buffer.from('{"version": 99}'))
    const [back] = await load(files)
    expect(back).toMatchObject({ id: 'one', isPopulated: true, rows: undefined })
  })

  it.each(['a piece is gone', 'a later format'])('are told of and left alone where %s', async (how) => {
    const files = new Files()
    const saved = new SavedViews(files)
    await saved.save(madeOf('one', `select '${'x'.repeat(4000)}'`))
    await saved.save(madeOf('two', 'select 2'))
    if (how === 'a later format') {
      files.rows.clear()
      const later = '{"version":2}'
      const digest = createHash('sha256').update(later).digest('hex')
      await saved.save(madeOf('two', 'select 2'))
      files.rows.set('one.000000', Buffer.from(`${digest}\n${later}`))
    } else files.rows.delete('one.000001')
    const damaged: string[] = []
    const views = await new SavedViews(files).load((id) => damaged.push(id))
    expect([damaged, views.map(({ id }) => id)]).toEqual([['one'], ['two']])
    expect(files.rows.has('one.000000')).toBe(true)
  })
})
