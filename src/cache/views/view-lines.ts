// The lines of a view as COPY prints them, and the values in them.

const tab = 9
const newline = 10
const backslash = 92

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** One list of texts per line; null for NULL. `chunks` hold whole lines. */
export function* rowsOfLines(chunks: Iterable<Buffer>, columnCount: number): Generator<(string | null)[]> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const end = chunk.indexOf(newline, at)
      yield rowOf(chunk, at, end, columnCount)
      at = end + 1
    }
  }
}

function rowOf(chunk: Buffer, from: number, to: number, columnCount: number): (string | null)[] {
  const row: (string | null)[] = []
  // A row of no columns is an empty line.
  if (columnCount === 0) return row
  let start = from
  let isEscaped = false
  for (let at = from; at <= to; at++) {
    const byte = at === to ? tab : chunk[at]
    if (byte === backslash) isEscaped = true
    if (byte !== tab) continue
    row.push(valueIn(chunk.toString('utf8', start, at), isEscaped))
    start = at + 1
    isEscaped = false
  }
  return row
}

function valueIn(text: string, isEscaped: boolean): string | null {
  if (!isEscaped) return text
  if (text === '\\N') return null
  return text.replace(/\\(.)/gs, (_, character: string) => escapes[character] ?? character)
}
