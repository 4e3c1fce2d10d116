// What the statements let a PostgreSQL of our own work out: values in forms they do not read themselves, and whatever of SQL goes
// beyond columns, constants and parameters. It runs under the client's settings, sees nothing but what it is given, and keeps nothing.

import type { Blob } from './blobs/blob-store.ts'
import type { Parameters } from './parameters.ts'

export interface Described {
  /** Types of its parameters, as OIDs. */
  readonly parameterTypes: readonly number[]
  /** RowDescription, formats as text; undefined if it answers no rows. */
  readonly description: Buffer | undefined
}

export interface PostgresRun {
  /** One statement. Errors are those of this text, so positions hold if it begins as the client's does. */
  readonly text: string
  readonly parameters: Parameters
  /** Types of all of them. */
  readonly parameterTypes: readonly number[]
  /** What `blobs` holds for it. */
  readonly blobs: readonly Blob[]
  /** Other relations of the virtual schema that it reads; they hold what they hold for this viewer. */
  readonly relations: readonly string[]
  /** True for INSERT, UPDATE and DELETE; whatever they change is forgotten again. */
  readonly changes: boolean
}

export interface PostgresHelp {
  /** Of an interval its seconds, of a timestamptz those since 1970. */
  secondsOf(type: 'interval' | 'timestamptz', text: string): Promise<number>
  describe(text: string, declaredTypes: readonly number[]): Promise<Described>
  rows(run: PostgresRun): Promise<readonly (readonly (string | null)[])[]>
  /** Runs a COPY FROM STDIN into the empty relation with these CopyData messages, then a query over what it holds. */
  copied(text: string, data: Buffer, query: string): Promise<readonly (readonly (string | null)[])[]>
  /** DataRow frames, in the formats that the client asked for. */
  frames(run: PostgresRun): Promise<readonly Buffer[]>
}

/** Questions to the origin in the session's own name and transaction. */
export interface OriginHelp {
  /** Reads rows as text; throws 54000 beyond so many. Outside a block the transaction is read-only. */
  rows(text: string, parameters: Parameters, countMax: number): Promise<readonly (readonly (string | null)[])[]>
  /** Types that the origin gives to the parameters of a text. */
  parameterTypes(text: string, declaredTypes: readonly number[]): Promise<readonly number[]>
}
