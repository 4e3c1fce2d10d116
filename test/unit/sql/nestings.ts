// Texts that nest, in every way the grammar offers.

export const repeat = (text: string, count: number): string => text.repeat(count)

/** Ways to nest, each with the number of levels as its argument. */
export const nestings: Record<string, (levels: number) => string> = {
  brackets: (n) => `select ${repeat('(', n)}1${repeat(')', n)}`,
  'open brackets': (n) => `select ${repeat('(', n)}`,
  not: (n) => `select ${repeat('not ', n)}true`,
  sums: (n) => `select 1${repeat('+1', n)}`,
  signs: (n) => `select ${repeat('- ', n)}a`,
  case: (n) => `select ${repeat('case when true then ', n)}1${repeat(' end', n)}`,
  'scalar queries': (n) => `select ${repeat('(select ', n)}1${repeat(')', n)}`,
  'derived tables': (n) => `select * from ${repeat('(select * from ', n)}t${repeat(') x', n)}`,
  'in queries': (n) => `select * from t where ${repeat('a in (select a from t where ', n)}true${repeat(')', n)}`,
  unions: (n) => `select 1, 2${repeat(' union select 1, 2', n)}`,
  joins: (n) => `select * from t${repeat(' cross join t', n)}`,
  conditions: (n) => `select 1 where a${repeat(' and a', n)}`,
  casts: (n) => `select 1${repeat('::int', n)}`,
  calls: (n) => `select ${repeat('f(', n)}1${repeat(')', n)}`,
  arrays: (n) => `select ${repeat('array[', n)}1${repeat(']', n)}`,
  subscripts: (n) => `select a${repeat('[1]', n)}`,
  tests: (n) => `select a${repeat(' is null', n)}`,
  zones: (n) => `select a${repeat(' at time zone b', n)}`,
  collations: (n) => `select a${repeat(' collate c', n)}`,
  with: (n) => `${repeat('with x as (', n)}select 1${repeat(') select 1', n)}`,
  comments: (n) => `${repeat('/*', n)}${repeat('*/', n)}select 1`,
  explains: (n) => `explain ${repeat('(', n)}select 1${repeat(')', n)}`,
}
