// Composition: what a command of ours is run with.

import type { CommandContext } from './commands/index.ts'
import type { Session } from './frontend/index.ts'
import { actionsOf } from './own-actions.ts'
import { explain, type Said } from './own-explain.ts'
import type { OwnParts } from './own-parts.ts'
import { version } from './version.ts'
import type { Viewer, VirtualSources } from './virtual/index.ts'

export function commandContext(
  session: Session,
  viewer: Viewer,
  parts: OwnParts,
  sources: VirtualSources,
  said: Said,
): CommandContext {
  return {
    viewer,
    settings: session.settings,
    store: parts.store,
    sources,
    actions: actionsOf(session, parts),
    version,
    explain: (request) => explain(session, request, said, parts),
  }
}
