import { describe, expect, it } from 'vitest'
import { conditions, ServerError, StartupError, startupErrorOf } from '../../../src/errors/index.ts'

describe('a server error', () => {
  it('carries the SQLSTATE, severity and filled-in message of its condition', () => {
    const error = new ServerError(conditions.undefinedTable, ['cache.nothing'], { position: 15 })
    expect(error).toMatchObject({
      sqlstate: '42P01',
      severity: 'ERROR',
      message: 'relation "cache.nothing" does not exist',
      position: 15,
      hint: undefined,
    })
  })

  it('takes arguments literally, also when they hold a placeholder', () => {
    const error = new ServerError(conditions.invalidParameterValue, ['%s', '$&'])
    expect(error.message).toBe('invalid value for parameter "%s": "$&"')
  })
})

describe('the table of conditions', () => {
  it.each(Object.entries(conditions))('words %s as PostgreSQL would', (_, condition) => {
    expect(condition.sqlstate).toMatch(/^[0-9A-Z]{5}$/)
    expect(condition.message).not.toMatch(/\.$/)
    expect(condition.message).toMatch(/^(?:[a-z%]|COPY )/)
  })
})

describe('a failure to start', () => {
  it('keeps the line and hint of a server error', () => {
    const problem = startupErrorOf(new ServerError(conditions.undefinedFile, ['x.toml'], { hint: 'Look again.' }))
    expect([problem.message, problem.hint, problem.exitCode]).toEqual([
      'could not open file "x.toml": no such file',
      'Look again.',
      1,
    ])
  })

  it('is passed on as it is when it knows its own hint', () => {
    const error = new StartupError('unknown flag --x', 'Try --help.', { exitCode: 2 })
    expect(startupErrorOf(error)).toBe(error)
  })

  it.each([
    [
      { code: 'EADDRINUSE', syscall: 'listen', address: '127.0.0.1', port: 6432 },
      'the address 127.0.0.1:6432 is in use',
    ],
    [{ code: 'EACCES', syscall: 'listen', address: '127.0.0.1', port: 80 }, 'no permission to listen on 127.0.0.1:80'],
    [
      { code: 'EADDRNOTAVAIL', syscall: 'listen', address: '8.8.8.8', port: 80 },
      'cannot listen on 8.8.8.8:80: refused',
    ],
    [{ code: 'EACCES', path: '/data' }, 'no permission for "/data"'],
    [{ code: 'ENOSPC' }, 'no space left for'],
    [{ code: 'EWHATEVER' }, 'refused'],
  ])('is one line with a hint for %o', (fields, message) => {
    const problem = startupErrorOf(Object.assign(new Error('refused\n  more'), fields))
    expect(problem.message).toBe(message)
    expect(problem.hint).toMatch(/^[A-Z].*\.$/)
  })
})
