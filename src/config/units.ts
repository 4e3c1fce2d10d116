// Numbers with units as PostgreSQL reads and writes them in settings: `256MB`, `1h`, `250`.
//
// A bare number has the base unit (bytes, milliseconds). Reading allows fractions (`1.5GB`) and space before the unit;
// units are case-sensitive. Writing takes the largest unit that divides the value without rest, and 0 has no unit.

import { conditions, ServerError } from '../errors/index.ts'

export interface UnitFamily {
  readonly base: string
  /** Size in base units, largest first. */
  readonly units: readonly (readonly [name: string, size: number])[]
  readonly names: string
}

export const byteUnits: UnitFamily = {
  base: 'B',
  units: [
    ['TB', 1024 ** 4],
    ['GB', 1024 ** 3],
    ['MB', 1024 ** 2],
    ['kB', 1024],
    ['B', 1],
  ],
  names: '"B", "kB", "MB", "GB", and "TB"',
}

export const timeUnits: UnitFamily = {
  base: 'ms',
  units: [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
    ['ms', 1],
    ['us', 0.001],
  ],
  names: '"us", "ms", "s", "min", "h", and "d"',
}

/** Reads a quantity and rounds it to whole base units; `label` is the parameter's name for messages. */
export function parseQuantity(text: string, family: UnitFamily, label: string): number {
  const match = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([a-z]*)\s*$/i.exec(text)
  const unit = match?.[2] === '' ? family.base : match?.[2]
  const size = family.units.find(([name]) => name === unit)?.[1]
  if (match === null || size === undefined) {
    throw new ServerError(conditions.invalidParameterValue, [label, text], {
      hint: `Valid units for this parameter are ${family.names}.`,
    })
  }
  return Math.round(Number(match[1]) * size)
}

export function renderQuantity(value: number, family: UnitFamily): string {
  if (value === 0) return '0'
  for (const [name, size] of family.units) if (value % size === 0) return `${value / size}${name}`
  return `${value}${family.base}`
}
