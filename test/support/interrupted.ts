// A deed over a store on a disk in memory, interrupted at each operation of the disk: by a loss of power, or by a failure of the
// operation itself. A test says what the deed is and what the disk has to say afterwards.

import type { Random } from '../../src/base/index.ts'
import type { L2Stage } from './blob.ts'
import type { FaultyDisk } from './faulty-disk.ts'

type Deed = (stage: L2Stage) => Promise<unknown>
/** What is found on a disk; throws if it is not whole. */
type Look = (disk: FaultyDisk, stage: L2Stage) => string

const imagesPerOperation = 4
const imagesAfterwards = 20

/** How often what was found: while it is done, and when it has been done. */
export async function foundAfterLossOfPower(
  stage: L2Stage,
  deed: Deed,
  look: Look,
  random: Random,
): Promise<{ readonly meanwhile: ReadonlySet<string>; readonly afterwards: ReadonlySet<string> }> {
  const meanwhile = new Set<string>()
  stage.disk.onOperation = () => {
    for (let round = 0; round < imagesPerOperation; round++) meanwhile.add(look(stage.disk.image(random), stage))
    meanwhile.add(look(stage.disk.afterKill(), stage))
  }
  await deed(stage)
  stage.disk.onOperation = undefined
  const afterwards = new Set<string>()
  for (let round = 0; round < imagesAfterwards; round++) afterwards.add(look(stage.disk.image(random), stage))
  return { meanwhile, afterwards }
}

/** The deed done once for each of its operations, which fails: `done` or `failed`, and what is found then. */
export async function foundAfterFailures(
  prepared: () => Promise<L2Stage>,
  deed: Deed,
  look: Look,
): Promise<ReadonlySet<string>> {
  const counting = await prepared()
  const before = counting.disk.operations
  await deed(counting)
  const count = counting.disk.operations - before
  const outcomes = new Set<string>()
  for (let operation = 0; operation < count; operation++) {
    for (const code of ['EIO', 'ENOSPC']) {
      const stage = await prepared()
      stage.disk.failAt(stage.disk.operations + operation, code)
      const outcome = await deed(stage).then(
        () => 'done',
        () => 'failed',
      )
      outcomes.add(`${outcome} ${look(stage.disk.afterKill(), stage)}`)
    }
  }
  return outcomes
}
