// A running `postgres` as our child: started, watched, stopped, and never left behind.
//
// The child is `sh`, which starts a guard and then becomes postgres itself (exec), so postgres is our direct child with
// the pid we know. The guard waits at the other end of a pipe that only we hold open:
//
//   larder ---pipe---> guard (sh, blocked in `read`)
//      \---child-----> postgres
//
// If we end in any way, kill -9 included, the kernel closes the pipe, `read` fails, and the guard stops the server: a
// fast shutdown, after some seconds an immediate one. If the server ends first we write a line, and the guard leaves.
// Both live in a session of their own, so Ctrl-C in our terminal reaches us alone and we can drain first.
//
// The guard is a grandchild of a subshell that ends at once: postgres must not find a child that it did not make.

import { type ChildProcess, spawn } from 'node:child_process'
import { open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { StartupError } from '../../errors/index.ts'
import { type PostgresBinaries, serverEnvironment } from './find-postgres.ts'
import type { ServerUser } from './server-user.ts'

const guardedStart = `
exec 3<&0 </dev/null
( ( IFS= read -r word <&3 && exit
    kill -INT $$
    for second in 1 2 3 4 5 6 7 8; do sleep 1; kill -0 $$ || exit; done
    kill -QUIT $$
  ) >/dev/null 2>&1 & )
exec "$@" 3<&-
`

export interface PostmasterExit {
  /** Whether we had asked for it. */
  readonly expected: boolean
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

interface PostmasterOptions {
  readonly binaries: PostgresBinaries
  readonly user: ServerUser | undefined
  readonly cluster: string
  readonly configuration: string
  readonly socketDirectory: string
  readonly port: number
  readonly logPath: string
}

export class Postmaster {
  readonly pid: number
  /** Resolves when the process is gone, for whatever reason. */
  readonly exited: Promise<PostmasterExit>
  #child: ChildProcess
  #stopping = false
  #isGone = false

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child
    this.pid = pid
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#isGone = true
        child.stdin?.end('over\n')
        resolve({ expected: this.#stopping, code, signal })
      })
    })
  }

  /** Starts the server and waits until it takes connections, however long its recovery needs. */
  static async start(options: PostmasterOptions): Promise<Postmaster> {
    const log = await openLog(options.logPath)
    try {
      const logStart = (await log.stat()).size
      const child = launch(options, log.fd)
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve)
        child.once('error', (error) => reject(startFailure(options, error.message, error)))
      })
      const postmaster = new Postmaster(child, child.pid as number)
      await postmaster.#untilReady(options, logStart)
      return postmaster
    } finally {
      await log.close()
    }
  }

  /** Ends every session and the server: fast, then after `timeoutMs` without mercy. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true
    const steps = [
      { signal: 'SIGINT', waitMs: timeoutMs },
      { signal: 'SIGQUIT', waitMs: 6000 },
      { signal: 'SIGKILL', waitMs: 6000 },
    ] as const
    for (const { signal, waitMs } of steps) {
      if (this.#isGone) return
      this.#child.kill(signal)
      const timer = new AbortController()
      const expiry = delay(waitMs, undefined, { signal: timer.signal }).catch(() => undefined)
      await Promise.race([this.exited, expiry])
      timer.abort()
    }
  }

  /** The server writes its state into the eighth line of postmaster.pid; a short poll is the quickest way to see it. */
  async #untilReady(options: PostmasterOptions, logStart: number): Promise<void> {
    for (let waitMs = 2; !this.#isGone; waitMs = Math.min(50, waitMs * 1.1)) {
      const lines = (await readFile(join(options.cluster, 'postmaster.pid'), 'latin1').catch(() => '')).split('\n')
      if (Number(lines[0]) === this.pid && lines[7]?.trim() === 'ready') return
      await Promise.race([this.exited, delay(waitMs)])
    }
    const { code, signal } = await this.exited
    const reason = await lastComplaint(options.logPath, logStart)
    throw startFailure(options, reason ?? (signal === null ? `exit code ${code}` : `signal ${signal}`))
  }
}

function launch(options: PostmasterOptions, logFd: number): ChildProcess {
  const { binaries, user } = options
  const identity = user === undefined ? {} : { uid: user.uid, gid: user.gid }
  const command = [join(binaries.binDirectory, 'postgres'), '-D', options.cluster]
  // What we ourselves depend on stands on the command line, where ALTER SYSTEM cannot change it.
  command.push(`--config_file=${options.configuration}`, `--port=${options.port}`)
  command.push(`--unix_socket_directories=${options.socketDirectory}`)
  const child = spawn('/bin/sh', ['-c', guardedStart, 'larder', ...command], {
    ...identity,
    cwd: '/',
    detached: true,
    env: serverEnvironment(binaries.libraryPath),
    stdio: ['pipe', logFd, logFd],
  })
  // The guard may be gone when we tell it that all is over.
  child.stdin?.on('error', () => undefined)
  return child
}

const logBytesMax = 8 * 1024 * 1024

async function openLog(path: string) {
  const stats = await stat(path).catch(() => undefined)
  if (stats !== undefined && stats.size > logBytesMax) await rename(path, `${path}.1`)
  try {
    return await open(path, 'a', 0o600)
  } catch (error) {
    throw new StartupError(
      `cannot write "${path}": ${(error as Error).message}`,
      'Start Larder as the user who made the data directory, or name another one with --data-dir.',
      { cause: error },
    )
  }
}

/** What the server wrote about why it gave up. For a bad setting that is the line before the last. */
async function lastComplaint(logPath: string, from: number): Promise<string | undefined> {
  const text = (await readFile(logPath).catch(() => Buffer.alloc(0))).subarray(from).toString('utf8')
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const fatal = lines.findLastIndex((line) => /\b(FATAL|PANIC):/.test(line))
  const isAboutSettings = fatal > 0 && / contains errors$/.test(lines[fatal] ?? '')
  return lines.at(isAboutSettings ? fatal - 1 : fatal)?.replace(/^.*?\b(?:FATAL|PANIC|LOG):\s*/, '')
}

function startFailure(options: PostmasterOptions, reason: string, cause?: unknown): StartupError {
  return new StartupError(`the embedded PostgreSQL did not start: ${reason}`, `Its log is "${options.logPath}".`, {
    cause,
  })
}
