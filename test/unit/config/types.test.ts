import { describe, expect, it } from 'vitest'
import { nearest } from '../../../src/config/nearest.ts'
import {
  address,
  bytes,
  connectionString,
  duration,
  enumeration,
  integer,
  list,
  text,
} from '../../../src/config/setting-types.ts'
import { ServerError } from '../../../src/errors/index.ts'

function refusal(run: () => unknown): ServerError {
  try {
    run()
  } catch (error) {
    if (error instanceof ServerError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('sizes and durations are read as PostgreSQL reads them, in powers of 1024 (G-9)', () => {
  it.each([
    ['1', 1],
    ['0', 0],
    ['1kB', 1024],
    ['1.5MB', 1_572_864],
    [' 2 GB ', 2_147_483_648],
    ['.5kB', 512],
    ['1e3', 1000],
    ['12B', 12],
  ])('%s is %d bytes', (given, value) => {
    expect(bytes().parse(given, 'x')).toBe(value)
  })

  it.each([
    ['250', 250],
    ['30s', 30_000],
    ['1500us', 2],
    ['5min', 300_000],
    ['1h', 3_600_000],
    ['1.5d', 129_600_000],
  ])('%s is %d milliseconds', (given, value) => {
    expect(duration().parse(given, 'x')).toBe(value)
  })

  it.each([
    [1024, '1kB'],
    [1000, '1000B'],
    [268_435_456, '256MB'],
    [0, '0'],
  ])('%d bytes are shown as %s', (value, shown) => {
    expect(bytes().render(value)).toBe(shown)
  })

  it.each([
    [90_000, '90s'],
    [60_000, '1min'],
    [86_400_000, '1d'],
    [1, '1ms'],
    [0, '0'],
  ])('%d milliseconds are shown as %s', (value, shown) => {
    expect(duration().render(value)).toBe(shown)
  })

  it.each(['', 'abc', '12 parsecs', '1KB', '1mb', '--1', '1 2'])('"%s" is refused with the units as hint', (given) => {
    const error = refusal(() => bytes().parse(given, 'cache.x'))
    expect(error.sqlstate).toBe('22023')
    expect(error.message).toBe(`invalid value for parameter "cache.x": "${given}"`)
    expect(error.hint).toBe('Valid units for this parameter are "B", "kB", "MB", "GB", and "TB".')
  })

  it('is refused outside its range, which is named', () => {
    const error = refusal(() => bytes({ min: '1kB', max: '1MB' }).parse('2MB', 'cache.x'))
    expect(error.message).toBe('2MB is outside the valid range for parameter "cache.x" (1kB .. 1MB)')
    expect(refusal(() => duration().parse('-1', 'cache.x')).sqlstate).toBe('22023')
  })
})

describe('an enum', () => {
  const type = enumeration(['on', 'off', 'declared'])

  it.each([
    ['ON', 'on'],
    [' declared ', 'declared'],
    ['true', 'on'],
    ['0', 'off'],
    ['no', 'off'],
  ])('reads %s as %s', (given, value) => {
    expect(type.parse(given, 'x')).toBe(value)
  })

  it('refuses another word and names those it takes', () => {
    expect(refusal(() => type.parse('maybe', 'x')).hint).toBe('Available values: on, off, declared.')
  })

  it('does not take booleans where on and off are not among its words', () => {
    expect(refusal(() => enumeration(['notice', 'error']).parse('true', 'x')).sqlstate).toBe('22023')
  })

  it('says of a word of a later release that it is not supported', () => {
    const error = refusal(() => enumeration(['session', 'strict'], ['strict']).parse('strict', 'x'))
    expect([error.sqlstate, error.hint]).toEqual(['0A000', 'Available values: session.'])
  })
})

describe('other types', () => {
  it('reads integers within their bounds', () => {
    const type = integer({ min: 1, max: 10 })
    expect(type.parse(' 7 ', 'x')).toBe(7)
    expect(refusal(() => type.parse('7.5', 'x')).sqlstate).toBe('22023')
    expect(refusal(() => type.parse('11', 'x')).message).toContain('(1 .. 10)')
  })

  it('reads lists, and an empty text as an empty one', () => {
    expect(list('names').parse('a, b ,,c', 'x')).toEqual(['a', 'b', 'c'])
    expect(list('names').parse('', 'x')).toEqual([])
    expect(list('names').render(['a', 'b'])).toBe('a, b')
  })

  it('reads texts of a pattern', () => {
    const type = text({ pattern: /^[a-z]+$/, accepts: 'a word' })
    expect(type.parse('abc', 'x')).toBe('abc')
    expect(refusal(() => type.parse('A', 'x')).hint).toBe('Expected a word.')
  })

  it.each([
    ['127.0.0.1:6432', { host: '127.0.0.1', port: 6432 }, '127.0.0.1:6432'],
    ['[::1]:5', { host: '::1', port: 5 }, '[::1]:5'],
    [':6432', { host: '0.0.0.0', port: 6432 }, '0.0.0.0:6432'],
    ['*:6432', { host: '0.0.0.0', port: 6432 }, '0.0.0.0:6432'],
    ['localhost:0', { host: 'localhost', port: 0 }, 'localhost:0'],
  ])('reads the address %s', (given, value, shown) => {
    expect(address().parse(given, 'x')).toEqual(value)
    expect(address().render(value)).toBe(shown)
  })

  it.each(['6432', 'host', 'host:99999', '::1:5', 'a b:5', ''])('refuses the address "%s"', (given) => {
    expect(refusal(() => address().parse(given, 'x')).hint).toContain('host:port')
  })

  it('never shows the password of a URL, neither as value nor in a refusal', () => {
    const type = connectionString()
    expect(type.render(type.parse('host=db password=secret', 'x'))).toBe('host=db password=********')
    expect(type.render(type.parse('postgres://ada:secret@db/app', 'x'))).toBe('postgres://ada:********@db/app')
    expect(refusal(() => type.parse('mysql://ada:secret@db/app', 'x')).message).not.toContain('secret')
    expect(type.parse('', 'x')).toBe('')
  })
})

describe('the nearest word', () => {
  it.each([
    ['l1_byte_max', 'l1_bytes_max'],
    ['resutl_ttl', 'result_ttl'],
    ['zzz', undefined],
    ['', undefined],
  ])('for %s is %s', (word, expected) => {
    expect(nearest(word, ['l1_bytes_max', 'result_ttl', 'listen'])).toBe(expected)
  })
})
