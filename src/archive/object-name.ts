// The names of objects inside a collection: relative, and of few characters, so that none leads out of it (BKE-8).
//
// A whitelist instead of a list of dangers: `..`, absolute names, backslashes, percent signs, control characters and
// names that begin with a dot (the temporaries of a local store) are all no names.

import { assert } from '../base/index.ts'

const word = '[A-Za-z0-9][A-Za-z0-9._-]{0,127}'
const namePattern = new RegExp(`^${word}(?:/${word}){0,3}$`)
const prefixPattern = new RegExp(`^(?:${word}/){0,3}(?:${word})?$`)

export function isObjectName(text: string): boolean {
  return namePattern.test(text)
}

/** Names come from our own code; what a store lists or a person types goes through isObjectName first. */
export function assertObjectName(name: string): void {
  assert(isObjectName(name), `not a name of an archive object: ${JSON.stringify(name)}`)
}

/** A prefix is the beginning of a name, also an empty one or one that ends with a slash. */
export function assertPrefix(prefix: string): void {
  assert(prefixPattern.test(prefix), `not a prefix of archive objects: ${JSON.stringify(prefix)}`)
}
