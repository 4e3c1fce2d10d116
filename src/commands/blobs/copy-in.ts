// COPY cache.blobs FROM STDIN: adds the rows that the client sends, as INSERT would.
//
// A PostgreSQL of our own reads them, so all formats and options are its own. Without a list of columns they are all that COPY TO writes;
// of those that the server fills nothing is taken.

import { type Fields, fieldsIf, listOf, wordsOf } from '../../sql/index.ts'
import { blobColumns, quoteIdentifier } from '../../virtual/index.ts'
import { refuseReadOnly } from '../changes.ts'
import type { OwnCommand } from '../own-statement.ts'
import { Parameters } from '../parameters.ts'
import { changeNotices } from '../transactions.ts'
import { columnExpression, rowOf } from './row-text.ts'
import { runInsert } from './run-insert.ts'
import { checkColumns, generatedColumn, isWritten, type WrittenColumn } from './written-columns.ts'

export function copyCommand(text: string, fields: Fields): OwnCommand {
  const named = wordsOf(fields.attlist)
  checkColumns(named)
  for (const name of named) if (!isWritten(name)) throw generatedColumn(name, 'INSERT')
  const columns = named.length > 0 ? named : blobColumns.map(({ name }) => name)
  const written = columns.filter((name): name is WrittenColumn => isWritten(name))
  const isBinary = listOf(fields.options).some((item) => {
    const option = fieldsIf('DefElem', item)
    return option?.defname === 'format' && JSON.stringify(option.arg).includes('"binary"')
  })
  return {
    kind: 'command',
    tag: 'COPY',
    columns: [],
    needs: 'anyone',
    parameterCount: 0,
    parameterTypes: [],
    changes: true,
    async execute(context) {
      await refuseReadOnly(context, 'COPY FROM')
      const data = await context.copyData(columns.length, isBinary)
      const list = written.map((column) => columnExpression(column))
      const query = `SELECT ${list.join(', ')} FROM ${quoteIdentifier(context.schemaName)}.blobs`
      const texts = await context.postgres.copied(text, data, query)
      const rows = texts.map((row) => rowOf(written, row))
      const statement = { verb: 'INSERT', columns, rows: undefined, conflict: 'error', returning: 'none' } as const
      const done = await runInsert(statement, rows, Parameters.none, context)
      return { tag: `COPY ${done.length}`, columns: [], rows: [], notices: changeNotices(context) }
    },
  }
}
