// The functions that make, change and drop namespaces, and those that tidy the store.

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

export const namespaceFunctions: Readonly<Record<string, FunctionDefinition>> = {
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
