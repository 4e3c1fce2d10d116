// The functions that make, change and drop namespaces, and those that tidy the store.

import { sweepColumns } from '../../virtual/index.ts'
import type { Arguments, FunctionDefinition } from '../function-definition.ts'
import type { CommandContext, CommandResult } from '../own-statement.ts'
import { alterNamespace, createNamespace, dropNamespaces, namespaceColumns } from './namespace-statements.ts'
import { notNull } from './put-values.ts'

function required(args: Arguments, name: string): string {
  const text = args.text(name)
  if (text === null) throw notNull(name)
  return text
}

function optionsOf(args: Arguments): Readonly<Record<string, never>> {
  return JSON.parse(args.json('options') ?? '{}') as Readonly<Record<string, never>>
}

function definition(
  parameters: FunctionDefinition['parameters'],
  required: number,
  act: (context: CommandContext, args: Arguments) => Promise<Pick<CommandResult, 'rows' | 'notices'>>,
): FunctionDefinition {
  return {
    parameters,
    required,
    columns: namespaceColumns,
    isScalar: false,
    needs: 'admin',
    changes: true,
    run: async (context, args, tag) => ({ tag, columns: [], ...(await act(context, args)) }),
  }
}

const nameAndOptions: FunctionDefinition['parameters'] = [
  ['name', 'text'],
  ['options', 'jsonb'],
]

const sweep: FunctionDefinition = {
  parameters: [
    ['entries_max', 'bigint'],
    ['ms_max', 'bigint'],
  ],
  required: 0,
  columns: sweepColumns.map(({ name, type }) => ({ name, type })),
  isScalar: false,
  needs: 'admin',
  changes: true,
  async run(context, args, tag): Promise<CommandResult> {
    const [entriesMax, msMax] = [args.integer('entries_max'), args.integer('ms_max')]
    const limits = { ...(entriesMax === null ? {} : { entriesMax }), ...(msMax === null ? {} : { msMax }) }
    const row = await context.actions.sweep(limits)
    return { tag, columns: [], rows: [sweepColumns.map((column) => column.value(row))] }
  },
}

const compact: FunctionDefinition = {
  parameters: [],
  required: 0,
  columns: ['extents', 'pages', 'bytes'].map((name) => ({ name, type: 'int8' as const })),
  isScalar: false,
  needs: 'admin',
  changes: true,
  async run(context, _, tag): Promise<CommandResult> {
    const { extents, pages, bytes } = await context.actions.compact()
    return { tag, columns: [], rows: [[extents, pages, bytes]] }
  },
}

export const namespaceFunctions: Readonly<Record<string, FunctionDefinition>> = {
  sweep,
  compact,
  create_namespace: definition(nameAndOptions, 1, (context, args) =>
    createNamespace(context, required(args, 'name'), optionsOf(args), false),
  ),
  alter_namespace: definition(nameAndOptions, 2, (context, args) =>
    alterNamespace(context, required(args, 'name'), { options: optionsOf(args) }),
  ),
  drop_namespace: definition(
    [
      ['name', 'text'],
      ['if_exists', 'boolean'],
    ],
    1,
    (context, args) => dropNamespaces(context, [required(args, 'name')], args.flag('if_exists')),
  ),
}
