// Door of `virtual`: SQL over what the server knows about itself, the relations of schema `cache`.

export * from './sources.ts'
export { findVirtualTable, laterRelations, virtualTables } from './tables/index.ts'
export { type Access, mayAccess, type Viewer } from './viewer.ts'
export type { ColumnDefinition, ColumnType, RowValues, VirtualTable } from './virtual-table.ts'
