// Where the digits of a number end: 1_000, 0x1F, 1.5e-3.

import { classes, digit, isPlusOrMinus } from './characters.ts'

export function decimalDigits(text: string, at: number): number {
  return classes[text.charCodeAt(at)] === digit ? digitsOf(text, at, isDecimalDigit) : at
}

/** Digits with single underscores between (or before) them. */
export function digitsOf(text: string, at: number, isDigit: (code: number) => boolean): number {
  for (;;) {
    const code = text.charCodeAt(at)
    if (isDigit(code)) at++
    else if (code === 95 && isDigit(text.charCodeAt(at + 1))) at += 2
    else return at
  }
}

export function exponentEnd(text: string, at: number): number {
  if ((text.charCodeAt(at) | 32) !== 101) return at
  const sign = isPlusOrMinus(text.charCodeAt(at + 1)) ? 1 : 0
  const digits = at + 1 + sign
  return classes[text.charCodeAt(digits)] === digit ? decimalDigits(text, digits) : at
}

function isDecimalDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

export function isHexDigit(code: number): boolean {
  return isDecimalDigit(code) || ((code | 32) >= 97 && (code | 32) <= 102)
}

export function isOctalDigit(code: number): boolean {
  return code >= 48 && code <= 55
}

export function isBinaryDigit(code: number): boolean {
  return code === 48 || code === 49
}
