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
  malformedHint: { sqlstate: '22023', severity: 'ERROR', message: '%s' },
  invalidTextRepresentation: {
    sqlstate: '22P02',
    severity: 'ERROR',
    message: 'invalid input syntax for type %s: "%s"',
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
  duplicatePortal: { sqlstate: '42P03', severity: 'ERROR', message: 'cursor "%s" already exists' },
  undefinedPortal: { sqlstate: '34000', severity: 'ERROR', message: 'portal "%s" does not exist' },
  undefinedSavepoint: { sqlstate: '3B001', severity: 'ERROR', message: 'savepoint "%s" does not exist' },

  // Class 42: syntax and names
  insufficientPrivilege: { sqlstate: '42501', severity: 'ERROR', message: 'permission denied for %s' },
  syntaxError: { sqlstate: '42601', severity: 'ERROR', message: '%s' },
  invalidName: { sqlstate: '42602', severity: 'ERROR', message: 'invalid name: "%s"' },
  undefinedObject: { sqlstate: '42704', severity: 'ERROR', message: '%s does not exist' },
  unknownSetting: { sqlstate: '42704', severity: 'ERROR', message: 'unrecognized configuration parameter "%s"' },
  undefinedFunction: { sqlstate: '42883', severity: 'ERROR', message: 'function %s does not exist' },
  reservedName: { sqlstate: '42939', severity: 'ERROR', message: 'schema name "%s" is reserved' },
  undefinedParameter: { sqlstate: '42P02', severity: 'ERROR', message: 'there is no parameter $%s' },
  undefinedTable: { sqlstate: '42P01', severity: 'ERROR', message: 'relation "%s" does not exist' },
  duplicatePreparedStatement: {
    sqlstate: '42P05',
    severity: 'ERROR',
    message: 'prepared statement "%s" already exists',
  },

  // Class 53, 54, 55, 57, 58: resources, limits, states, operators, the machine
  tooManyConnections: { sqlstate: '53300', severity: 'FATAL', message: 'sorry, too many clients already' },
  statementTooLong: {
    sqlstate: '54000',
    severity: 'ERROR',
    message: 'statement over the cache too long: %s bytes',
  },
  tooManyRows: { sqlstate: '54000', severity: 'ERROR', message: 'relation "%s" has more than %s rows' },
  portalTooLarge: {
    sqlstate: '54000',
    severity: 'ERROR',
    message: 'what portal "%s" still has to give is more than is kept of it',
  },
  portalHasRun: { sqlstate: '55000', severity: 'ERROR', message: 'portal "%s" cannot be run' },
  cantChangeRuntimeParam: { sqlstate: '55P02', severity: 'ERROR', message: 'parameter "%s" cannot be changed now' },
  queryCanceled: { sqlstate: '57014', severity: 'ERROR', message: 'canceling statement due to %s' },
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
  internalError: { sqlstate: 'XX000', severity: 'ERROR', message: '%s' },
})
