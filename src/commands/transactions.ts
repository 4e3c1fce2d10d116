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

/** A token is of what is committed: those who are given it do not wait for the block it was made in. */
export function tokenNotices(context: CommandContext): readonly CommandNotice[] {
  if (!context.settings.inBlock) return []
  return [
    {
      severity: 'NOTICE',
      sqlstate: '00000',
      message: 'what this transaction changes is not in the token',
      hint: 'Ask for it again after COMMIT.',
    },
  ]
}
