// Runs a few lines of code that use src/origin in a Node process of their own, so that a test can kill it, or run it as
// another user. Node 20 does not read TypeScript, so the room is compiled once per test file, next to nothing else,
// where every user may read it.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { promisify } from 'node:util'

export interface OriginProcessOptions {
  readonly uid?: number
  readonly gid?: number
  /** A process group of its own, as a terminal gives to every job. */
  readonly detached?: boolean
}

// Not the door of the room: what else it opens needs npm packages, which are not beside the compiled files.
const files = ['data-directory', 'embedded/embedded-postgres', 'embedded/find-postgres']

export class OriginCode {
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async compile(): Promise<OriginCode> {
    const directory = await mkdtemp(join(tmpdir(), 'larder-code-'))
    await chmod(directory, 0o755)
    const source = join(import.meta.dirname, '../../src')
    const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
    const options = ['--noCheck', '--module', 'nodenext', '--target', 'es2022', '--rewriteRelativeImportExtensions']
    const roots = ['--rootDir', source, '--outDir', directory, '--ignoreConfig']
    for (const file of files) roots.push(join(source, `origin/${file}.ts`))
    await writeFile(join(directory, 'package.json'), '{ "type": "module" }')
    await promisify(execFile)(process.execPath, [compiler, ...options, ...roots])
    return new OriginCode(directory)
  }

  /** Starts `body`, the inside of an async function with the classes above in scope, and `say(text)`. */
  async run(body: string, options: OriginProcessOptions = {}): Promise<OriginProcess> {
    const program = [
      ...files.map((file, index) => `import * as file${index} from '${this.#directory}/origin/${file}.js'`),
      `const { DataDirectory, EmbeddedPostgres, findPostgres } = { ${files.map((_, index) => `...file${index}`)} }`,
      // A child that nobody reads any more must not die of that.
      'process.stdout.on("error", () => undefined)',
      "const say = (text) => process.stdout.write(text + '\\n')",
      `try { ${body} } catch (error) { say(\`\${error.name}: \${error.message}\`) }`,
    ].join('\n')
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      ...options,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    return new OriginProcess(child)
  }

  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true })
  }
}

export class OriginProcess {
  readonly exited: Promise<number | NodeJS.Signals | null>
  readonly #child: ChildProcess
  readonly #reader: Interface
  readonly #lines: AsyncIterator<string>

  constructor(child: ChildProcess) {
    this.#child = child
    this.#reader = createInterface({ input: child.stdout as NodeJS.ReadableStream })
    this.#lines = this.#reader[Symbol.asyncIterator]()
    this.exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)))
  }

  get pid(): number {
    return this.#child.pid as number
  }

  /** The next thing the process says. */
  async says(): Promise<string> {
    const { value, done } = await this.#lines.next()
    return done === true ? '(nothing more)' : value
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal)
    await this.exited
  }
}
