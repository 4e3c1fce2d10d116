// What every statement that changes something owes: a refusal where the transaction may only read, and a NOTICE inside a block.

import { conditions, ServerError } from '../errors/index.ts'
import type { CommandContext } from './own-statement.ts'

/** Throws 25006. Invalidation and administration are allowed all the same, so they do not ask (SQL-6). */
export async function refuseReadOnly(context: CommandContext, verb: string): Promise<void> {
  if (await context.isReadOnly()) throw new ServerError(conditions.readOnlyTransaction, [verb])
}
