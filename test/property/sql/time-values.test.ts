// Dates and points in time as PostgreSQL reads, compares and sends them.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { valueOfBinary, valueOfText } from '../../../src/sql/index.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

let origin: TestPostgres
beforeAll(async () => {
  origin = await openTestPostgres()
})
afterAll(() => origin.close())

const random = Random.fromEnvironment()
const pick = (words: readonly string[]) => words[random.int(words.length)] as string
const digits = (count: number, below: number) => String(random.int(below)).padStart(count, '0')

/** Written in ways that are read here, in others, and in some that nobody reads. */
function text(): string {
  const year = pick([
    digits(4, 10_000),
    '2000',
    '1999',
    '1900',
    '0001',
    `1${digits(4, 10_000)}`,
    digits(2, 100),
    '294276',
  ])
  const date = `${year}${pick(['-', '-', '-', '/', ''])}${digits(2, 14)}-${pick([digits(2, 33), '01', '29'])}`
  const time = `${digits(2, 26)}:${digits(2, 61)}${pick(['', `:${digits(2, 62)}`, `:59.${random.int(10_000_000)}`])}`
  const zone = pick(['', '', 'Z', '+00', '-03:30', '+0545', '+15:59:59', '-16', ' UTC', '+1'])
  const era = pick(['', '', '', ' BC', ' AD'])
  return pick([
    `${date}${era}`,
    `${date}${pick([' ', 'T', '  '])}${time}${zone}${era}`,
    'infinity',
    '-infinity',
    'epoch',
  ])
}

it.each(['date', 'timestamp', 'timestamptz'] as const)(
  '%s: numbers are equal and ordered as values are',
  async (type) => {
    const client = await origin.connect()
    await client.query("set timezone = 'Asia/Kolkata'; set datestyle = 'SQL, DMY'")
    const known: { readonly text: string; readonly number: bigint }[] = []
    let reads = 0
    while (known.length < 300) {
      const one = text()
      const value = valueOfText(type, one)
      const asked = await client
        .query(`select ${type}_send($1::${type}) as bytes, $1::${type} as value`, [one])
        .catch(() => undefined)
      // What is no date is nobody's answer.
      if (asked === undefined) continue
      reads++
      expect(reads, `SEED=${random.seed}: few are known`).toBeLessThan(20_000)
      if (value === undefined) continue
      expect(valueOfBinary(type, asked.rows[0].bytes), `${one} (SEED=${random.seed})`).toBe(value)
      known.push({ text: one, number: BigInt(value) })
    }
    for (let at = 1; at < known.length; at++) {
      const [one, other] = [known[at - 1], known[at]] as [(typeof known)[0], (typeof known)[0]]
      const { rows } = await client.query(
        `select $1::${type} < $2::${type} as less, $1::${type} = $2::${type} as same`,
        [one.text, other.text],
      )
      const expected = { less: one.number < other.number, same: one.number === other.number }
      expect(rows[0], `${one.text} and ${other.text} (SEED=${random.seed})`).toEqual(expected)
    }
  },
)
