// temporary
import { namesOfExpression, namesOfQuery, noNames, type Parser } from './sql/index.ts'
import type { OwnRoom } from './frontend/index.ts'
export function ownRoom(parts: { parser: Parser } & Record<string, unknown>): OwnRoom & { attach(x: unknown): void; close(): Promise<void> } {
  return {
    noNames,
    namesOfQuery: (text) => namesOfQuery(parts.parser, text),
    namesOfExpression: (text) => namesOfExpression(parts.parser, text),
    recognise: () => undefined,
    run: () => true,
    prepare: () => true,
    leave: () => {},
    attach: () => {},
    close: async () => {},
  }
}
