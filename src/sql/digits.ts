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

/** What counts as a digit behind `0x`, `0o` or `0b`; undefined if the letter is none of these. */
export function digitsBehind(letter: number): ((code: number) => boolean) | undefined {
  switch (letter | 32) {
    case 120:
      return isHexDigit
    case 111:
      return isOctalDigit
    case 98:
      return isBinaryDigit
    default:
      return undefined
  }
}

function isDecimalDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function isHexDigit(code: number): boolean {
  return isDecimalDigit(code) || ((code | 32) >= 97 && (code | 32) <= 102)
}

function isOctalDigit(code: number): boolean {
  return code >= 48 && code <= 55
}

function isBinaryDigit(code: number): boolean {
  return code === 48 || code === 49
}
