// Door of `virtual`: SQL over what the server knows about itself, the relations of schema `cache`.

export * from './sources.ts'
export { SystemDatabase, type SystemDatabaseOptions, systemDatabaseName } from './system-database.ts'
export { findVirtualTable, laterRelations, virtualTables } from './tables/index.ts'
export { type Access, mayAccess, type Viewer } from './viewer.ts'
export {
  type VirtualOutput,
  type VirtualRequest,
  VirtualSession,
  type VirtualSessionOptions,
} from './virtual-session.ts'
export type { ColumnDefinition, ColumnType, RowValues, VirtualTable } from './virtual-table.ts'
