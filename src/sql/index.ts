// The door of `sql`: what a statement is, told from its text.

export { type AnalyseOptions, analyse } from './analyse.ts'
export { stableFunctionsInKey } from './builtin-functions.ts'
export { namesOfExpression, namesOfQuery, type TextNames } from './catalogue-texts.ts'
export { mayMeanNow } from './dates.ts'
export { fingerprintOf } from './fingerprint.ts'
export { type Hints, noHints, readHints } from './hints.ts'
export { Lexer, type TokenKind, tokens } from './lexer.ts'
export { Literal } from './literal.ts'
export { mergeNames, noNames } from './names.ts'
export { type Normalised, normalise } from './normalise.ts'

export { openParser, type Parsed, type ParseFailure, type Parser } from './parser.ts'
export { type ReasonCode, type ReasonRow, reasons, remedyOf, type Verdict } from './reasons.ts'
export type {
  NamesUsed,
  QualifiedName,
  Statement,
  StatementKind,
  TextReason,
  TransactionVerb,
} from './statement.ts'
export { type SplitText, splitTrailingComment, stripTrailingComment } from './trailing-comment.ts'
export { type Fields, fieldsIf, listOf, type ParseTree, type Typed, unwrap, wordsOf } from './tree.ts'
export { type Visited, walk } from './walk.ts'
