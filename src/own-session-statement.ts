// Composition: BEGIN, SET, DISCARD and the like in an admin database, which has no origin to ask.

import type { Session } from './frontend/index.ts'
import type { Statement } from './sql/index.ts'
import { commandCompleteFrame, emptyQueryFrame, status } from './wire/index.ts'

/** Does what the statement says to the session; returns the frame that completes it. */
export function completeSessionStatement(session: Session, statement: Statement, sql: string): Buffer {
  const { settings } = session
  const word = (/^\s*([a-z]+)/i.exec(sql)?.[1] ?? '').toUpperCase()
  if (statement.kind === 'empty') return emptyQueryFrame
  if (statement.kind !== 'transaction') {
    if (/^\s*(?:discard\s+all|deallocate\s+(?:prepare\s+)?all)\b/i.test(sql)) {
      session.statements.clear()
      session.services.own.forgetPrepared(session)
    }
    const set = /^\s*set\s+(?:session\s+|local\s+)?([\w.]+)\s*(?:=|to)\s*'?([^';]*)'?/i.exec(sql)
    if (set?.[1] !== undefined) session.identity.parameters.set(set[1], set[2] ?? '')
    return commandCompleteFrame(/^\s*(?:discard|deallocate)\s+all/i.test(sql) ? `${word} ALL` : word)
  }
  const failed = session.status === status.failed
  switch (statement.verb) {
    case 'begin':
      settings.begin()
      session.status = session.status === status.idle ? status.inBlock : session.status
      return commandCompleteFrame(word === 'START' ? 'START TRANSACTION' : 'BEGIN')
    case 'commit':
      if (failed) settings.rollback()
      else settings.commit()
      session.status = status.idle
      return commandCompleteFrame(failed ? 'ROLLBACK' : 'COMMIT')
    case 'rollback':
      settings.rollback()
      session.status = status.idle
      return commandCompleteFrame('ROLLBACK')
    default:
      if (statement.verb === 'rollback_to') session.status = status.inBlock
      return commandCompleteFrame(word)
  }
}
