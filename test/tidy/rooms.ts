// The rooms of src/ and their ranks: a room imports rooms of a smaller rank, through their door. docs/architecture.md
// explains each; this table is what is enforced.

const ranks: Readonly<Record<string, number>> = {
  base: 0,
  schema: 0,
  errors: 1,
  eviction: 1,
  config: 2,
  observe: 2,
  wire: 2,
  sql: 2,
  storage: 3,
  invalidation: 3,
  origin: 3,
  deltas: 3,
  'cache/blob': 4,
  cdc: 4,
  'cache/results': 5,
  'cache/plans': 5,
  'cache/views': 5,
  'cache/aggregates': 5,
  archive: 5,
  virtual: 6,
  commands: 7,
  router: 8,
  frontend: 9,
}

/**
 * What is being built: rooms that no statement reaches yet, and packages installed for them. An entry that is no longer
 * true fails its test, so the list ends empty.
 */
export const growing: { readonly rooms: readonly string[]; readonly packages: readonly string[] } = {
  rooms: [],
  packages: [],
}

/** Files directly in src/: the composition of all rooms. */
const composition = { name: 'src', rank: 10 }

export interface Room {
  readonly name: string
  readonly rank: number
}

/** The room a file of src/ lies in; undefined for a folder that is no room. */
export function roomOf(file: string): Room | undefined {
  const folders = file.split('/').slice(1, -1)
  if (folders.length === 0) return composition
  const name = [folders.slice(0, 2).join('/'), folders[0] ?? ''].find((candidate) => candidate in ranks)
  return name === undefined ? undefined : { name, rank: ranks[name] ?? 0 }
}
