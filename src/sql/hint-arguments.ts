// The arguments of the hint cache(…): `refresh, ttl=60s, tags=a|b`.

interface HintArguments {
  /** A bare word has the value ''. */
  readonly options: readonly (readonly [name: string, value: string])[]
  readonly errors: readonly string[]
}

/** One argument: a word, or a name and a value, which may be quoted and holds no comma otherwise. */
const argument = /^\s*([A-Za-z_]\w*)\s*(?:=\s*(?:'((?:[^']|'')*)'|"([^"]*)"|([^\s'",]+))\s*)?$/

export function readCacheArguments(text: string): HintArguments {
  const options: (readonly [string, string])[] = []
  const errors: string[] = []
  if (text.trim() === '') return { options, errors }
  for (const part of splitAtCommas(text)) {
    const found = argument.exec(part)
    const name = found?.[1]?.toLowerCase()
    const value = found?.[2]?.replaceAll("''", "'") ?? found?.[3] ?? found?.[4]
    // `refresh` is the one word that stands alone.
    if (name === undefined || (name === 'refresh') !== (value === undefined)) {
      errors.push(`syntax error in hint "cache" at or near "${part.trim()}"`)
    } else options.push([name, value ?? ''])
  }
  return { options, errors }
}

/** Commas inside quotes do not separate. */
function splitAtCommas(text: string): string[] {
  return text.match(/(?:'[^']*'|"[^"]*"|[^,'"]|['"])+/g) ?? [text]
}

const unitsMs: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

const yearMs = 365 * 86_400_000

/** `60s`, `1.5min`, `250` (milliseconds), as settings are written; undefined if it is none. */
export function readDurationMs(text: string): number | undefined {
  const found = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/.exec(text)
  if (!found) return undefined
  const amount = Number(found[1])
  const unit = (found[2] as string) || 'ms'
  const unitMs = unitsMs[unit]
  const durationMs = unitMs === undefined ? undefined : Math.round(amount * unitMs)
  return durationMs === undefined || durationMs > yearMs ? undefined : durationMs
}
