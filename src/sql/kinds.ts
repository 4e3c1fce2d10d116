// Which kind of statement each statement node of PostgreSQL 18's grammar is. A node that is not listed is unreadable.

import type { StatementKind, TransactionVerb } from './statement.ts'

/** Kinds the node's type alone decides. */
const kindsByType = new Map<string, StatementKind>()
function all(kind: StatementKind, types: string): void {
  for (const type of types.split(/\s+/)) kindsByType.set(type, kind)
}

all('write', 'InsertStmt UpdateStmt DeleteStmt MergeStmt TruncateStmt')
all('transaction', 'TransactionStmt')
all('set', 'VariableSetStmt DiscardStmt')
all('show', 'VariableShowStmt')
all('prepare', 'PrepareStmt')
all('execute', 'ExecuteStmt')
all('deallocate', 'DeallocateStmt')
all('cursor', 'DeclareCursorStmt FetchStmt ClosePortalStmt')
all('call', 'CallStmt DoStmt')
all('notify', 'NotifyStmt ListenStmt UnlistenStmt')
all('utility', 'CheckPointStmt LockStmt LoadStmt ConstraintsSetStmt')
all(
  'ddl',
  `CreateStmt CreateTableAsStmt CreateSchemaStmt CreateTableSpaceStmt CreateExtensionStmt CreateFdwStmt CreateForeignServerStmt
  CreateForeignTableStmt CreateUserMappingStmt CreatePolicyStmt CreateAmStmt CreateTrigStmt CreateEventTrigStmt CreatePLangStmt
  CreateRoleStmt CreateSeqStmt CreateDomainStmt CreateOpClassStmt CreateOpFamilyStmt CreateStatsStmt CreateFunctionStmt
  CreateEnumStmt CreateRangeStmt CreatedbStmt CreateConversionStmt CreateCastStmt CreateTransformStmt CreatePublicationStmt
  CreateSubscriptionStmt CompositeTypeStmt DefineStmt IndexStmt RuleStmt ViewStmt
  AlterTableStmt AlterCollationStmt AlterDomainStmt AlterDefaultPrivilegesStmt AlterTableSpaceOptionsStmt AlterTableMoveAllStmt
  AlterExtensionStmt AlterExtensionContentsStmt AlterFdwStmt AlterForeignServerStmt AlterUserMappingStmt AlterPolicyStmt
  AlterEventTrigStmt AlterRoleStmt AlterRoleSetStmt AlterSeqStmt AlterOpFamilyStmt AlterStatsStmt AlterFunctionStmt
  AlterObjectDependsStmt AlterObjectSchemaStmt AlterOwnerStmt AlterOperatorStmt AlterTypeStmt AlterEnumStmt AlterDatabaseStmt
  AlterDatabaseRefreshCollStmt AlterDatabaseSetStmt AlterSystemStmt AlterTSDictionaryStmt AlterTSConfigurationStmt
  AlterPublicationStmt AlterSubscriptionStmt RenameStmt ReplicaIdentityStmt
  DropStmt DropTableSpaceStmt DropUserMappingStmt DropRoleStmt DropdbStmt DropOwnedStmt DropSubscriptionStmt
  GrantStmt GrantRoleStmt CommentStmt SecLabelStmt RefreshMatViewStmt ReindexStmt ClusterStmt ImportForeignSchemaStmt
  ReassignOwnedStmt`,
)

/** The kind of a statement node, or undefined if more than its type decides (or if it is unknown). */
export function kindOfType(type: string): StatementKind | undefined {
  return kindsByType.get(type)
}

export const transactionVerbs: ReadonlyMap<string, TransactionVerb> = new Map([
  ['TRANS_STMT_BEGIN', 'begin'],
  ['TRANS_STMT_START', 'begin'],
  ['TRANS_STMT_COMMIT', 'commit'],
  ['TRANS_STMT_ROLLBACK', 'rollback'],
  ['TRANS_STMT_SAVEPOINT', 'savepoint'],
  ['TRANS_STMT_RELEASE', 'release'],
  ['TRANS_STMT_ROLLBACK_TO', 'rollback_to'],
  ['TRANS_STMT_PREPARE', 'prepare'],
  ['TRANS_STMT_COMMIT_PREPARED', 'commit_prepared'],
  ['TRANS_STMT_ROLLBACK_PREPARED', 'rollback_prepared'],
])
