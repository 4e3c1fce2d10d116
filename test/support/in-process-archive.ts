// Archive tasks carried out in the test's own thread, as the service sees them.

import type { ArchiveWorker } from '../../src/archive/archive-client.ts'
import { runTask } from '../../src/archive/runner.ts'
import { impatience } from './archive.ts'

export const inProcessWorker: ArchiveWorker = {
  async run(task, settings, listener, signal) {
    const patience = impatience()
    try {
      // As if it had been sent to another thread and back.
      const done = await runTask(structuredClone(task), { settings, patience, signal, ...listener })
      return structuredClone(done)
    } finally {
      listener.onTraffic({ ...patience.meter })
    }
  },
  close: async () => undefined,
}
