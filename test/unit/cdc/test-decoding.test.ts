// What test_decoding prints, read back.

import { describe, expect, it } from 'vitest'
import { UnreadableChange } from '../../../src/cdc/change.ts'
import { readTestDecoding } from '../../../src/cdc/test-decoding.ts'

const item = { schema: 'public', name: 'item' }
const rowOf = (values: Record<string, string | null | undefined>) => new Map(Object.entries(values))

describe('a line of test_decoding', () => {
  it.each([
    ['BEGIN 693', { kind: 'begin', xid: 693 }],
    ['COMMIT 4294967295', { kind: 'commit', xid: 4_294_967_295 }],
    ["PREPARE TRANSACTION 'it''s', txid 7", { kind: 'prepare', gid: "it's", xid: 7 }],
    ["COMMIT PREPARED 'a, txid 9', txid 7", { kind: 'fate', gid: 'a, txid 9', xid: 7, commits: true }],
    ["ROLLBACK PREPARED 'g', txid 7", { kind: 'fate', gid: 'g', xid: 7, commits: false }],
    ['table public.item: TRUNCATE: (no-flags)', { kind: 'truncate', relations: [item] }],
    [
      'table public.item, "Odd""s"."a, b: c": TRUNCATE: restart_seqs cascade',
      { kind: 'truncate', relations: [item, { schema: 'Odd"s', name: 'a, b: c' }] },
    ],
    ['table public.item: DELETE: (no-tuple-data)', { kind: 'delete', relation: item, old: undefined, new: undefined }],
    [
      'message: transactional: 0 prefix: a, sz: 2 content:x, sz: 5 content:hello',
      { kind: 'message', transactional: false, prefix: 'a, sz: 2 content:x', content: 'hello' },
    ],
    [
      'message: transactional: 1 prefix: p, sz: 6 content:é\nab:',
      { kind: 'message', transactional: true, prefix: 'p', content: 'é\nab:' },
    ],
  ])('%s', (line, event) => {
    expect(readTestDecoding(line)).toEqual(event)
  })

  it('holds rows of every kind of value', () => {
    const line =
      `table public.item: INSERT: id[integer]:-1 "Odd ]:1"[public."ty]pe"[]]:'it''s\n[x]:2' n[numeric]:1.50 ` +
      `f[double precision]:-Infinity g[real]:1e-07 h[double precision]:NaN b[boolean]:true bits[bit varying]:B'0101' ` +
      `gone[text]:null toast[text]:unchanged-toast-datum word[text]:'null' at[timestamp without time zone]:'2026-01-02 03:04:05'`
    expect(readTestDecoding(line)).toEqual({
      kind: 'insert',
      relation: item,
      old: undefined,
      new: rowOf({
        ...{ id: '-1', 'Odd ]:1': "it's\n[x]:2", n: '1.50', f: '-Infinity', g: '1e-07', h: 'NaN', b: 'true' },
        ...{ bits: '0101', gone: null, toast: undefined, word: 'null', at: '2026-01-02 03:04:05' },
      }),
    })
  })

  it('of an update may hold the key as it was', () => {
    const relation = item
    expect(readTestDecoding('table public.item: UPDATE: id[integer]:1')).toEqual({
      ...{ kind: 'update', relation, old: undefined, new: rowOf({ id: '1' }) },
    })
    expect(
      readTestDecoding(
        "table public.item: UPDATE: old-key: a[text]:' new-tuple:' new-tuple: a[text]:'b' new[text]:'c'",
      ),
    ).toEqual({
      ...{ kind: 'update', relation, old: rowOf({ a: ' new-tuple:' }), new: rowOf({ a: 'b', new: 'c' }) },
    })
  })

  it.each([
    '',
    'BEGIN',
    'BEGIN x',
    'BEGIN 1 ',
    'BEGIN 4294967296',
    'COMMIT 1 (at 2026-01-01)',
    'table public.item INSERT: id[integer]:1',
    'table public.item: MERGE: id[integer]:1',
    'table public.item: INSERT: id[integer]:1 trailing',
    'table public.item: INSERT: id[integer]:1  x[integer]:2',
    "table public.item: INSERT: id[text]:'open",
    'table public.item: INSERT: id[integer:1',
    'table public.item: INSERT: id[integer]:1 id[integer]:2',
    'table public.item: INSERT: id[integer]:odd',
    'table public.item, public.other: INSERT: id[integer]:1',
    'table Public.item: INSERT: id[integer]:1',
    'message: transactional: 1 prefix: a, sz: 4 content:hello',
    "PREPARE TRANSACTION 'g'",
  ])('that is none is refused and not quoted: %s', (line) => {
    expect(() => readTestDecoding(line)).toThrow(UnreadableChange)
    try {
      readTestDecoding(line)
    } catch (error) {
      expect((error as Error).message).toMatch(/^line of test_decoding cannot be read at character \d+ of \d+$/)
    }
  })
})
