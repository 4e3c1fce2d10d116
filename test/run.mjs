// Runs one kind of test with flags that Vitest does not know: node test/run.mjs KIND [--rewrite] [--long] [--rounds N] [--seed N] [--reads N] [--cases N] [vitest arguments]
//
//   --rewrite   expected output is written instead of compared (fixtures, tables in documents): KIND_REWRITE=1
//   --long      the long run of a random test: KIND_LONG=1
//   --rounds N  how many times a random test goes round: ROUNDS=N
//   --seed N    the seed of a random test: SEED=N
//   --reads N   how many reads a stress test makes: READS=N
//   --cases N   how many cases a random test makes: CASES=N

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const [kind = '', ...rest] = process.argv.slice(2)
const environment = { ...process.env }
const passedOn = []
while (rest.length > 0) {
  const argument = rest.shift()
  if (argument === '--rewrite') environment[`${kind.toUpperCase()}_REWRITE`] = '1'
  else if (argument === '--long') environment[`${kind.toUpperCase()}_LONG`] = '1'
  else if (argument === '--rounds') environment.ROUNDS = rest.shift() ?? ''
  else if (argument === '--reads') environment.READS = rest.shift() ?? ''
  else if (argument === '--cases') environment.CASES = rest.shift() ?? ''
  else if (argument === '--seed') environment.SEED = rest.shift() ?? ''
  else passedOn.push(argument)
}
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
const { status } = spawnSync(process.execPath, [vitest, 'run', '--project', kind, ...passedOn], {
  stdio: 'inherit',
  env: environment,
})
process.exit(status ?? 1)
