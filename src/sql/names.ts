// Gathers the names a text uses, each once, in the order of their first use.

import type { NamesUsed, QualifiedName } from './statement.ts'

export const noNames: NamesUsed = {
  relations: [],
  functions: [],
  operators: [],
  userTypes: [],
  dateCasts: [],
  settingsRead: [],
  columns: [],
  fields: [],
}

export class NameList {
  readonly #byKey = new Map<string, QualifiedName>()

  add(name: QualifiedName): void {
    const key = name.schema === undefined ? name.name : `${name.schema}\0${name.name}`
    if (!this.#byKey.has(key)) this.#byKey.set(key, name)
  }

  values(): QualifiedName[] {
    return [...this.#byKey.values()]
  }
}

/** A list of words as a name: the last is the object, the one before its schema. A database in front is left out. */
export function qualifiedName(words: readonly string[]): QualifiedName | undefined {
  const name = words.at(-1)
  return name === undefined ? undefined : { schema: words.at(-2), name }
}

export function mergeNames(first: NamesUsed, second: NamesUsed): NamesUsed {
  return {
    relations: mergeLists(first.relations, second.relations),
    functions: mergeLists(first.functions, second.functions),
    operators: mergeLists(first.operators, second.operators),
    userTypes: mergeLists(first.userTypes, second.userTypes),
    dateCasts: mergeWords(first.dateCasts, second.dateCasts),
    settingsRead: mergeWords(first.settingsRead, second.settingsRead),
    columns: mergeWords(first.columns ?? [], second.columns ?? []),
    fields: mergeWords(first.fields ?? [], second.fields ?? []),
  }
}

function mergeLists(first: readonly QualifiedName[], second: readonly QualifiedName[]): QualifiedName[] {
  const list = new NameList()
  for (const name of first) list.add(name)
  for (const name of second) list.add(name)
  return list.values()
}

function mergeWords(first: readonly string[], second: readonly string[]): string[] {
  return [...new Set([...first, ...second])]
}
