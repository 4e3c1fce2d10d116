// URLs of archives: what they may say, what is refused, and which prefixes cover which.

import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireAllowed } from '../../../src/archive/allow.ts'
import { parseLocation } from '../../../src/archive/location.ts'
import { openArchiveStore } from '../../../src/archive/open-store.ts'
import { ServerError } from '../../../src/errors/index.ts'
import { archiveSettings, impatience } from '../../support/archive.ts'

function refusalOf(url: string): ServerError {
  try {
    parseLocation(url)
  } catch (error) {
    expect(error).toBeInstanceOf(ServerError)
    return error as ServerError
  }
  throw new Error(`${url} was accepted`)
}

describe('a location', () => {
  it.each([
    ['file:///var/backups', 'file:///var/backups'],
    ['file://localhost/var/backups/', 'file:///var/backups'],
    ['file:///', 'file:///'],
    ['file:///a//b/./c/../d', 'file:///a/b/d'],
    ['file:///a%20b/%C3%A9/%7Euser', 'file:///a%20b/%C3%A9/~user'],
    ['s3://bucket', 's3://bucket/'],
    ['s3://my.bucket-1/a/b/', 's3://my.bucket-1/a/b'],
    ['s3://bucket/p?region=eu-west-1', 's3://bucket/p?region=eu-west-1'],
    ['s3://bucket/p?endpoint=http://HOST:9000/&region=x', 's3://bucket/p?endpoint=http%3A%2F%2Fhost%3A9000&region=x'],
    ['HTTPS://Host:443/a/../b', 'https://host/b'],
    ['http://host:8080/backups/', 'http://host:8080/backups'],
    ['http://[::1]:80/x', 'http://[::1]/x'],
  ])('%s is %s', (given, canonical) => {
    expect(parseLocation(given).url).toBe(canonical)
    expect(parseLocation(canonical)).toEqual(parseLocation(given))
  })

  it.each([
    's3://AKIA:secret@bucket/x',
    'https://user:secret@host/x',
    'https://user@host/x',
    'http://:secret@host/',
    'file://user:secret@/x',
    's3://bucket/x?AWS_ACCESS_KEY_ID=AKIA&AWS_SECRET_ACCESS_KEY=secret',
    's3://bucket/x?endpoint=http://key:secret@host:9000',
    's3://bucket/x?endpoint=https://host/path?token=secret',
    'https://host/x?X-Amz-Signature=secret',
    'https://host/x#secret',
    's3://key:sec/secret@bucket/x',
    'https://u:se@cret@host/secret',
  ])('with credentials or what may be some is refused and not repeated: %s (SQL-22, ARC-17)', (url) => {
    const error = refusalOf(url)
    expect(error.sqlstate).toBe('22023')
    expect(`${error.message} ${error.detail} ${error.hint}`).not.toMatch(/secret@|:secret|=secret|#secret|AKIA|sec\//)
  })

  it.each([
    '',
    'backups',
    '/var/backups',
    'C:\\backups',
    'file:backups',
    'file:/a',
    'file://host/share',
    'file:///a\\b',
    'file:///a%2Fb',
    'file:///a%5Cb',
    'file:///a%00b',
    'file:///a%0ab',
    'file:///a\nb',
    'file:///a b',
    'file:///%zz',
    'file:///a?x=1',
    's3://',
    's3://Bucket/x',
    's3://b/x',
    's3://bucket:9000/x',
    's3://bucket/%2e%2e%2fother',
    's3://bucket/x?endpoint=file:///etc',
    's3://bucket/x?endpoint=host:9000',
    's3://bucket/x?region=a&region=b',
    's3://bucket/x?region=a%20b',
    'ftp://host/x',
    'gs://bucket/x',
    'javascript:alert(1)',
    'http://',
    'http://host/a%2f..%2fb',
  ])('that is none is refused: %j (SQL-22, BKE-8)', (url) => {
    expect(refusalOf(url).sqlstate).toBe('22023')
  })

  it('has one spelling, whatever it is written like (BKE-8)', () => {
    const word = fc.string({ minLength: 1, maxLength: 6 })
    const path = fc.array(fc.oneof(word, fc.constantFrom('.', '..', '%2e', '%2E%2e', '', 'a', '%61')), { maxLength: 6 })
    const head = fc.constantFrom('file:///', 's3://bucket/', 'http://host/', 'https://host:8443/')
    fc.assert(
      fc.property(head, path, (scheme, segments) => {
        const url = scheme + segments.join('/')
        let location: ReturnType<typeof parseLocation>
        try {
          location = parseLocation(url)
        } catch (error) {
          expect(error).toBeInstanceOf(ServerError)
          return
        }
        expect(parseLocation(location.url)).toEqual(location)
        for (const segment of location.segments) expect(segment).not.toMatch(/^\.\.?$|[/\\\0]|^$/)
      }),
      { numRuns: 2000 },
    )
  })
})

async function allows(prefixes: readonly string[], url: string, s3Endpoint = ''): Promise<boolean> {
  try {
    await requireAllowed(parseLocation(url), { archiveAllow: prefixes, s3Endpoint })
    return true
  } catch (error) {
    expect((error as ServerError).sqlstate).toBe('42501')
    return false
  }
}

describe('archive_allow (ARC-17)', () => {
  it.each([
    ['file:///a', 'file:///a', true],
    ['file:///a', 'file:///a/b/c', true],
    ['file:///a/', 'file:///a', true],
    ['file:///a', 'file:///ab', false],
    ['file:///a/b', 'file:///a', false],
    ['file:///a', 'file:///a/../b', false],
    ['file:///a', 'file:///a/%2e%2e/b', false],
    ['file:///a/x', 'file:///a/b/../x/y', true],
    ['file:///%61', 'file:///a/b', true],
    ['file:///A', 'file:///a', false],
    ['s3://bucket/a', 's3://bucket/a/b', true],
    ['s3://bucket/a', 's3://bucket/ab', false],
    ['s3://bucket', 's3://bucket/any/thing', true],
    ['s3://bucket', 's3://bucket-2/x', false],
    ['s3://bucket', 's3://bucket/x?endpoint=http://elsewhere:9000', false],
    ['s3://bucket?endpoint=http://here:9000', 's3://bucket/x?endpoint=http://HERE:9000', true],
    ['s3://bucket?endpoint=http://here:9000', 's3://bucket/x', false],
    ['s3://bucket', 's3://bucket/x?region=eu-west-1', true],
    ['s3://bucket?region=eu-west-1', 's3://bucket/x?region=us-east-1', false],
    ['https://host/a', 'https://host:443/a/b', true],
    ['https://host/a', 'http://host/a/b', false],
    ['https://host/a', 'https://host/a/../b', false],
    ['https://host/a', 'https://host:8443/a', false],
    ['https://host/a', 'https://host.evil/a', false],
    ['file:///a', 's3://bucket/a', false],
    ['nonsense', 'file:///a', false],
    ['', 'file:///a', false],
  ])('%j, asked for %s: %j', async (prefix, url, expected) => {
    expect(await allows([prefix], url)).toBe(expected)
    expect(await allows(['file:///elsewhere', prefix], url)).toBe(expected)
  })

  it('counts the configured S3 service as the one of a URL that names none', async () => {
    expect(await allows(['s3://bucket'], 's3://bucket/x?endpoint=http://here:9000', 'http://here:9000/')).toBe(true)
    expect(await allows(['s3://bucket?endpoint=http://here:9000'], 's3://bucket/x', 'http://here:9000')).toBe(true)
    expect(await allows(['s3://bucket?endpoint=http://here:9000'], 's3://bucket/x', 'http://there:9000')).toBe(false)
  })

  it('allows nothing when it is empty', async () => {
    expect(await allows([], 'file:///')).toBe(false)
  })

  it('is asked before anything is opened, and says which URL', async () => {
    const opening = openArchiveStore('http://host/x', archiveSettings(), impatience())
    await expect(opening).rejects.toMatchObject({
      sqlstate: '42501',
      message: 'permission denied for archive "http://host/x"',
    })
  })

  it('tables at the origin are not served yet', async () => {
    const opening = openArchiveStore('origin://public.backups', archiveSettings(), impatience())
    await expect(opening).rejects.toMatchObject({ sqlstate: '0A000' })
  })

  describe('with links', () => {
    let directory = ''
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'larder-allow-'))
      await mkdir(join(directory, 'allowed/inner'), { recursive: true })
      await mkdir(join(directory, 'outside'))
      await symlink(join(directory, 'outside'), join(directory, 'allowed/out'))
      await symlink(join(directory, 'allowed/inner'), join(directory, 'allowed/in'))
      await symlink(join(directory, 'nowhere'), join(directory, 'allowed/dangling'))
      await symlink(join(directory, 'allowed'), join(directory, 'alias'))
    })
    afterAll(() => rm(directory, { recursive: true }))

    it.each([
      ['allowed', 'allowed/inner', true],
      ['allowed', 'allowed/in', true],
      ['allowed', 'allowed/not/there/yet', true],
      ['allowed', 'allowed/out', false],
      ['allowed', 'allowed/out/deeper', false],
      ['alias', 'alias/inner', true],
      ['alias', 'allowed/inner', false],
    ])('%s, asked for %s: %j (BKE-8)', async (prefix, path, expected) => {
      expect(await allows([`file://${directory}/${prefix}`], `file://${directory}/${path}`)).toBe(expected)
    })

    it('a link to nowhere is not followed (BKE-8)', async () => {
      const url = `file://${directory}/allowed/dangling/x`
      const asked = requireAllowed(parseLocation(url), {
        archiveAllow: [`file://${directory}/allowed`],
        s3Endpoint: '',
      })
      await expect(asked).rejects.toThrow('ENOENT')
    })
  })
})
