// parseOriginUrl against libpq's rules. The environment is always given, so that the machine's own PG* variables and files
// decide nothing, except where a test is about libpq's defaults.

import { describe, expect, test } from 'vitest'
import { StartupError } from '../../../src/errors/index.ts'
import { type OriginTarget, parseOriginUrl } from '../../../src/origin/index.ts'

const parse = (text: string, env: Record<string, string> = {}): OriginTarget => parseOriginUrl(text, env)

function problemOf(text: string, env: Record<string, string> = {}): string {
  try {
    parse(text, env)
  } catch (error) {
    expect(error).toBeInstanceOf(StartupError)
    const { message, hint, exitCode } = error as StartupError
    expect(exitCode).toBe(2)
    expect(hint).toMatch(/\.$/)
    return `${message}\n${hint}`
  }
  throw new Error('it was accepted')
}

describe('a URL', () => {
  test.each([
    ['postgresql://u:p@h:6543/d', { user: 'u', password: 'p', host: 'h', port: 6543, database: 'd' }],
    ['postgres://u@h', { user: 'u', password: undefined, host: 'h', port: 5432, database: 'u' }],
    ['postgresql://u@[::1]:7/d', { host: '::1', port: 7, socketPath: undefined }],
    ['postgresql://u@h/?dbname=other', { database: 'other' }],
    ['postgresql://u:%40%2F%3A%3F@h/d%20e', { password: '@/:?', database: 'd e' }],
    ['postgresql://u:a:b@h/d', { password: 'a:b' }],
    ['postgresql://h/d?user=u&password=p', { host: 'h', user: 'u', password: 'p' }],
    ['postgresql://u@/d?host=/run/pg&port=5433', { host: '/run/pg', socketPath: '/run/pg/.s.PGSQL.5433' }],
    ['postgresql://u@%2Frun%2Fpg/d', { host: '/run/pg', socketPath: '/run/pg/.s.PGSQL.5432', database: 'd' }],
    ['postgresql://u@h/d?ssl=true', { sslMode: 'require' }],
    ['postgresql://u@h/d?sslmode=verify-full&sslrootcert=/ca', { sslMode: 'verify-full', sslRootCert: '/ca' }],
    ['postgresql://u@h/d?sslrootcert=system', { sslMode: 'verify-full' }],
    ['postgresql://u@h/d?sslmode=require&sslnegotiation=direct', { sslNegotiation: 'direct' }],
    ['postgresql://u@h/d?sslcert=/c&sslkey=/k&sslsni=0', { sslCert: '/c', sslKey: '/k', sslSni: false }],
    ['postgresql://u@h/d?connect_timeout=3', { connectTimeoutMs: 3000 }],
    ['postgresql://u@h/d?connect_timeout=0', { connectTimeoutMs: 0 }],
    ['postgresql://u@h/d?application_name=me&options=-c%20work_mem%3D8MB', { options: '-c work_mem=8MB' }],
    ['postgresql://u@h/d?gssencmode=prefer&keepalives=1&target_session_attrs=any', { host: 'h' }],
    ['postgresql://u@h/d?hostaddr=10.0.0.1', { host: 'h', hostAddress: '10.0.0.1' }],
  ] as const)('%s', (text, expected) => {
    expect(parse(text)).toMatchObject(expected)
  })

  test('has libpq’s defaults for what nobody says', () => {
    expect(parse('postgresql://u@h')).toMatchObject({
      sslMode: 'prefer',
      sslNegotiation: 'postgres',
      sslSni: true,
      connectTimeoutMs: undefined,
      password: undefined,
    })
  })
})

describe('a list of key=value pairs', () => {
  test.each([
    ['host=h user=u dbname=d port=1', { host: 'h', user: 'u', database: 'd', port: 1 }],
    ["host = h user = 'a b' password='it\\'s'", { host: 'h', user: 'a b', password: "it's" }],
    ['host=h user=u password=a\\ b', { password: 'a b' }],
    ["host=h user=u password='' dbname=d", { password: undefined }],
    ['host=/tmp user=u', { socketPath: '/tmp/.s.PGSQL.5432', database: 'u' }],
    ['hostaddr=127.0.0.1 user=u', { host: '127.0.0.1', hostAddress: '127.0.0.1' }],
  ] as const)('%s', (text, expected) => {
    expect(parse(text)).toMatchObject(expected)
  })
})

describe('the environment', () => {
  const env = { PGHOST: 'eh', PGPORT: '99', PGUSER: 'eu', PGPASSWORD: 'ep', PGDATABASE: 'ed', PGSSLMODE: 'require' }

  test('fills in what the URL leaves out', () => {
    expect(parse('postgresql://', env)).toMatchObject({
      host: 'eh',
      port: 99,
      user: 'eu',
      password: 'ep',
      database: 'ed',
      sslMode: 'require',
    })
  })

  test('may say everything', () => {
    expect(parse('', env)).toEqual(parse('postgresql://eu:ep@eh:99/ed?sslmode=require'))
  })

  test('gives way to what the URL says', () => {
    expect(parse('postgresql://u:p@h:1/d?sslmode=disable', env)).toMatchObject({
      host: 'h',
      port: 1,
      user: 'u',
      password: 'p',
      database: 'd',
      sslMode: 'disable',
    })
  })

  test('counts for nothing where a variable is empty', () => {
    expect(parse('postgresql://u@h', { PGPORT: '', PGDATABASE: '' })).toMatchObject({ port: 5432, database: 'u' })
  })

  test('is checked like the URL', () => {
    expect(problemOf('postgresql://u@h', { PGSSLMODE: 'sometimes' })).toContain('"sslmode" is none of disable, allow')
  })
})

describe('an error names what is wrong', () => {
  test.each([
    ['postgresql://u@h/d?sslmod=require', '"sslmod"'],
    ['postgresql://u@h/d?sslmode=maybe', '"sslmode"'],
    ['postgresql://u@h:notaport/d', '"port"'],
    ['postgresql://u@h:70000/d', '"port"'],
    ['postgresql://u@h/d?connect_timeout=soon', '"connect_timeout"'],
    ['postgresql://u@a,b/d', 'more than one host'],
    ['host=a,b user=u', 'more than one host'],
    ['postgresql://u@h/d?gssencmode=require', '"gssencmode"'],
    ['postgresql://u@h/d?service=x', '"service"'],
    ['postgresql://u@h/d?sslnegotiation=direct', 'sslmode=require'],
    ['postgresql://u@h/d?sslmode=require&sslrootcert=system', 'verify-full'],
    ['postgresql://u@h/d?user', 'name=value'],
    ['postgresql://u:%4@h/d', 'hexadecimal'],
    ['postgresql://u:%ff%ff@h/d', 'UTF-8'],
    ['localhost:5432', 'key=value'],
    ['mysql://u@h/d', 'key=value'],
    ["host=h password='open", 'key=value'],
  ])('%s', (text, part) => {
    expect(problemOf(text)).toContain(part)
  })
})

describe('the password is never told', () => {
  test.each([
    'postgresql://u:s3cret@h:70000/d',
    'postgresql://u:s3cret@x@h/d',
    'postgresql://u:s3cret/y@h/d',
    'postgresql://u:x@s3cret@h/d',
    'postgresql://u:x/s3cret@h/d',
    'postgresql://u:x/s3cret?z@h/d',
    'postgresql://u:s3cret%@h/d',
    'postgresql://u:s3cret@h/d?nonsense=1',
    'postgresql://h/d?password=s3cret&port=x',
    'host=h password=s3cret port=x',
    "host=h password='s3cret",
    'host=h password=s3cret more',
  ])('in the error for %s', (text) => {
    expect(problemOf(text)).not.toContain('s3cret')
  })

  test.each([
    ['postgresql://u:s3cret@h:6543/d', 'postgresql://u@h:6543/d'],
    ['postgresql://u:s3cret@[::1]/d?sslmode=require', 'postgresql://u@[::1]:5432/d?sslmode=require'],
    ['postgresql://u:s3cret@/d?host=/run/pg', 'postgresql://u@/d?host=/run/pg'],
    ['host=/run/pg user=u port=1 dbname=d', 'postgresql://u@/d?host=/run/pg&port=1'],
  ])('in how %s is shown, which reads back as the same place', (text, display) => {
    const target = parse(text)
    expect(target.display).toBe(display)
    expect(parse(target.display)).toEqual({ ...target, password: undefined })
  })
})
