// `larder install` and `larder uninstall`: event triggers in the origin's database that tell of DDL. The latter drops slots that were left, too.

import { dropLeftSlots, installTriggers, uninstallTriggers } from './cdc/index.ts'
import { parseFlags, SettingsStore } from './config/index.ts'
import { StartupError } from './errors/index.ts'
import { parseOriginUrl, SideClient } from './origin/index.ts'

interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: { write(text: string): unknown }
}

export async function runInstallCommand(
  command: 'install' | 'uninstall',
  args: readonly string[],
  process: Surroundings,
): Promise<void> {
  const flags = parseFlags(args)
  const configFile = flags.configFile ?? process.env.LARDER_CONFIG
  const { upstream } = SettingsStore.open({ flags: flags.settings, environment: process.env, configFile }).snapshot
  if (upstream === '') {
    throw new StartupError('no database is named', `larder ${command} --upstream postgres://superuser@host/database`, {
      exitCode: 2,
    })
  }
  const target = parseOriginUrl(upstream)
  const side = await SideClient.open(target, { applicationName: `larder ${command}` }).catch((error: Error) => {
    throw new StartupError(`cannot reach ${target.display}: ${error.message}`, 'Check --upstream.')
  })
  try {
    if (command === 'uninstall') await dropLeftSlots(side)
    await (command === 'install' ? installTriggers(side) : uninstallTriggers(side))
  } catch (error) {
    throw inWords(error as Error & { code?: string }, target.user)
  } finally {
    await side.leave()
  }
  const done = command === 'install' ? 'tells of its DDL from now on' : 'tells of its DDL no more'
  process.stdout.write(`database "${target.database ?? target.user}" ${done}\n`)
}

function inWords(error: Error & { code?: string }, user: string): StartupError {
  const hint =
    error.code === '42501'
      ? `Role "${user}" may not; name one that may create event triggers. Without them changes are seen within ddl_poll.`
      : 'Nothing was changed.'
  return new StartupError(error.message, hint)
}
