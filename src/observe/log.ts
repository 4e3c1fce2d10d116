// The log: one line per happening on standard error, for a person first.
//
//   2025-05-04T10:20:30.400Z warning origin connection lost session=17 reason="server closed the connection"
//
// Invariants
//   1. Writing never throws and never blocks: a reader that went away (EPIPE) or a full pipe costs log lines, not service.
//   2. No line holds a password: texts pass maskPasswords, and a line has no line break inside.

import { type Clock, maskPasswords, systemClock } from '../base/index.ts'

const logLevels = ['debug', 'info', 'warning', 'error'] as const

type LogLevel = (typeof logLevels)[number]

type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Log {
  level: LogLevel
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warning(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

interface LogOptions {
  readonly level?: LogLevel
  /** Takes finished lines, line break included. Standard error if absent. */
  readonly write?: (line: string) => void
  readonly clock?: Clock
}

export function createLog(options: LogOptions = {}): Log {
  const write = options.write ?? writeToStandardError
  const clock = options.clock ?? systemClock
  const emit = (level: LogLevel, message: string, fields: LogFields | undefined): void => {
    if (logLevels.indexOf(level) < logLevels.indexOf(log.level)) return
    try {
      write(renderLine(clock.nowMs(), level, message, fields))
    } catch {
      // A log that fails must not take the server with it, and there is nowhere left to say so.
    }
  }
  const log: Log = {
    level: options.level ?? 'info',
    debug: (message, fields) => emit('debug', message, fields),
    info: (message, fields) => emit('info', message, fields),
    warning: (message, fields) => emit('warning', message, fields),
    error: (message, fields) => emit('error', message, fields),
  }
  return log
}

function renderLine(atMs: number, level: LogLevel, message: string, fields: LogFields = {}): string {
  let line = `${new Date(atMs).toISOString()} ${level.padEnd(7)} ${message}`
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) line += ` ${name}=${renderValue(value)}`
  return `${maskPasswords(line).replace(/\s*\r?\n\s*/g, ' ')}\n`
}

function renderValue(value: string | number | boolean): string {
  const text = maskPasswords(String(value))
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)
}

/** What may wait in memory for a slow reader of our standard error; beyond it lines are dropped. */
const backlogBytesMax = 1024 * 1024

let standardErrorGuarded = false

function writeToStandardError(line: string): void {
  if (!standardErrorGuarded) {
    standardErrorGuarded = true
    process.stderr.on('error', () => {})
  }
  if (process.stderr.writableLength < backlogBytesMax) process.stderr.write(line)
}
