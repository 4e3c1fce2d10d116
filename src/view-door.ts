// Composition: views as answers to statements that do not name them (frontend/view-read.ts).

import type { View, Views } from './cache/views/index.ts'
import type { ViewDoor, ViewMatch } from './frontend/index.ts'
import type { Parser } from './sql/index.ts'
import { commandCompleteFrame, readColumnTypes, rowDescriptionFrame, textRowFrames } from './wire/index.ts'

export function openViewDoor({ answers }: Pick<Views, 'answers'>, parser: Parser): ViewDoor {
  return {
    isOpen: (database) => answers.isOpen(database),
    alike: (database, shape, text) => answers.alike(database, shape, text).map((view) => matchOf(answers, view)),
    coarser(database, relation, text) {
      const found = answers.gathering(database, relation)
      if (found.length === 0) return []
      const statement = parser.parse(text()).tree?.stmts[0]?.stmt
      return found.map((view) => ({
        ...matchOf(answers, view, statement),
        reason: statement === undefined ? 'it cannot be read' : answers.whyNot(view, statement),
      }))
    },
  }
}

/** `statement`: another one, to be answered from what the view has gathered. */
function matchOf(answers: Views['answers'], view: View, statement?: unknown): ViewMatch {
  const subject = view.policy.kind === 'incremental' ? answers.subject(view) : undefined
  return {
    name: view.name,
    subject,
    verdict: statement === undefined ? 'view' : subject?.keyCount === 0 ? 'aggregate' : 'rollup',
    noteAnswer: ({ fingerprint, shown: statement }, atMs) => answers.noteAnswer(view, { fingerprint, statement }, atMs),
    async read(atLeast, bytesMax, waitMs, signal, seen) {
      const answer = await answers.answer(view, atLeast, waitMs, signal, statement)
      if (answer === undefined) return undefined
      const { columns, rows, life } = answer
      const description = statement === undefined ? rowDescriptionFrame(answer.description) : seen
      if (description === undefined) return undefined
      const described = readColumnTypes(description)
      const isSame =
        described.length === columns.length &&
        described.every(({ typeOid, modifier }, at) => {
          const column = columns[at]
          return column?.typeOid === typeOid && (statement === undefined || column.modifier === modifier)
        })
      const rowFrames = isSame ? textRowFrames(rows, bytesMax) : undefined
      return rowFrames && { frames: [description, ...rowFrames, commandCompleteFrame(`SELECT ${rows.length}`)], life }
    },
  }
}
