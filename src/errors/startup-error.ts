// Why the process could not start: one line, one hint and an exit code, never a stack trace.

export type ExitCode = 1 | 2

export class StartupError extends Error {
  override readonly name = 'StartupError'
  /** A sentence of advice. */
  readonly hint: string
  /** 2 when the command line is wrong, 1 for everything else. */
  readonly exitCode: ExitCode

  constructor(message: string, hint: string, options: { exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.hint = hint
    this.exitCode = options.exitCode ?? 1
  }
}
