// What a transaction block means to changes of ours: nothing, and a NOTICE says so (SQL-6, G-8).

import type { CommandContext, CommandNotice } from './own-statement.ts'

export function changeNotices(context: CommandContext): readonly CommandNotice[] {
  if (!context.settings.inBlock) return []
  return [
    {
      severity: 'NOTICE',
      sqlstate: '00000',
      message: 'this takes effect at once and is not undone by ROLLBACK',
    },
  ]
}
