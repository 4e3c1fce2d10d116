// The daily check: the quick kinds of test as one, so that what they share is loaded once in each process.
// What starts processes, moves archives or follows a stream of changes is left to the whole run (vitest.config.ts).

import { defineConfig } from 'vitest/config'
import { common } from './vitest.config.ts'

const kinds = ['tidy', 'unit', 'contract', 'property', 'fixtures']

export default defineConfig({
  test: {
    ...common,
    // One waits for a Postgres most of the time, whichever it is.
    maxWorkers: 3,
    include: kinds.map((kind) => `test/${kind}/**/*.test.ts`),
    exclude: [
      'test/contract/{archive,blobs,cdc,command,origin}/**',
      'test/property/cdc/row-precision.test.ts',
      'test/contract/virtual/{psql,system-database}.test.ts',
      'test/unit/archive/{backup,backup-service,restore}.test.ts',
    ],
    testTimeout: 30_000,
  },
})
