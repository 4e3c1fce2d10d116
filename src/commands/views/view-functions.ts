// cache.refresh(): REFRESH MATERIALIZED VIEW for tools that know only SELECT and CALL.

import { conditions, ServerError } from '../../errors/index.ts'
import type { FunctionDefinition } from '../function-definition.ts'
import { changeNotices } from '../transactions.ts'
import { mustOwn } from './view-rules.ts'

export const viewFunctions: Readonly<Record<string, FunctionDefinition>> = {
  refresh: {
    parameters: [
      ['view', 'text'],
      ['with_data', 'boolean'],
    ],
    required: 1,
    columns: [
      { name: 'rows', type: 'int8' },
      { name: 'elapsed', type: 'interval' },
    ],
    ...{ isScalar: false, needs: 'anyone', changes: true },
    async run(context, args, tag) {
      const { views, schemaName } = context
      if (views === undefined) throw new ServerError(conditions.featureNotSupported, ['refresh() in an admin database'])
      const given = args.text('view')
      if (given === null) return { tag, columns: [], rows: [] }
      const name = given.startsWith(`${schemaName}.`) ? given.slice(schemaName.length + 1) : given
      mustOwn(context, views, name)
      const beganMs = performance.now()
      let rows = 0
      if (args.text('with_data') === null || args.flag('with_data')) rows = await views.refresh(name)
      else await views.empty(name)
      return { tag, columns: [], rows: [[rows, performance.now() - beganMs]], notices: changeNotices(context) }
    },
  },
}
