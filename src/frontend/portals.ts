// The portals of the transaction under way and what each runs, since an Execute may come groups after its Bind: drivers fetch a long
// answer in portions that way.
//
// Known is what was bound before our eyes; all is forgotten where that might be wrong: after an error (a Bind may not have happened),
// at ROLLBACK TO, at the end of a transaction, and after whatever may hold any of these unseen. Then an Execute counts as one of a
// statement of which nothing is known. One thing cannot be seen: a cursor that a function or DECLARE opens under the name of a portal that
// has gone. But then that function or DECLARE counts as a write of the block already, and no cursor can be a COMMIT.

import type { StatementText } from '../cache/plans/index.ts'
import { status } from '../wire/index.ts'
import type { Step } from './batch.ts'
import type { Session } from './session.ts'
import type { Aside } from './source-text.ts'

interface Portal {
  readonly text: StatementText
  readonly aside: Aside | undefined
  readonly parameters: string
}

/** What the rest of it is is the own room's. */
interface OwnPortalBase {
  /** The origin has one of its name, which goes when this one must (own-shadows.ts). */
  readonly shadowed: boolean
}

export class Portals {
  /** Of our own statements, by name; undefined under a name that was closed. */
  ours: Map<string, OwnPortalBase | undefined> | undefined
  /** The origin has run something since it was known which of them are there. */
  unsure = false
  readonly #byName = new Map<string, Portal>()

  get(name: string): Portal | undefined {
    return this.#byName.get(name)
  }

  forgetAll(): void {
    if (this.#byName.size > 0) this.#byName.clear()
  }

  /** What it is bound to now is not known. */
  forget(name: string): void {
    this.#byName.delete(name)
  }

  /** Notes what steps on their way to the origin bind and close. To be called before their Parses are noted. */
  follow(session: Session, steps: readonly Step[]): void {
    let parsed: Map<string, { readonly text: StatementText | undefined; readonly aside: Aside | undefined }> | undefined
    for (const step of steps) {
      if (step.kind === 'parse') {
        parsed ??= new Map()
        parsed.set(step.name, { text: session.texts.get(step.key), aside: step.aside })
      } else if (step.kind === 'bind') {
        const { portal, statement, parameters } = step
        const prepared = parsed?.get(statement) ?? session.statements.get(statement)
        const text = prepared?.text
        // What the origin gets of a statement of ours is not its text.
        if (text === undefined || text.own !== undefined) this.#byName.delete(portal)
        else this.#byName.set(portal, { text, aside: prepared?.aside, parameters })
      } else if (step.kind === 'close' && step.target === 'P') this.#byName.delete(step.name)
    }
  }
}

/** False if the portals of a group end with it: no block is open, and nothing is under way that might open one. */
export function portalsOutlive(session: Session): boolean {
  return session.status !== status.idle || !session.quiet || session.open !== undefined
}
