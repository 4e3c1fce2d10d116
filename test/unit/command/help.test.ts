import { describe, expect, it } from 'vitest'
import { flagOf, settingTable } from '../../../src/config/index.ts'
import { banner, generalHelp, type Ready, serveHelp } from '../../../src/help.ts'

const ready: Ready = {
  host: '127.0.0.1',
  port: 6432,
  originDescription: 'PostgreSQL 18.1, embedded',
  dataDirectory: './larder-data',
  user: 'postgres',
  database: 'postgres',
}

describe('the banner', () => {
  it('says what serves, from which origin and directory, and the command to type', () => {
    expect(banner('1.2.3', ready)).toBe(`Larder 1.2.3 serves Postgres clients on 127.0.0.1:6432
  origin          PostgreSQL 18.1, embedded
  data directory  ./larder-data
  connect with    psql -h 127.0.0.1 -p 6432 -U postgres -d postgres
`)
  })

  it('names an address one can connect to when it listens on every interface', () => {
    expect(banner('1.2.3', { ...ready, host: '0.0.0.0' })).toContain('psql -h 127.0.0.1 ')
    expect(banner('1.2.3', { ...ready, host: '::' })).toMatch(/on \[::\]:6432\n(.*\n)*.*psql -h ::1 /)
  })

  it('quotes names as the shell needs them, and leaves out a directory it does not use', () => {
    const text = banner('1.2.3', { ...ready, user: "o'hara", database: 'two words', dataDirectory: undefined })
    expect(text).toContain(`-U 'o'\\''hara' -d 'two words'`)
    expect(text).not.toContain('data directory')
  })

  it('adds what is not as one would expect', () => {
    expect(banner('1.2.3', { ...ready, notices: ['it lies elsewhere'] })).toContain(
      '\n  note            it lies elsewhere\n',
    )
  })
})

describe('help', () => {
  it('names every setting as a flag', () => {
    const text = serveHelp()
    for (const row of settingTable) expect(text).toContain(`  ${flagOf(row.name)} (`)
  })

  it.each([generalHelp, serveHelp()])('stays within the width of a terminal', (text) => {
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  })
})
