// Why the process could not start: one line, one hint and an exit code, never a stack trace.

import { ServerError } from './server-error.ts'

type ExitCode = 1 | 2

export class StartupError extends Error {
  override readonly name = 'StartupError'
  /** A sentence of advice. */
  readonly hint: string
  /** 2 when the command line is wrong, 1 for everything else. */
  readonly exitCode: ExitCode

  constructor(message: string, hint: string, options: { exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message.split('\n')[0], options.cause === undefined ? undefined : { cause: options.cause })
    this.hint = hint
    this.exitCode = options.exitCode ?? 1
  }
}

/** Whatever a start threw, as the line and the hint a person can use. */
export function startupErrorOf(error: unknown): StartupError {
  if (error instanceof StartupError) return error
  if (error instanceof ServerError) {
    const hint = error.hint ?? error.detail ?? 'docs/settings.md explains the settings.'
    return new StartupError(error.message, hint, { cause: error })
  }
  const cause = error as Partial<NodeJS.ErrnoException> & { readonly address?: string; readonly port?: number }
  if (cause.syscall === 'listen') return listenError(cause, `${cause.address ?? ''}:${cause.port ?? ''}`)
  const subject = cause.path === undefined ? '' : ` "${cause.path}"`
  const hint = fileHints[cause.code ?? '']
  if (hint !== undefined) return new StartupError(`${hint.problem}${subject}`, hint.advice, { cause: error })
  const message = error instanceof Error ? error.message : String(error)
  return new StartupError(message, 'This is unexpected; please report it with what you did.', { cause: error })
}

function listenError(cause: Partial<NodeJS.ErrnoException>, where: string): StartupError {
  if (cause.code === 'EADDRINUSE') {
    return new StartupError(`the address ${where} is in use`, 'Stop what uses it, or choose another with --listen.', {
      cause,
    })
  }
  if (cause.code === 'EACCES') {
    return new StartupError(`no permission to listen on ${where}`, 'Choose a port above 1023 with --listen.', { cause })
  }
  return new StartupError(
    `cannot listen on ${where}: ${cause.message ?? cause.code}`,
    'Choose an address of this machine with --listen.',
    { cause },
  )
}

const fileHints: Readonly<Record<string, { readonly problem: string; readonly advice: string }>> = {
  EACCES: {
    problem: 'no permission for',
    advice: 'Change its owner or mode, or choose another place with --data-dir.',
  },
  EPERM: { problem: 'no permission for', advice: 'Change its owner or mode, or choose another place with --data-dir.' },
  EROFS: { problem: 'read-only file system at', advice: 'Choose another place with --data-dir.' },
  ENOSPC: { problem: 'no space left for', advice: 'Free some space, or choose another place with --data-dir.' },
  ENOTDIR: { problem: 'not a directory:', advice: 'Choose another place with --data-dir.' },
}
