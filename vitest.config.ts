// One Vitest project per kind of test; `--project unit` runs one alone.

import { defineConfig } from 'vitest/config'

const kinds = ['unit', 'contract', 'property', 'fuzz', 'crash', 'fixtures', 'clients', 'stress', 'tidy'] as const

const timeoutMs = (kind: (typeof kinds)[number]): number => (kind === 'stress' ? 300_000 : 30_000)

export default defineConfig({
  test: {
    pool: 'forks',
    // Test files of a kind follow each other in one process: to load the server anew for each costs more than most tests.
    isolate: false,
    // Kinds share most of the sources: what one has transformed is found by the others, and by the next run, under its hash.
    experimental: { fsModuleCache: true },
    maxWorkers: 2,
    projects: kinds.map((kind) => ({
      extends: true as const,
      test: {
        name: kind,
        include: [`test/${kind}/**/*.test.ts`],
        testTimeout: timeoutMs(kind),
        hookTimeout: 60_000,
      },
    })),
  },
})
