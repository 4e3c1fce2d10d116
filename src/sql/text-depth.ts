// How deeply a text might nest, estimated from its tokens before it is parsed.
//
// A level of the tree needs at least one token, and what stands between two commas of one bracket is a tree of its own.
// So the tokens since the last comma, added up over the open brackets, bound the depth. Set operations are chains that
// run across commas, so they are counted for themselves.
//
// The bound: on the usual stack (984 KB) the shapes that need most per token, `(select (select …` and `+1+1…`, parsed with
// 3,200 and 12,800 tokens and failed with twice as many. Nothing near 2,500 failed, with a third of the stack in use.
// Block comments are read in quadratic time (6,400 levels: 0.3 s), hence their own bound.

import { Lexer, tokens } from './lexer.ts'

export const depthMax = 2500
export const textLengthMax = 65_536
/** Of a text that names relations of ours, such as an INSERT of many rows. */
export const ownTextLengthMax = 1_048_576
const commentDepthMax = 64

/** True if the parser's stack might not hold the text. Texts shorter than the bound cannot exceed it. */
export function mayNestDeeperThan(text: string, bound: number): boolean {
  if (text.length <= bound && !text.includes('/*')) return false
  const lexer = new Lexer(text)
  /** Tokens since the last comma, for each open bracket around the current one. */
  const outer: number[] = []
  let outerSum = 0
  let here = 0
  let setOperations = 0
  for (let kind = lexer.next(); kind !== tokens.end; kind = lexer.next()) {
    if (kind === tokens.comment) {
      if (lexer.commentDepthMax > commentDepthMax) return true
      continue
    }
    here++
    if (outerSum + here + setOperations > bound) return true
    if (kind === tokens.word && isSetOperation(text, lexer.start, lexer.end)) setOperations += 2
    if (kind !== tokens.punctuation) continue
    const sign = text.charCodeAt(lexer.start)
    if (sign === 40 || sign === 91) {
      outer.push(here)
      outerSum += here
      here = 0
    } else if (sign === 41 || sign === 93) {
      here = outer.pop() ?? here
      outerSum = Math.max(0, outerSum - here)
    } else if (sign === 44) {
      here = 0
    } else if (sign === 59) {
      here = 0
      setOperations = 0
    }
  }
  return lexer.commentDepthMax > commentDepthMax
}

function isSetOperation(text: string, start: number, end: number): boolean {
  switch (end - start) {
    case 5:
      return text.slice(start, end).toLowerCase() === 'union'
    case 6:
      return text.slice(start, end).toLowerCase() === 'except'
    case 9:
      return text.slice(start, end).toLowerCase() === 'intersect'
    default:
      return false
  }
}
