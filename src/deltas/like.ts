// The patterns of LIKE: `%` for any characters, `_` for one, a backslash before what stands for itself.

import { NotMaintainable } from './refusals.ts'

type Token = 'any' | 'one' | { readonly text: string }

export function likeMatcher(pattern: string): (text: string) => boolean {
  const tokens = tokensOf(pattern)
  return (text) => matches(tokens, text)
}

function tokensOf(pattern: string): readonly Token[] {
  const tokens: Token[] = []
  let text = ''
  const flush = (): void => {
    if (text !== '') tokens.push({ text })
    text = ''
  }
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at)
    if (character === '%' || character === '_') {
      flush()
      if (character === '_') tokens.push('one')
      else if (tokens.at(-1) !== 'any') tokens.push('any')
    } else if (character === '\\') {
      at++
      if (at === pattern.length) throw new NotMaintainable('shape', 'LIKE pattern must not end with escape character')
      text += pattern.charAt(at)
    } else text += character
  }
  flush()
  return tokens
}

/** As far as it fits; where it does not, the last `%` takes one character more. */
function matches(tokens: readonly Token[], text: string): boolean {
  let at = 0
  let token = 0
  let anyToken = -1
  let anyAt = 0
  for (;;) {
    const wanted = tokens[token]
    if (wanted === 'any') {
      anyToken = token++
      anyAt = at
      continue
    }
    if (wanted === undefined ? at === text.length : fits(wanted, text, at)) {
      if (wanted === undefined) return true
      at += wanted === 'one' ? width(text, at) : wanted.text.length
      token++
      continue
    }
    if (anyToken < 0 || anyAt >= text.length) return false
    anyAt += width(text, anyAt)
    const next = tokens[anyToken + 1]
    // Straight to where it may go on.
    if (next !== undefined && typeof next === 'object') {
      anyAt = text.indexOf(next.text, anyAt)
      if (anyAt < 0) return false
    }
    at = anyAt
    token = anyToken + 1
  }
}

function fits(token: Exclude<Token, 'any'>, text: string, at: number): boolean {
  return token === 'one' ? at < text.length : text.startsWith(token.text, at)
}

/** Of the character there: two where it is a pair. */
function width(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 0xd800 && code <= 0xdbff ? 2 : 1
}
