// What a start-up packet asks for: whose settings are ours, which database, replication or not.

import type { FirstMessage } from '../wire/index.ts'

export type Startup = Extract<FirstMessage, { kind: 'startup' }>

export const adminParameters: readonly (readonly [string, string])[] = [
  ['client_encoding', 'UTF8'],
  ['DateStyle', 'ISO, MDY'],
  ['integer_datetimes', 'on'],
  ['server_encoding', 'UTF8'],
  ['server_version', '18.0 (Larder)'],
  ['standard_conforming_strings', 'on'],
  ['TimeZone', 'UTC'],
]

export function databaseOf(startup: Startup): string {
  return startup.parameters.get('database') || (startup.parameters.get('user') ?? '')
}

export function isReplication(startup: Startup): boolean {
  const value = startup.parameters.get('replication')
  return value !== undefined && !['false', 'off', 'no', '0', ''].includes(value.toLowerCase())
}

/** Takes `-c cache.x=…` (and a parameter named `cache.x`) out of what the origin gets, if `isOurs` says that x is ours. */
export function splitOptions(
  given: ReadonlyMap<string, string>,
  schemaName: string,
  isOurs: (setting: string) => boolean,
): { ours: Map<string, string>; parameters: Map<string, string> } {
  const ours = new Map<string, string>()
  const parameters = new Map(given)
  const prefix = `${schemaName}.`
  for (const [name, value] of given) {
    const setting = name.slice(prefix.length).toLowerCase()
    if (!name.toLowerCase().startsWith(prefix) || !isOurs(setting)) continue
    ours.set(setting, value)
    parameters.delete(name)
  }
  const options = given.get('options')
  if (options === undefined) return { ours, parameters }
  const rest = options.replace(
    /(?:^|\s)(?:-c\s*|--)([a-z_][a-z_0-9$]*)\.([a-z_0-9-]+)=((?:\\.|\S)*)/gi,
    (all: string, schema: string, name: string, value: string) => {
      const setting = name.toLowerCase().replaceAll('-', '_')
      if (schema.toLowerCase() !== schemaName || !isOurs(setting)) return all
      ours.set(setting, value.replace(/\\(.)/g, '$1'))
      return ''
    },
  )
  if (rest.trim() === '') parameters.delete('options')
  else parameters.set('options', rest)
  return { ours, parameters }
}
