// Runs the command `larder` as a person does: a process of its own, with its arguments, output, signals and exit code.

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../bin/larder.js', import.meta.url))
const built = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

/** Where the machine is busy the feed may take longer to come than an answer is worth waiting for; here the answer counts, not the time. */
const patient = { LARDER_FLOOR_WAIT: '20s' }

export class Command {
  readonly #process: ChildProcess
  /** Settles with the exit code when the process has ended and its output is complete. */
  readonly exit: Promise<number | null>
  stdout = ''
  stderr = ''

  /** `environment` is added to ours, without the LARDER_ variables that this machine may have. Reads wait for the feed. */
  static run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Command {
    if (!existsSync(built)) throw new Error('the command is not built: npm run build')
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('LARDER_'))
    return new Command(args, { ...Object.fromEntries(inherited), ...patient, ...environment })
  }

  /** Program and arguments of the command, for those who start it in other ways. */
  static line(args: readonly string[]): string[] {
    return [process.execPath, bin, ...args]
  }

  private constructor(args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#process = spawn(process.execPath, [bin, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()))
    this.#process.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    this.exit = new Promise((resolve) => this.#process.on('close', resolve))
  }

  /** Waits until standard output (or standard error) has a text that matches; fails if the process ends first. */
  async prints(pattern: RegExp, from: 'stdout' | 'stderr' = 'stdout'): Promise<RegExpExecArray> {
    const stream = this.#process[from]
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this[from])
        if (match === null) return
        stream?.off('data', look)
        resolve(match)
      }
      stream?.on('data', look)
      void this.exit.then((code) => {
        look()
        reject(new Error(`ended with ${code} before it printed ${pattern}:\n${this.stdout}${this.stderr}`))
      })
      look()
    })
  }

  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGKILL'): void {
    this.#process.kill(name)
  }

  /** For the end of a test, whatever happened in it. */
  async end(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.signal('SIGKILL')
    await this.exit
  }
}
