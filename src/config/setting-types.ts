// The types a setting may have: how its text is read, checked and shown.
//
// parse() throws the ServerError a client or the command line shows; its first argument names the parameter.

import { maskPasswords } from '../base/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import { isLabel, labelsMax } from './labels.ts'
import { byteUnits, parseQuantity, renderQuantity, timeUnits, type UnitFamily } from './units.ts'

export interface SettingType<T> {
  readonly kind: 'bytes' | 'duration' | 'integer' | 'enum' | 'text' | 'list' | 'address' | 'url'
  /** What may stand there, for the documents: `on, off, declared` or `0 .. 1d`. */
  readonly accepts: string
  parse(text: string, label: string): T
  /** The value as shown to people; never holds a password. */
  render(value: T): string
}

interface Bounds {
  readonly min?: string
  readonly max?: string
}

export function bytes(bounds: Bounds = {}): SettingType<number> {
  return quantity('bytes', byteUnits, bounds, '1024TB')
}

/** A duration, as milliseconds. */
export function duration(bounds: Bounds = {}): SettingType<number> {
  return quantity('duration', timeUnits, bounds, '365d')
}

function quantity(
  kind: 'bytes' | 'duration',
  family: UnitFamily,
  bounds: Bounds,
  absoluteMax: string,
): SettingType<number> {
  const min = parseQuantity(bounds.min ?? '0', family, 'min')
  const max = parseQuantity(bounds.max ?? absoluteMax, family, 'max')
  const render = (value: number): string => renderQuantity(value, family)
  return {
    kind,
    accepts: bounds.max === undefined ? `${render(min)} or more` : `${render(min)} .. ${render(max)}`,
    parse: (text, label) => within(parseQuantity(text, family, label), min, max, label, render),
    render,
  }
}

export function integer(bounds: { readonly min: number; readonly max: number }): SettingType<number> {
  return {
    kind: 'integer',
    accepts: `${bounds.min} .. ${bounds.max}`,
    parse(text, label) {
      if (!/^\s*[+-]?\d+\s*$/.test(text)) throw new ServerError(conditions.invalidParameterValue, [label, text])
      return within(Number(text), bounds.min, bounds.max, label, String)
    },
    render: String,
  }
}

function within(value: number, min: number, max: number, label: string, render: (value: number) => string): number {
  if (value < min || value > max) {
    throw new ServerError(conditions.parameterOutOfRange, [render(value), label, render(min), render(max)])
  }
  return value
}

const booleanWords: Readonly<Record<string, 'on' | 'off'>> = {
  true: 'on',
  yes: 'on',
  '1': 'on',
  false: 'off',
  no: 'off',
  '0': 'off',
}

/**
 * One of a few words, in any case. Where `on` and `off` are among them, the other spellings of a boolean are too, as in
 * PostgreSQL. Words in `later` are known but not served by this release.
 */
export function enumeration<const Value extends string>(
  values: readonly Value[],
  later: readonly Value[] = [],
): SettingType<Value> {
  const accepted = values.filter((value) => !later.includes(value))
  return {
    kind: 'enum',
    accepts: accepted.join(', '),
    parse(text, label) {
      const word = text.trim().toLowerCase()
      const value = values.find((candidate) => candidate === word || candidate === booleanWords[word])
      if (value === undefined) {
        throw new ServerError(conditions.invalidParameterValue, [label, text], {
          hint: `Available values: ${accepted.join(', ')}.`,
        })
      }
      if (later.includes(value)) {
        throw new ServerError(conditions.featureNotSupported, [`"${value}" as value of parameter "${label}"`], {
          hint: `Available values: ${accepted.join(', ')}.`,
        })
      }
      return value
    },
    render: (value) => value,
  }
}

/** A text that is never shown again. */
export function secretText(): SettingType<string> {
  return {
    kind: 'text',
    accepts: 'any text',
    parse: (given) => given,
    render: (value) => (value === '' ? '' : '********'),
  }
}

export function text(options: { readonly pattern?: RegExp; readonly accepts: string }): SettingType<string> {
  return {
    kind: 'text',
    accepts: options.accepts,
    parse(given, label) {
      if (options.pattern !== undefined && !options.pattern.test(given)) {
        throw new ServerError(conditions.invalidParameterValue, [label, given], {
          hint: `Expected ${options.accepts}.`,
        })
      }
      return given
    },
    render: (value) => value,
  }
}

/** Names between commas; space around them does not count, and an empty text is an empty list. */
export function list(accepts: string): SettingType<readonly string[]> {
  return {
    kind: 'list',
    accepts,
    parse: (given) =>
      Object.freeze(
        given
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== ''),
      ),
    render: (value) => value.join(', '),
  }
}

/** Labels between commas, each once. */
export function labels(): SettingType<readonly string[]> {
  const names = list(`labels of 1 to 255 bytes between commas, at most ${labelsMax}`)
  return {
    ...names,
    parse(given, label) {
      const found = [...new Set(names.parse(given, label))]
      const isGood = found.length <= labelsMax && found.every(isLabel)
      if (isGood) return Object.freeze(found)
      throw new ServerError(conditions.invalidParameterValue, [label, given.slice(0, 300)], {
        hint: `Expected ${names.accepts}.`,
      })
    },
  }
}

interface Address {
  readonly host: string
  readonly port: number
}

/** `host:port`, with an IPv6 host in square brackets; `:port` alone is every interface. Port 0 asks for any free one. */
export function address(): SettingType<Address> {
  return {
    kind: 'address',
    accepts: 'host:port',
    parse(given, label) {
      const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s/]*)):(\d{1,5})$/i.exec(given.trim())
      const port = Number(match?.[3])
      if (match === null || port > 65_535) {
        throw new ServerError(conditions.invalidParameterValue, [label, given], {
          hint: 'Expected host:port, such as 127.0.0.1:6432.',
        })
      }
      const host = match[1] ?? match[2] ?? ''
      return Object.freeze({ host: host === '' || host === '*' ? '0.0.0.0' : host, port })
    },
    render: (value) => `${value.host.includes(':') ? `[${value.host}]` : value.host}:${value.port}`,
  }
}

/** host:port as a text, or empty: nowhere. */
export function addressOrNone(): SettingType<string> {
  const { parse, render, accepts } = address()
  return {
    kind: 'address',
    accepts: `${accepts}, or empty`,
    parse: (given, label) => (given.trim() === '' ? '' : render(parse(given, label))),
    render: (value) => value,
  }
}

/**
 * Where a Postgres is, as libpq takes it: a URL or `key=value` words, or empty. What is in it is the origin's business
 * (origin/upstream); the password is never shown.
 */
export function connectionString(): SettingType<string> {
  return {
    kind: 'url',
    accepts: 'postgres://user:password@host:port/database',
    parse(given, label) {
      const target = given.trim()
      if (!/^($|postgres(ql)?:\/\/|\w+\s*=)/.test(target)) {
        throw new ServerError(conditions.invalidParameterValue, [label, maskPasswords(given)], {
          hint: 'Expected a URL such as postgres://user:password@host:5432/database.',
        })
      }
      return target
    },
    render: maskPasswords,
  }
}

/**
 * Where backups lie, or empty. What is in the URL is the archive's business, but for this: credentials do not belong there,
 * and a text that may hold some is not repeated.
 */
export function archiveUrl(): SettingType<string> {
  return {
    kind: 'url',
    accepts: 'file:///folder, s3://bucket/prefix or https://host/prefix',
    parse: (given, label) => requireUrl(given.trim(), label, /^(file|s3|https?):\/\/[^\s@]*$/i),
    render: (value) => value,
  }
}

/** Such URLs between commas. */
export function archiveUrls(): SettingType<readonly string[]> {
  const { accepts, parse } = archiveUrl()
  const names = list(accepts)
  return {
    ...names,
    accepts: `${accepts}, between commas`,
    parse: (given, label) => Object.freeze(names.parse(given, label).map((url) => parse(url, label))),
  }
}

/** The address of a web server, or empty. */
export function webUrl(): SettingType<string> {
  return {
    kind: 'url',
    accepts: 'http://host:port or https://host',
    parse: (given, label) => requireUrl(given.trim(), label, /^https?:\/\/[^\s@?#/]+\/?$/i),
    render: (value) => value,
  }
}

function requireUrl(url: string, label: string, pattern: RegExp): string {
  if (url === '' || pattern.test(url)) return url
  throw new ServerError(conditions.invalidParameterValue, [label, `${/^\w{0,10}:/.exec(url)?.[0] ?? ''}…`], {
    hint: 'Expected a URL without user and password.',
  })
}
