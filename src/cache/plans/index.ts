// Door of `cache/plans`: what is known of statements, contexts and the catalogue.

export { hashOfKey } from './answer-table.ts'
export {
  type Capture,
  captureFrames,
  captureStatement,
  prepareCaptureFrame,
  readCapture,
  readOids,
  writtenOids,
} from './capture.ts'
export {
  mayZoneTimes,
  namedFactsFrames,
  namesQuestion,
  onlyBuiltins,
  type RelationFacts,
  readNamedFacts,
  readRelationFacts,
  refusalOfNames,
  refusalOfRelations,
  relationFactsFrames,
  relationsQuestion,
} from './catalogue.ts'
export {
  ContextTable,
  contextFrames,
  contextMark,
  contextQuestion,
  lifeQuestion,
  markedSettingsOf,
  type SessionContext,
} from './context.ts'
export {
  declaredTypes,
  describedTypes,
  parameterTypesFrames,
  parameterTypesOf,
  wantsParameterTypes,
} from './parameter-types.ts'
export { PlanCache } from './plan-cache.ts'
export { type ColumnFacts, Shape, type ShapeFacts, type TableFacts } from './shape.ts'
export { StatementText, type TextHints } from './statement-text.ts'
