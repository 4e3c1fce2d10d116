// Reads in a text of several that write by way of a view, a type or an operator.

import { describe, expect, it } from 'vitest'
import { theRow, useArena, warm } from './arena.ts'

const arena = useArena()

describe('what a read in a text of several statements writes', () => {
  it.each(['select 1; select * from bumping', 'select 1; select 1::checked', 'select 1; select bump()'])(
    'is seen by the next read: %s (RRC-18)',
    async (sql) => {
      const { reader, writer } = arena
      const before = await warm(reader, theRow)
      await writer.query(sql)
      const after = JSON.stringify(await reader.rows(theRow))
      expect(after).not.toBe(before)
      expect(after).toBe(await arena.truth(theRow))
    },
  )
})
