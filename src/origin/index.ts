// The Postgres behind us: a server somewhere else, or one that we start ourselves.

export { DataDirectory } from './data-directory.ts'
export { type EmbeddedOptions, EmbeddedPostgres } from './embedded/embedded-postgres.ts'
export { findPostgres, type PostgresBinaries } from './embedded/find-postgres.ts'
export { KeptPostgres } from './embedded/kept-postgres.ts'
export { SideClient, type SideColumn } from './side-client.ts'
export { connectOrigin, hasSecondTry, sendCancel } from './upstream/connect.ts'
export { OriginConnectionError } from './upstream/connection-error.ts'
export {
  type LinkLoss,
  type LinkOwner,
  type LinkTraffic,
  noLink,
  OriginLink,
  type Sink,
  type Unit,
} from './upstream/link.ts'
export { type OriginTarget, parseOriginUrl } from './upstream/target.ts'
