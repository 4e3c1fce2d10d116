// The options of EXPLAIN: ours are read as PostgreSQL reads its own, and where they say off they are taken out of the text.
//
//   EXPLAIN (CACHE off, ANALYZE) SELECT …      is the origin's EXPLAIN (ANALYZE) SELECT …

import { conditions, ServerError } from '../errors/index.ts'
import { SplicedText } from '../virtual/index.ts'
import { StatementReader } from './statement-reader.ts'

export interface ExplainOptions {
  cache: boolean
  invalidates: boolean
  analyze: boolean
  format: 'text' | 'json'
  readonly origin: string[]
}

/** What stands in the brackets, and where. */
interface Place {
  readonly start: number
  readonly end: number
  readonly isOurs: boolean
}

/** At the bracket behind EXPLAIN, which is consumed with what is in it; undefined if none of our options is there. */
export function readExplainOptions(reader: StatementReader): ExplainOptions | undefined {
  if (!reader.accept('(') || !namesOurOption(reader)) return undefined
  const options: ExplainOptions = { cache: false, invalidates: false, analyze: false, format: 'text', origin: [] }
  const inTheWay: ServerError[] = []
  reader.list(() => readOption(reader, options, inTheWay))
  reader.expect(')')
  if (options.cache && inTheWay[0] !== undefined) throw inTheWay[0]
  return options
}

/** The text without our options; undefined if it has none. Only for one in which they say off. */
export function withoutOurOptions(text: string): SplicedText | undefined {
  const reader = new StatementReader(text, '')
  if (!reader.accept('EXPLAIN')) return undefined
  const opened = reader.offset
  if (!reader.accept('(') || !namesOurOption(reader)) return undefined
  const places: Place[] = []
  const options: ExplainOptions = { cache: false, invalidates: false, analyze: false, format: 'text', origin: [] }
  reader.list(() => {
    const start = reader.offset
    const isOurs = ours.has(reader.peekName()?.toUpperCase() ?? '')
    readOption(reader, options, [])
    places.push({ start, end: reader.offsetBefore, isOurs })
  })
  reader.expect(')')
  if (places.every(({ isOurs }) => isOurs)) {
    return new SplicedText(text, [{ start: opened, end: reader.offsetBefore, text: '' }])
  }
  return new SplicedText(text, cutsOf(places))
}

/** Each goes with the comma behind it; those behind the last that stays, with the comma in front. */
function cutsOf(places: readonly Place[]): { start: number; end: number; text: string }[] {
  const lastKept = places.findLastIndex(({ isOurs }) => !isOurs)
  return places.flatMap(({ start, end, isOurs }, index) => {
    if (!isOurs) return []
    const next = places[index + 1]
    if (index < lastKept && next !== undefined) return [{ start, end: next.start, text: '' }]
    return [{ start: (places[index - 1] as Place).end, end, text: '' }]
  })
}

const ours: ReadonlySet<string> = new Set(['CACHE', 'INVALIDATES'])

/** Looks ahead, from behind the bracket. */
function namesOurOption(reader: StatementReader): boolean {
  const mark = reader.mark()
  let found = false
  for (let startsOption = true; !reader.isAtEnd && reader.peek() !== ')' && reader.peek() !== '('; reader.skip()) {
    if (startsOption && ours.has(reader.peek())) found = true
    startsOption = reader.peek() === ','
  }
  reader.reset(mark)
  return found
}

function readOption(reader: StatementReader, options: ExplainOptions, inTheWay: ServerError[]): void {
  // A quoted name is one too: `"analyze"` must not go along to the origin, where it would run the statement.
  const name = (reader.peekName() ?? '').toUpperCase()
  const start = reader.offset
  switch (name) {
    case 'CACHE':
      options.cache = readSwitch(reader)
      return
    case 'INVALIDATES':
      options.invalidates = readSwitch(reader)
      return
    case 'ANALYZE':
    case 'ANALYSE':
      options.analyze = readSwitch(reader)
      return
    case 'FORMAT':
      reader.skip()
      readFormat(reader, options, inTheWay)
      return
    case 'TIMING':
    case 'WAL':
    case 'SERIALIZE':
      // They tell of an execution; under CACHE the origin plans the statement, and what runs it is the caches.
      inTheWay.push(
        new ServerError(conditions.featureNotSupported, [`EXPLAIN option ${name} together with CACHE`], {
          hint: `Use EXPLAIN (ANALYZE, ${name}) without CACHE.`,
          position: reader.syntaxError().position,
        }),
      )
      break
  }
  reader.identifier()
  while (reader.peek() !== ',' && reader.peek() !== ')' && !reader.isAtEnd) reader.skip()
  options.origin.push(reader.text.slice(start, reader.offsetBefore))
}

/** At the name of an option that is on or off. As PostgreSQL has it: absent is on; 1, true, on and 0, false, off, however written. */
function readSwitch(reader: StatementReader): boolean {
  const name = reader.identifier()
  if (reader.peek() === ',' || reader.peek() === ')') return true
  const word = reader.peekName() ?? reader.peekString()
  if (word !== undefined) {
    reader.skip()
    const meaning = meanings.get(word.toLowerCase())
    if (meaning !== undefined) return meaning
  } else {
    const value = reader.value()
    if (value.kind === 'parameter') throw reader.syntaxError('ON', 'OFF')
    const number = value.kind === 'constant' && /^-?\d\w*$/.test(value.text ?? '') ? Number(value.text) : undefined
    if (number === 0 || number === 1) return number === 1
  }
  throw new ServerError(conditions.syntaxError, [`${name} requires a Boolean value`])
}

const meanings: ReadonlyMap<string, boolean> = new Map([
  ['on', true],
  ['true', true],
  ['off', false],
  ['false', false],
])

function readFormat(reader: StatementReader, options: ExplainOptions, inTheWay: ServerError[]): void {
  const format = reader.name().toLowerCase()
  if (format === 'text' || format === 'json') options.format = format
  else {
    inTheWay.push(
      new ServerError(conditions.invalidParameterValue, ['format', format], { hint: 'Available values: text, json.' }),
    )
  }
}
