// How statements name a backup: by its id, or LATEST.

import type { Parameters } from '../parameters.ts'
import type { StatementReader } from '../statement-reader.ts'
import { textValue } from '../values.ts'

export function readBackupName(reader: StatementReader): (parameters: Parameters) => string {
  if (reader.accept('LATEST')) return () => 'LATEST'
  const value = reader.value()
  return (parameters) => textValue(value, parameters) ?? ''
}
