// A value as jsonb shows it: keys by length, then by bytes; a blank behind every colon and comma.

import { JsonbText } from '../virtual/index.ts'

export function jsonbText(value: unknown): string {
  if (value instanceof JsonbText) return value.text
  if (Array.isArray(value)) return `[${value.map(jsonbText).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([name, field]) => ({ name, bytes: Buffer.from(name), field }))
    .sort((a, b) => a.bytes.length - b.bytes.length || a.bytes.compare(b.bytes))
  return `{${fields.map(({ name, field }) => `${JSON.stringify(name)}: ${jsonbText(field)}`).join(', ')}}`
}
