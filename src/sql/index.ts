// The door of `sql`: what a statement is, told from its text.

export { analyse } from './analyse.ts'
export { stableFunctionsInKey } from './builtin-functions.ts'
export { namesOfExpression, namesOfQuery } from './catalogue-texts.ts'
export { mayMeanNow } from './dates.ts'
export { fingerprintNumber, fingerprintOf } from './fingerprint.ts'
export {
  type ColumnName,
  footprintOf,
  type PinTest,
  type RawFootprint,
  type RawRange,
} from './footprint.ts'
export type { Source } from './footprint-source.ts'
export { type Hints, noHints, readCommentHints, readHints } from './hints.ts'
export { Lexer, type TokenKind, tokens } from './lexer.ts'
export { Literal } from './literal.ts'
export { mergeNames, noNames } from './names.ts'
export { normalise } from './normalise.ts'
export { openParser, type Parser } from './parser.ts'
export { type PreparedWords, preparedWords } from './prepared.ts'
export { inSchema, type ReasonCode, type ReasonRow, reasons, reasonsIn, type Verdict } from './reasons.ts'
export * from './row-values.ts'
export { schemasOfPath } from './search-path.ts'
export { shownShape } from './shown.ts'
export type {
  NamesUsed,
  Statement,
  StatementKind,
  TextReason,
  TransactionVerb,
} from './statement.ts'
export { statementSpans } from './statement-spans.ts'
export { cutTrailingComments, filledLength, isFiller } from './trailing-comment.ts'
export { type Fields, fieldsIf, listOf, type ParseTree, textOf, unwrap, wordsOf } from './tree.ts'
export { inScope, walk } from './walk.ts'
export { type WriteTarget, type WriteVerb, writesOf, writesOfRule } from './write-targets.ts'
