// The live store gives way to another that lies beside it (ARC-13): generations first, then the switch, which happens or not.
//
//   (1) what the live store says of its namespaces is laid over the other one, and committed there
//   (2) the live store is closed
//   (3) CURRENT is made to name the other one
//
// Before (2) an error leaves everything as it was. After it whoever called opens the directory anew and has the one or the
// other store, whole.

import type { Disk } from '../../base/index.ts'
import { makeLive, Store } from '../../storage/index.ts'
import type { L2 } from './l2.ts'
import { type Adoption, adopt, type LiveFacts } from './l2-adopt.ts'

interface Replacement {
  readonly disk: Disk
  /** In which both stores lie. */
  readonly directory: string
  /** Of the one that follows. */
  readonly name: string
  readonly keepDerived: boolean
  /** A second tier over it, as the live one is. */
  readonly layOn: (store: Store) => L2
}

/** When it has returned, or has thrown and left the live store closed, the directory is to be opened anew. */
export async function replaceStore(live: L2, { disk, directory, name, ...rest }: Replacement): Promise<Adoption> {
  await live.commit()
  const beside = Store.openBeside(disk, directory, name, { strategy: 'bulk_write' })
  let adoption: Adoption
  try {
    const l2 = rest.layOn(beside)
    adoption = adopt(l2, factsOf(live), rest.keepDerived)
    await l2.commit()
    await l2.close()
  } catch (error) {
    await beside.close().catch(() => undefined)
    throw error
  }
  await live.close()
  makeLive(disk, directory, name)
  return adoption
}

function factsOf(live: L2): LiveFacts {
  const { storeId, incarnation } = live.store.header
  return {
    storeId: Buffer.from(storeId).toString('hex'),
    incarnation,
    lastId: live.namespaces.lastId,
    namespaces: [...live.namespaces.living()].map(({ name, id, generation, options, root, floor, lineage }) => ({
      ...{ name, id, generation, options, root, floor, lineage },
    })),
  }
}
