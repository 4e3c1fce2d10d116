// The command line: reads the arguments, starts the server, says what it does, and hands its life to lifecycle.ts.
//
// Anything that goes wrong before it serves is one line, one hint and an exit code: 2 if the command line is wrong, else 1.

import { maskPasswords } from './base/index.ts'
import { nearest, parseFlags, SettingsStore } from './config/index.ts'
import { StartupError, startupErrorOf } from './errors/index.ts'
import { backupHelp, banner, generalHelp, installHelp, restoreHelp, serveHelp } from './help.ts'
import { keepAlive, reloadOnHangup } from './lifecycle.ts'
import { createLog } from './observe/index.ts'
import { version } from './version.ts'

export async function main(args: readonly string[]): Promise<void> {
  // Whoever read our output may go away (`larder serve | head`); that is no reason to stop serving.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  try {
    await run(args)
  } catch (error) {
    const problem = startupErrorOf(error)
    process.stderr.write(maskPasswords(`larder: ${problem.message}\nhint: ${problem.hint}\n`))
    process.exit(problem.exitCode)
  }
}

async function run(args: readonly string[]): Promise<void> {
  const [command, ...rest] = args
  if (command === '--help' || command === '-h' || command === 'help') process.stdout.write(generalHelp)
  else if (command === '--version' || command === '-V') process.stdout.write(`larder ${version}\n`)
  else if (command === 'check' || command === 'inspect') process.exitCode = await lookAtStore(command, rest)
  else if (command === 'install' || command === 'uninstall') await changeTriggers(command, rest)
  else if (command === 'backup' || command === 'restore') process.exitCode = await moveStore(command, rest)
  else if (command !== 'serve') throw unknownCommand(command)
  else if (rest.includes('--help') || rest.includes('-h')) process.stdout.write(serveHelp())
  else await serve(rest)
}

async function serve(args: readonly string[]): Promise<void> {
  const flags = parseFlags(args)
  const configFile = flags.configFile ?? process.env.LARDER_CONFIG
  const store = SettingsStore.open({ flags: flags.settings, environment: process.env, configFile })
  const log = createLog({ level: store.snapshot.logLevel })
  store.onChange((settings) => {
    log.level = settings.logLevel
  })

  // Loaded here, so that help and mistakes are answered without loading a server.
  const { startServer } = await import('./server.ts')
  const starting = startServer(store, { log })
  const life = keepAlive(starting, { process, log })
  reloadOnHangup(store, life, { process, log })
  const server = await starting
  if (!life.stopping) process.stdout.write(banner(version, server))
}

async function lookAtStore(command: 'check' | 'inspect', args: readonly string[]): Promise<number> {
  const { checkStore, inspectStore } = await import('./store-commands.ts')
  const look = command === 'check' ? checkStore : inspectStore
  return look(args, (text) => process.stdout.write(text))
}

async function changeTriggers(command: 'install' | 'uninstall', args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) process.stdout.write(installHelp)
  else {
    const { runInstallCommand } = await import('./install-command.ts')
    await runInstallCommand(command, args, process)
  }
}

async function moveStore(command: 'backup' | 'restore', args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(command === 'backup' ? backupHelp : restoreHelp)
    return 0
  }
  const { runBackupCommand } = await import('./backup-command.ts')
  return runBackupCommand(command, args, process)
}

function unknownCommand(command: string | undefined): StartupError {
  if (command === undefined) {
    return new StartupError('no command given', 'larder serve starts the server; larder --help says more.', {
      exitCode: 2,
    })
  }
  const meant = nearest(command, [
    'serve',
    'backup',
    'restore',
    'install',
    'uninstall',
    'check',
    'inspect',
    'help',
    '--help',
    '--version',
  ])
  const hint = meant === undefined ? 'larder --help lists the commands.' : `Perhaps you meant larder ${meant}.`
  return new StartupError(`unknown command "${command}"`, hint, { exitCode: 2 })
}

/** package.json lies beside both src/ and dist/. */
