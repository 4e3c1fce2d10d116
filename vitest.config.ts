// One Vitest project per kind of test; `--project unit` runs one alone. vitest.daily.ts has those of the daily check.

import { defineConfig } from 'vitest/config'

const kinds = ['unit', 'contract', 'property', 'fuzz', 'crash', 'fixtures', 'clients', 'stress', 'tidy'] as const

const timeoutMs = (kind: (typeof kinds)[number]): number => (kind === 'stress' ? 300_000 : 30_000)

export const common = {
  pool: 'forks',
  maxWorkers: 2,
  // Test files follow each other in one process: to load the server anew for each costs more than most tests.
  isolate: false,
  // Kinds share most of the sources: what one has transformed is found by the others, and by the next run, under its hash.
  experimental: { fsModuleCache: true },
  hookTimeout: 60_000,
  // What is waited for comes when a busy machine gets to it.
  expect: { poll: { timeout: 20_000 } },
} as const

export default defineConfig({
  test: {
    ...common,
    projects: kinds.map((kind) => ({
      extends: true as const,
      test: {
        name: kind,
        include: [`test/${kind}/**/*.test.ts`],
        testTimeout: timeoutMs(kind),
      },
    })),
  },
})
