// Shapes of JSON values: what a manifest may hold, said once, for reading, writing and the document.
//
// Reading is strict: a missing field, one too many, a number out of its range or a text too long is refused, with the path
// to it. The bytes may come from anywhere; nothing here trusts a length, recurses by what it reads, or touches prototypes.

/** Why a text is no manifest; the message begins with the path of the field. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError'
}

interface Shape<T> {
  /** For the document. */
  readonly accepts: string
  decode(value: unknown, path: string): T
  /** As JSON.stringify takes it. */
  encode(value: T): unknown
  /** Of an object, or of what a list holds. */
  readonly rows: readonly ShapeRow[]
}

interface ShapeRow {
  readonly path: string
  readonly accepts: string
  readonly summary: string
}

interface Field<T> {
  readonly shape: Shape<T>
  readonly summary: string
  readonly optional: boolean
}

type Fields = Readonly<Record<string, Field<unknown>>>

type ValueOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never }

export type TypeOf<S> = S extends Shape<infer T> ? T : never

export function field<T>(shape: Shape<T>, summary: string): Field<T> {
  return { shape, summary, optional: false }
}

/** Left out when undefined. */
export function optional<T>(shape: Shape<T>, summary: string): Field<T | undefined> {
  return { shape: shape as Shape<T | undefined>, summary, optional: true }
}

/** Fields are camelCase in the code and snake_case in the file. */
export function object<const F extends Fields>(fields: F): Shape<ValueOf<F>> {
  const byName = new Map(Object.entries(fields).map(([key, row]) => [snakeCase(key), { key, ...row }]))
  return {
    accepts: 'object',
    rows: [...byName].flatMap(([name, { shape, summary, optional }]) => [
      { path: name, accepts: shape.accepts + (optional ? ', or absent' : ''), summary },
      ...shape.rows.map((row) => ({ ...row, path: `${name}${row.path.startsWith('[]') ? '' : '.'}${row.path}` })),
    ]),
    decode(value, path) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'an object')
      for (const name of Object.keys(value)) {
        if (!byName.has(name)) throw new ShapeError(`${path}: has a field that is not known`)
      }
      const decoded: Record<string, unknown> = {}
      for (const [name, { key, shape, optional }] of byName) {
        const at = path === '' ? name : `${path}.${name}`
        if (Object.hasOwn(value, name)) decoded[key] = shape.decode((value as Record<string, unknown>)[name], at)
        else if (optional) decoded[key] = undefined
        else throw new ShapeError(`${at}: is missing`)
      }
      return decoded as ValueOf<F>
    },
    encode(value) {
      const pairs = [...byName].flatMap(([name, { key, shape }]) => {
        const given: unknown = value[key]
        return given === undefined ? [] : [[name, shape.encode(given)]]
      })
      return Object.fromEntries(pairs)
    },
  }
}

export function listOf<T>(item: Shape<T>, countMax: number): Shape<readonly T[]> {
  return {
    accepts: `list of ${item.accepts}`,
    rows: item.rows.map((row) => ({ ...row, path: `[].${row.path}` })),
    decode(value, path) {
      if (!Array.isArray(value) || value.length > countMax) throw wrong(path, `a list of at most ${countMax}`)
      return value.map((element, index) => item.decode(element, `${path}[${index}]`))
    },
    encode: (value) => value.map((element) => item.encode(element)),
  }
}

export function integer(min: number, max: number): Shape<number> {
  return {
    ...leaf<number>(`${min} .. ${max === Number.MAX_SAFE_INTEGER ? '2^53 - 1' : max}`),
    decode(value, path) {
      if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) {
        throw wrong(path, `a whole number from ${min} to ${max}`)
      }
      return value as number
    },
  }
}

export function text(lengthMax: number, pattern?: RegExp, accepts = `text of at most ${lengthMax}`): Shape<string> {
  return {
    ...leaf<string>(accepts),
    decode(value, path) {
      if (typeof value !== 'string' || value.length > lengthMax || pattern?.test(value) === false) {
        throw wrong(path, accepts)
      }
      return value
    },
  }
}

/** Exactly so many bytes, in lower case. */
export function hex(byteCount: number): Shape<string> {
  return text(byteCount * 2, new RegExp(`^[0-9a-f]{${byteCount * 2}}$`), `${byteCount} bytes in hex`)
}

export function constant<const T extends string | number>(only: T): Shape<T> {
  return {
    ...leaf<T>(JSON.stringify(only)),
    decode(value, path) {
      if (value !== only) throw wrong(path, JSON.stringify(only))
      return only
    },
  }
}

function leaf<T>(accepts: string): Pick<Shape<T>, 'accepts' | 'rows' | 'encode'> {
  return { accepts, rows: [], encode: (value) => value }
}

function wrong(path: string, expected: string): ShapeError {
  return new ShapeError(`${path === '' ? 'the manifest' : path}: is not ${expected}`)
}

function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
