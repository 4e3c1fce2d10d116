// The table of named conditions: what can go wrong, with the SQLSTATE, severity and wording a client sees.
//
// Messages follow PostgreSQL: short, factual, lower-case start, no full stop; `%s` takes an argument. Where PostgreSQL
// has a message for the condition, it is PostgreSQL's, because drivers and people know it. docs/errors.md is this table.

export type Severity = 'ERROR' | 'FATAL' | 'WARNING' | 'NOTICE'

export interface Condition {
  readonly sqlstate: string
  readonly severity: Severity
  readonly message: string
}

function table<const Name extends string>(rows: Record<Name, Condition>): Readonly<Record<Name, Condition>> {
  return rows
}

export const conditions = table({
  // Class 01, 08: warnings, connections
  schemaConflict: {
    sqlstate: '01000',
    severity: 'WARNING',
    message: 'schema "%s" of this database is not the one of Larder',
  },
  connectionFailure: { sqlstate: '08006', severity: 'FATAL', message: 'the connection to the origin was lost' },
  unknownOutcome: {
    sqlstate: '08007',
    severity: 'FATAL',
    message: 'the connection to the origin was lost during a commit, whose outcome is unknown',
  },
  protocolViolation: { sqlstate: '08P01', severity: 'FATAL', message: 'protocol violation: %s' },

  // Class 0A, 22, 25, 26, 28, 34, 3B: features, values, transactions, names of session objects
  storeFormat: {
    sqlstate: '0A000',
    severity: 'ERROR',
    message: 'the store in "%s" has format version %s, and this server reads version %s',
  },
  featureNotSupported: { sqlstate: '0A000', severity: 'ERROR', message: '%s is not supported' },
  invalidParameterValue: {
    sqlstate: '22023',
    severity: 'ERROR',
    message: 'invalid value for parameter "%s": "%s"',
  },
  parameterOutOfRange: {
    sqlstate: '22023',
    severity: 'ERROR',
    message: '%s is outside the valid range for parameter "%s" (%s .. %s)',
  },
  wrongPassphrase: { sqlstate: '22023', severity: 'ERROR', message: 'the passphrase is not that of backup "%s"' },
  malformedHint: { sqlstate: '22023', severity: 'ERROR', message: '%s' },
  invalidTextRepresentation: {
    sqlstate: '22P02',
    severity: 'ERROR',
    message: 'invalid input syntax for type %s: "%s"',
  },
  numericValueOutOfRange: { sqlstate: '22003', severity: 'ERROR', message: 'value "%s" is out of range for type %s' },
  rowAffectedTwice: {
    sqlstate: '21000',
    severity: 'ERROR',
    message: '%s command cannot affect row a second time',
  },
  notNullViolation: {
    sqlstate: '23502',
    severity: 'ERROR',
    message: 'null value in column "%s" of relation "%s" violates not-null constraint',
  },
  uniqueViolation: {
    sqlstate: '23505',
    severity: 'ERROR',
    message: 'duplicate key value violates unique constraint "%s"',
  },
  invalidByteSequence: { sqlstate: '22021', severity: 'ERROR', message: 'invalid byte sequence for encoding "%s"' },
  invalidBinaryRepresentation: {
    sqlstate: '22P03',
    severity: 'ERROR',
    message: 'incorrect binary data format of type %s',
  },
  readOnlyTransaction: {
    sqlstate: '25006',
    severity: 'ERROR',
    message: 'cannot execute %s in a read-only transaction',
  },
  readOnlyRelation: { sqlstate: '25006', severity: 'ERROR', message: 'cannot execute %s on read-only relation "%s"' },
  noActiveTransaction: {
    sqlstate: '25P01',
    severity: 'WARNING',
    message: '%s can only be used in transaction blocks',
  },
  noTransaction: { sqlstate: '25P01', severity: 'WARNING', message: 'there is no transaction in progress' },
  inFailedTransaction: {
    sqlstate: '25P02',
    severity: 'ERROR',
    message: 'current transaction is aborted, commands ignored until end of transaction block',
  },
  undefinedPreparedStatement: {
    sqlstate: '26000',
    severity: 'ERROR',
    message: 'prepared statement "%s" does not exist',
  },
  invalidPassword: { sqlstate: '28P01', severity: 'FATAL', message: 'password authentication failed for user "%s"' },
  invalidAuthorization: { sqlstate: '28000', severity: 'FATAL', message: '%s' },
  undefinedUnnamedStatement: {
    sqlstate: '26000',
    severity: 'ERROR',
    message: 'unnamed prepared statement does not exist',
  },
  wrongParameterCount: {
    sqlstate: '08P01',
    severity: 'ERROR',
    message: 'bind message supplies %s parameters, but prepared statement "%s" requires %s',
  },
  duplicatePortal: { sqlstate: '42P03', severity: 'ERROR', message: 'cursor "%s" already exists' },
  undefinedPortal: { sqlstate: '34000', severity: 'ERROR', message: 'portal "%s" does not exist' },
  undefinedSavepoint: { sqlstate: '3B001', severity: 'ERROR', message: 'savepoint "%s" does not exist' },

  serializationFailure: {
    sqlstate: '40001',
    severity: 'ERROR',
    message: 'could not serialize access due to concurrent update',
  },

  // Class 42: syntax and names
  insufficientPrivilege: { sqlstate: '42501', severity: 'ERROR', message: 'permission denied for %s' },
  generatedOnInsert: {
    sqlstate: '428C9',
    severity: 'ERROR',
    message: 'cannot insert a non-DEFAULT value into column "%s"',
  },
  generatedOnUpdate: { sqlstate: '428C9', severity: 'ERROR', message: 'column "%s" can only be updated to DEFAULT' },
  syntaxError: { sqlstate: '42601', severity: 'ERROR', message: '%s' },
  invalidName: { sqlstate: '42602', severity: 'ERROR', message: 'invalid name: "%s"' },
  duplicateColumn: { sqlstate: '42701', severity: 'ERROR', message: 'column "%s" specified more than once' },
  ambiguousColumn: { sqlstate: '42702', severity: 'ERROR', message: 'column reference "%s" is ambiguous' },
  undefinedColumn: { sqlstate: '42703', severity: 'ERROR', message: 'column "%s" of relation "%s" does not exist' },
  undefinedConstraint: {
    sqlstate: '42704',
    severity: 'ERROR',
    message: 'constraint "%s" for table "%s" does not exist',
  },
  unknownNamespace: { sqlstate: '42704', severity: 'ERROR', message: 'cache namespace "%s" does not exist' },
  undefinedObject: { sqlstate: '42704', severity: 'ERROR', message: '%s does not exist' },
  unknownSetting: { sqlstate: '42704', severity: 'ERROR', message: 'unrecognized configuration parameter "%s"' },
  datatypeMismatch: {
    sqlstate: '42804',
    severity: 'ERROR',
    message: 'column "%s" is of type %s but expression is of type %s',
  },
  undefinedFunction: { sqlstate: '42883', severity: 'ERROR', message: 'function %s does not exist' },
  duplicateObject: { sqlstate: '42710', severity: 'ERROR', message: '%s already exists' },
  reservedName: { sqlstate: '42939', severity: 'ERROR', message: 'schema name "%s" is reserved' },
  reservedRole: { sqlstate: '42939', severity: 'ERROR', message: 'role name "%s" is reserved' },
  reservedNamespace: { sqlstate: '42939', severity: 'ERROR', message: 'cache namespace "%s" is reserved' },
  noSuchConflictTarget: {
    sqlstate: '42P10',
    severity: 'ERROR',
    message: 'there is no unique or exclusion constraint matching the ON CONFLICT specification',
  },
  undefinedParameter: { sqlstate: '42P02', severity: 'ERROR', message: 'there is no parameter $%s' },
  undefinedTable: { sqlstate: '42P01', severity: 'ERROR', message: 'relation "%s" does not exist' },
  duplicatePreparedStatement: {
    sqlstate: '42P05',
    severity: 'ERROR',
    message: 'prepared statement "%s" already exists',
  },

  // Class 53, 54, 55, 57, 58: resources, limits, states, operators, the machine
  diskFull: { sqlstate: '53100', severity: 'ERROR', message: 'could not extend the store: %s' },
  noUnpinnedBuffers: { sqlstate: '53200', severity: 'ERROR', message: 'no unpinned buffers available' },
  archiveFull: { sqlstate: '53100', severity: 'ERROR', message: 'could not %s: no space left on device' },
  tooManyConnections: { sqlstate: '53300', severity: 'FATAL', message: 'sorry, too many clients already' },
  tooManyNamespaces: { sqlstate: '53400', severity: 'ERROR', message: 'cannot have more than %s cache namespaces' },
  tooManyLabels: { sqlstate: '54000', severity: 'ERROR', message: 'an entry cannot have more than %s labels' },
  metadataTooLarge: {
    sqlstate: '54000',
    severity: 'ERROR',
    message: 'metadata cannot have more than %s keys or %s bytes',
  },
  valueTooLarge: { sqlstate: '54000', severity: 'ERROR', message: 'a value of %s bytes exceeds the limit of %s bytes' },
  copyTooLarge: {
    sqlstate: '54000',
    severity: 'ERROR',
    message: 'a COPY into the cache cannot have more than %s bytes',
  },
  invalidTableDefinition: {
    sqlstate: '42P16',
    severity: 'ERROR',
    message: 'column "%s" has pseudo-type %s',
  },
  tooManyColumnNames: { sqlstate: '42601', severity: 'ERROR', message: 'too many column names were specified' },
  duplicateTable: { sqlstate: '42P07', severity: 'ERROR', message: 'relation "%s" already exists' },
  undefinedView: { sqlstate: '42P01', severity: 'ERROR', message: 'materialized view "%s" does not exist' },
  notOwnerOfView: { sqlstate: '42501', severity: 'ERROR', message: 'must be owner of materialized view %s' },
  notAView: { sqlstate: '42809', severity: 'ERROR', message: 'relation "%s" is not a materialized view' },
  viewNotPopulated: {
    sqlstate: '55000',
    severity: 'ERROR',
    message: 'materialized view "%s" has not been populated',
  },
  viewColumnsChanged: {
    sqlstate: '0A000',
    severity: 'ERROR',
    message: 'the columns of the query of materialized view "%s" are not what they were',
  },
  cannotFollow: { sqlstate: '55000', severity: 'ERROR', message: 'materialized view "%s" cannot follow changes: %s' },
  viewTooLarge: { sqlstate: '54000', severity: 'ERROR', message: 'the rows of the view take more than %s bytes' },
  tooManyRows: { sqlstate: '54000', severity: 'ERROR', message: 'relation "%s" has more than %s rows' },
  storeNotOpen: { sqlstate: '55000', severity: 'ERROR', message: 'the store is %s' },
  directoryInUse: { sqlstate: '55006', severity: 'ERROR', message: 'directory "%s" is in use by %s' },
  jobEnded: { sqlstate: '55000', severity: 'ERROR', message: 'job %s has ended' },
  archiveBusy: { sqlstate: '55006', severity: 'ERROR', message: 'cannot %s while job %s is running' },
  versionNotHigher: {
    sqlstate: '55000',
    severity: 'ERROR',
    message: 'version %s of key "%s" is not higher than the stored version %s',
  },
  namespaceNotArchived: { sqlstate: '55000', severity: 'ERROR', message: 'cache namespace "%s" is not archived' },
  noFeed: { sqlstate: '55000', severity: 'ERROR', message: 'there is no change feed of database "%s"' },
  leaseLost: { sqlstate: '55000', severity: 'ERROR', message: 'the lease of key "%s" is over' },
  fillOutdated: {
    sqlstate: '55000',
    severity: 'ERROR',
    message: 'what key "%s" was derived from has changed meanwhile',
  },
  statementTooLong: {
    sqlstate: '54000',
    severity: 'ERROR',
    message: 'statement over the cache too long: %s bytes',
  },
  portalTooLarge: {
    sqlstate: '54000',
    severity: 'ERROR',
    message: 'what portal "%s" still has to give is more than is kept of it',
  },
  portalHasRun: { sqlstate: '55000', severity: 'ERROR', message: 'portal "%s" cannot be run' },
  cantChangeRuntimeParam: { sqlstate: '55P02', severity: 'ERROR', message: 'parameter "%s" cannot be changed now' },
  queryCanceled: { sqlstate: '57014', severity: 'ERROR', message: 'canceling statement due to %s' },
  copyFailed: { sqlstate: '57014', severity: 'ERROR', message: 'COPY from stdin failed: %s' },
  startupTimeout: { sqlstate: '57014', severity: 'FATAL', message: 'canceling authentication due to timeout' },
  adminShutdown: {
    sqlstate: '57P01',
    severity: 'FATAL',
    message: 'terminating connection due to administrator command',
  },
  cannotConnectNow: { sqlstate: '57P03', severity: 'FATAL', message: 'the server is %s' },
  ioError: { sqlstate: '58030', severity: 'ERROR', message: 'could not %s: %s' },
  undefinedFile: { sqlstate: '58P01', severity: 'ERROR', message: 'could not open file "%s": no such file' },
  configFileError: { sqlstate: 'F0000', severity: 'ERROR', message: 'configuration file "%s" contains errors: %s' },
  dataCorrupted: { sqlstate: 'XX001', severity: 'ERROR', message: '%s' },
  backupDamaged: { sqlstate: 'XX001', severity: 'ERROR', message: 'backup "%s" is damaged: %s' },
  internalError: { sqlstate: 'XX000', severity: 'ERROR', message: '%s' },
})
