// One grammar for all servers under test in this process: each instance reserves 128 MB of addresses, and a process that
// opens servers by the dozen would spend its time collecting them. A server has its own parser over it, as far as a parser
// has anything of its own: the names that make a text its own.

import { openParser, type Parser } from '../../src/sql/index.ts'

let opened: Promise<Parser> | undefined

export async function sharedParser(): Promise<Parser> {
  opened ??= openParser()
  return new SharedParser(await opened)
}

class SharedParser implements Parser {
  ownNames: RegExp | undefined
  readonly #parser: Parser

  constructor(parser: Parser) {
    this.#parser = parser
  }

  parse(text: string): ReturnType<Parser['parse']> {
    this.#parser.ownNames = this.ownNames
    return this.#parser.parse(text)
  }

  get ready(): boolean {
    return this.#parser.ready
  }

  get discardedCount(): number {
    return this.#parser.discardedCount
  }

  settled(): Promise<void> {
    return this.#parser.settled()
  }
}
