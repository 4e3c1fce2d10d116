// The Postgres behind us: a server somewhere else, or one that we start ourselves.

export { type EmbeddedOptions, EmbeddedPostgres } from './embedded/embedded-postgres.ts'
export { findPostgres, type PostgresBinaries } from './embedded/find-postgres.ts'
export { type OriginTarget, parseOriginUrl } from './upstream/target.ts'
