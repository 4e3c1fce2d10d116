// What comments ask of the cache.

import { describe, expect, it } from 'vitest'
import { type Hints, noHints, readHints } from '../../../src/sql/index.ts'

function hints(wanted: Partial<Hints>): Hints {
  return { ...noHints, ...wanted }
}

describe('hints', () => {
  it.each<[string, Partial<Hints>]>([
    ['/*+ cache */ select 1', { cache: 'on' }],
    ['select 1 /*+ cache */', { cache: 'on' }],
    ['  /*+cache*/select 1;', { cache: 'on' }],
    ['select 1 /*+ cache */ ; ', { cache: 'on' }],
    ['/*+ nocache */ select 1', { cache: 'off' }],
    ['/*+ NoCache */ select 1', { cache: 'off' }],
    ['/*+ cache(refresh) */ select 1', { cache: 'refresh' }],
    ['/*+ cache() */ select 1', { cache: 'on' }],
    ['/*+ cache(ttl=60s) */ select 1', { cache: 'on', ttlMs: 60_000 }],
    ["/*+ cache(refresh, ttl = '1.5min', tags=a|b) */ select 1", { cache: 'refresh', ttlMs: 90_000, tags: ['a', 'b'] }],
    ['/*+ cache(ttl=250) */ select 1', { cache: 'on', ttlMs: 250 }],
    ['/*+ cache(ttl=0) */ select 1', { cache: 'on', ttlMs: 0 }],
    ['/*+ SeqScan(t) cache(ttl=5s) Leading((a b)) */ select 1', { cache: 'on', ttlMs: 5000 }],
    ['/*+ SeqScan(cache) IndexScan(t nocache) */ select 1', {}],
    ['/*+\n  cache(\n ttl=5s\n)\n*/ select 1', { cache: 'on', ttlMs: 5000 }],
    [
      '/*+ cache(consistency=strict, max_staleness=50ms) */ select 1',
      {
        cache: 'on',
        others: new Map([
          ['consistency', 'strict'],
          ['max_staleness', '50ms'],
        ]),
      },
    ],
    [
      '/*+ cache(in_transaction=never, l2=off) */ select 1',
      {
        cache: 'on',
        others: new Map([
          ['in_transaction', 'never'],
          ['l2', 'off'],
        ]),
      },
    ],
    ['/*NO QUERY CACHE*/ select 1', { cache: 'off' }],
    ['/* no query cache */ select 1', { cache: 'off' }],
    ['/*rs+ SKIP CACHE */ select 1', { cache: 'off' }],
    ['/*FORCE QUERY CACHE*/ select 1', { cache: 'on' }],
    ['/*+ cache */ select 1 /*NO QUERY CACHE*/', { cache: 'off' }],
    ['/*NO QUERY CACHE*/ select 1 /*+ cache(refresh) */', { cache: 'off' }],
    ['/*+ cache(refresh) */ select 1 /*FORCE QUERY CACHE*/', { cache: 'refresh' }],
    ["select 1 /*cache='off'*/", { cache: 'off' }],
    ["select 1 /*cache='refresh',cache_ttl='60s'*/", { cache: 'refresh', ttlMs: 60_000 }],
    [
      "select 1 /*cache_tags='a,b%20c',cache_consistency='bounded'*/",
      {
        tags: ['a', 'b c'],
        others: new Map([['consistency', 'bounded']]),
      },
    ],
    [
      "select 1 /*action='it%27s',cache='on',traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01'*/",
      {
        cache: 'on',
        traceparent: '00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01',
      },
    ],
    ["select 1 /*route='/a?b=\\'c\\'',db_driver='pg'*/", {}],
    ["select 1 /* the cache='off' of yesterday */", {}],
    ['-- /*+ nocache */\nselect 1', {}],
    ['/* cache */ select 1', {}],
    ['select /*+ nocache */ 1', {}],
    ["select '/*+ nocache */'", {}],
    ['select 1', {}],
    ['/*+ nocache */', { cache: 'off' }],
    ["/*+ nocache */ select 'open", { cache: 'off' }],
    ["select 'open /*+ nocache */", {}],
  ])('reads %s', (text, wanted) => {
    expect(readHints(text)).toEqual(hints(wanted))
  })

  it.each<[string, Partial<Hints>, string]>([
    ['/*+ cache(tll=5s) */ select 1', { cache: 'on' }, 'unrecognized hint option "tll"'],
    ['/*+ cache(ttl=soon) */ select 1', { cache: 'on' }, 'invalid value for hint "ttl": "soon"'],
    ['/*+ cache(ttl) */ select 1', { cache: 'on' }, 'syntax error in hint "cache" at or near "ttl"'],
    ['/*+ cache(ttl=5s */ select 1', {}, 'unclosed bracket in hint "cache"'],
    ['/*+ nocache(x) */ select 1', { cache: 'off' }, 'hint "nocache" takes no arguments'],
    ["select 1 /*cache='maybe'*/", {}, 'invalid value for hint "cache": "maybe"'],
    ["select 1 /*cache_ttl='-1s'*/", {}, 'invalid value for hint "ttl": "-1s"'],
    ["select 1 /*cache_colour='red'*/", {}, 'unrecognized hint option "colour"'],
  ])('says what is wrong with %s', (text, wanted, message) => {
    expect(readHints(text)).toEqual(hints({ ...wanted, errors: [message] }))
  })
})
