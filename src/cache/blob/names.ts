// What may be a namespace, a key, a label, metadata: checked before anything is written or counted (G-7, L2-31).

import { conditions, ServerError } from '../../errors/index.ts'

const namespaceBytesMax = 63
const keyBytesMax = 1024
const labelBytesMax = 255

export interface NameLimits {
  readonly labelsMax: number
  readonly metadataKeysMax: number
  readonly metadataBytesMax: number
}

/** NUL ends a label in the keys of the trees, line breaks would end one in logs, and half a surrogate has no UTF-8. */
const forbidden = /[\0\r\n\p{Surrogate}]/u

export function checkNamespace(name: string): void {
  check(name, namespaceBytesMax, 'namespace')
}

/** Namespaces whose names start so are made by the server itself. */
export function isReserved(namespace: string): boolean {
  return namespace.startsWith('$')
}

export function checkKey(key: string): void {
  check(key, keyBytesMax, 'key')
}

export function checkLabel(label: string): void {
  check(label, labelBytesMax, 'label')
}

/** Both kinds of labels of one entry; a label given twice counts twice. */
export function checkLabels(tags: readonly string[], dependencies: readonly string[], limits: NameLimits): void {
  if (tags.length + dependencies.length > limits.labelsMax) {
    throw new ServerError(conditions.tooManyLabels, [limits.labelsMax])
  }
  for (const label of tags) checkLabel(label)
  for (const label of dependencies) checkLabel(label)
}

/** A JSON object as text. */
export function checkMetadata(metadata: string, limits: NameLimits): void {
  const { metadataKeysMax, metadataBytesMax } = limits
  if (Buffer.byteLength(metadata) <= metadataBytesMax && countKeys(metadata) <= metadataKeysMax) return
  throw new ServerError(conditions.metadataTooLarge, [metadataKeysMax, metadataBytesMax])
}

function countKeys(metadata: string): number {
  try {
    const value: unknown = JSON.parse(metadata)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.keys(value).length
  } catch {
    // Told below.
  }
  throw new ServerError(conditions.invalidTextRepresentation, ['jsonb', metadata.slice(0, 100)], {
    hint: 'Metadata is a JSON object.',
  })
}

function check(name: string, bytesMax: number, kind: string): void {
  if (name !== '' && name.length <= bytesMax && Buffer.byteLength(name) <= bytesMax && !forbidden.test(name)) return
  throw new ServerError(conditions.invalidName, [name.slice(0, 100)], {
    detail: `A ${kind} has 1 to ${bytesMax} bytes of UTF-8 and holds no NUL, CR or LF.`,
  })
}
