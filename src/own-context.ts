// Composition: what a command of ours is run with.

import type { CommandContext } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import type { Session } from './frontend/index.ts'
import { actionsOf } from './own-actions.ts'
import { explain } from './own-explain.ts'
import type { OwnParts } from './own-parts.ts'
import { noBlobs } from './own-store.ts'
import { version } from './version.ts'
import type { Viewer, VirtualSources } from './virtual/index.ts'

export function commandContext(
  session: Session,
  viewer: Viewer,
  parts: OwnParts,
  sources: VirtualSources,
): CommandContext {
  return {
    viewer,
    settings: session.settings,
    store: parts.store,
    sources,
    actions: actionsOf(session, parts),
    version,
    schemaName: parts.store.snapshot.virtualSchema,
    blobs: noBlobs,
    postgres: { secondsOf: unavailable, describe: unavailable, rows: unavailable, frames: unavailable },
    origin: { rows: unavailable, parameterTypes: unavailable },
    rowsMax: parts.store.snapshot.virtualRowsMax,
    rendersPlainly: true,
    isReadOnly: () => false,
    explain: (request) => explain(session, request, parts),
  }
}

async function unavailable(): Promise<never> {
  throw new ServerError(conditions.featureNotSupported, ['this expression'])
}
