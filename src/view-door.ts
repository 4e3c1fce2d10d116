// Composition: views as answers to statements that do not name them (frontend/view-read.ts).

import type { View, Views } from './cache/views/index.ts'
import type { ViewDoor, ViewMatch } from './frontend/index.ts'
import { commandCompleteFrame, rowDescriptionFrame, textRowFrames } from './wire/index.ts'

export function openViewDoor(views: Views): ViewDoor {
  return {
    alike: (database, shape, text) => views.alike(database, shape, text).map((view) => matchOf(views, view)),
  }
}

function matchOf(views: Views, view: View): ViewMatch {
  return {
    name: view.name,
    subject: view.policy.kind === 'incremental' ? views.subject(view) : undefined,
    async read(atLeast, bytesMax, waitMs, signal) {
      const answer = await views.answer(view, atLeast, waitMs, signal)
      if (answer === undefined) return undefined
      const { description, columns, rows, life } = answer
      const isSame =
        description.length === columns.length &&
        description.every(({ typeOid }, at) => columns[at]?.typeOid === typeOid)
      if (!isSame) return undefined
      const rowFrames = textRowFrames(rows, bytesMax)
      if (rowFrames === undefined) return undefined
      return {
        frames: [rowDescriptionFrame(description), ...rowFrames, commandCompleteFrame(`SELECT ${rows.length}`)],
        life,
      }
    },
  }
}
