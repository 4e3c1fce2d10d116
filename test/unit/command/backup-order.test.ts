// The arguments of larder backup and larder restore.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readBackupArguments } from '../../../src/backup-order.ts'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'larder-order-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

it('are theirs or settings, in both spellings', () => {
  const { order, quiet, flags } = readBackupArguments('backup', [
    ...['--url=s3://b/p?region=x', '--namespace', 'a', '--s3-region', 'eu-west-1', '--namespace=b', '--quiet'],
    ...['--config', 'larder.toml'],
  ])
  expect(order).toMatchObject({ verb: 'backup', url: 's3://b/p?region=x', namespaces: ['a', 'b'] })
  expect(quiet).toBe(true)
  expect([...flags.settings]).toEqual([['s3_region', 'eu-west-1']])
  expect(flags.configFile).toBe('larder.toml')
})

it('mean the latest backup of the default collection, whole, if nothing is said', () => {
  expect(readBackupArguments('restore', []).order).toEqual({
    ...{ verb: 'restore', url: undefined, id: 'LATEST', verifyOnly: false },
    ...{ namespaces: undefined, passphrase: undefined },
  })
  expect(readBackupArguments('restore', ['--verify-only', '--id', 'x']).order).toMatchObject({
    id: 'x',
    verifyOnly: true,
  })
})

it('read the passphrase from the first line of a file', () => {
  const path = join(directory, 'passphrase')
  for (const text of ['open sesame', 'open sesame\n', 'open sesame\r\nnot this\n']) {
    writeFileSync(path, text)
    expect(readBackupArguments('backup', ['--passphrase-file', path]).order.passphrase).toBe('open sesame')
  }
  writeFileSync(path, '\n')
  expect(() => readBackupArguments('backup', ['--passphrase-file', path])).toThrow('is empty')
})

it.each([
  [['--urll', 'x'], 'unknown flag --urll', 'Perhaps you meant --url.'],
  [['--s3-regoin', 'x'], 'unknown flag --s3-regoin', 'Perhaps you meant --s3-region.'],
  [['--url'], 'flag --url needs a value', 'larder backup --help lists the flags.'],
  [['--quiet=yes'], 'flag --quiet takes no value', 'larder backup --help lists the flags.'],
  [['--verify-only'], 'unknown flag --verify-only', undefined],
  [['now'], 'unexpected argument "now"', 'larder backup --help lists the flags.'],
])('refuse %j', (args, message, hint) => {
  expect(() => readBackupArguments('backup', args)).toThrow(
    expect.objectContaining({ message, exitCode: 2, ...(hint === undefined ? {} : { hint }) }),
  )
})
