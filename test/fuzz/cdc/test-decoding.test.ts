// Hostile lines for the reader of test_decoding: it reads them or refuses them, says nothing of what is in them, and never takes one
// relation for another.

import { describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { type FeedEvent, UnreadableChange } from '../../../src/cdc/change.ts'
import { readTestDecoding, readWithoutRows } from '../../../src/cdc/test-decoding.ts'

const rounds = Number(process.env.ROUNDS ?? 20_000)
const random = Random.fromEnvironment()

const seeds = [
  'BEGIN 693',
  'COMMIT 4294967295',
  "PREPARE TRANSACTION 'it''s', txid 7",
  "COMMIT PREPARED 'a, txid 9', txid 7",
  'table public.item: TRUNCATE: (no-flags)',
  'table public.item, "Odd""s"."a, b: c": TRUNCATE: restart_seqs cascade',
  'table public.item: DELETE: (no-tuple-data)',
  `table public.item: INSERT: id[integer]:-1 "Odd ]:1"[public."ty]pe"[]]:'it''s\n[x]:2' bits[bit varying]:B'0101' gone[text]:null`,
  "table public.item: UPDATE: old-key: a[text]:' new-tuple:' new-tuple: a[text]:'b' new[text]:unchanged-toast-datum",
  'message: transactional: 1 prefix: p, sz: 6 content:é\nab:',
]
const pieces = [
  ...seeds.join(''),
  '"',
  "'",
  '""',
  "''",
  ': ',
  ', ',
  '.',
  ' INSERT:',
  ' UPDATE:',
  'table ',
  '[',
  ']:',
  'é',
  '\0',
  '😀',
]

function mutated(line: string): string {
  const signs = [...line]
  for (let count = 1 + random.int(4); count > 0; count--) {
    const at = random.int(signs.length + 1)
    const what = random.int(4)
    if (what === 0) signs.splice(at, 1 + random.int(5))
    else if (what === 1) signs.splice(at, 0, random.pick(pieces))
    else if (what === 2) signs.splice(at, 1, random.pick(pieces))
    else signs.splice(at, 0, ...signs.slice(random.int(signs.length + 1)).slice(0, random.int(20)))
  }
  return signs.join('')
}

function read(reader: (line: string) => FeedEvent, line: string): FeedEvent | undefined {
  try {
    return reader(line)
  } catch (error) {
    expect(error).toBeInstanceOf(UnreadableChange)
    expect((error as Error).message).toMatch(/^line of test_decoding cannot be read at character \d+ of \d+$/)
    return undefined
  }
}

/** What invalidation rests on. */
function touched(event: FeedEvent | undefined): unknown {
  if (event === undefined) return undefined
  if (event.kind === 'insert' || event.kind === 'update' || event.kind === 'delete') return [event.kind, event.relation]
  return event
}

describe('the reader of test_decoding', () => {
  it('reads or refuses any line, and what it reads with rows it reads without', () => {
    for (let count = 0; count < rounds; count++) {
      const line = mutated(random.pick(seeds))
      const whole = read(readTestDecoding, line)
      const brief = read(readWithoutRows, line)
      if (whole !== undefined) expect(touched(brief), line).toEqual(touched(whole))
    }
  })

  it('names the same relation however soon behind the verb a line is cut', () => {
    for (const line of seeds.filter((each) => /: (INSERT|UPDATE|DELETE):/.test(each))) {
      const verbEnd = /: (INSERT|UPDATE|DELETE):/.exec(line)
      const from = (verbEnd?.index ?? 0) + (verbEnd?.[0].length ?? 0)
      for (let end = from; end <= line.length; end++)
        expect(touched(read(readWithoutRows, line.slice(0, end)))).toEqual(touched(read(readTestDecoding, line)))
      for (let end = 0; end < from; end++) expect(read(readWithoutRows, line.slice(0, end))).toBeUndefined()
    }
  })
})
