// What each character may begin or continue, by the rules of PostgreSQL's scan.l.

export const other = 0
export const space = 1
export const letter = 2
export const digit = 3
export const operatorSign = 4
export const quote = 5
export const doubleQuote = 6
export const dollar = 7
export const bracket = 8
export const dot = 9
export const colon = 10

/** The class of each ASCII sign; beyond ASCII every sign is a letter to PostgreSQL. */
export const classes = new Uint8Array(128)
function classify(signs: string, charClass: number): void {
  for (const sign of signs) classes[sign.charCodeAt(0)] = charClass
}
classify(' \t\n\r\f\v', space)
classify('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_', letter)
classify('0123456789', digit)
classify('~!@#^&|`?+-*/%<>=', operatorSign)
classify("'", quote)
classify('"', doubleQuote)
classify('$', dollar)
classify(',()[];', bracket)
classify('.', dot)
classify(':', colon)

// What a word goes on with: letters, digits, _ and $; beyond ASCII every sign is a letter.
export const small = 1
export const large = 2
export const wordMarks = new Uint8Array(128)
for (let code = 0; code < 128; code++) {
  if (code >= 65 && code <= 90) wordMarks[code] = large
  else if (classes[code] === letter || classes[code] === digit || code === 36) wordMarks[code] = small
}

export function startsWord(code: number): boolean {
  return code >= 128 || classes[code] === letter
}

export function isPlusOrMinus(code: number): boolean {
  return code === 43 || code === 45
}
