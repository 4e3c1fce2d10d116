// CREATE, ALTER, REFRESH and DROP MATERIALIZED VIEW, GRANT and REVOKE in our schema, in PostgreSQL's grammar: read from the parse tree, once per text.

import { conditions, ServerError } from '../../errors/index.ts'
import {
  type Fields,
  fieldsIf,
  Lexer,
  listOf,
  type ParseTree,
  type Statement,
  tokens,
  unwrap,
  walk,
  wordsOf,
} from '../../sql/index.ts'
import { findVirtualTable } from '../../virtual/index.ts'
import type { CommandContext, CommandNotice, CommandResult, OwnCommand } from '../own-statement.ts'
import { changeNotices } from '../transactions.ts'
import type { ViewAccess, ViewChange } from './view-access.ts'
import { defaultPolicy, readPolicy, readViewOptions, readViewResets } from './view-options.ts'
import { mustBeView, mustOwn, newName } from './view-rules.ts'

/** Undefined for what is no statement about views of ours. */
export function readViewStatement(
  text: string,
  tree: ParseTree,
  statement: Statement,
  schemaName: string,
  refreshed?: string,
): OwnCommand | undefined {
  if (statement.kind !== 'ddl' || tree.stmts.length !== 1) return undefined
  const { type, fields } = unwrap(tree.stmts[0]?.stmt) ?? { type: '', fields: {} }
  switch (type) {
    case 'CreateTableAsStmt':
      return fields.objtype === 'OBJECT_MATVIEW' ? create(text, tree, fields, schemaName, refreshed) : undefined
    case 'RefreshMatViewStmt':
      return refresh(fields, schemaName)
    case 'DropStmt':
      return fields.removeType === 'OBJECT_MATVIEW' ? drop(fields, schemaName) : undefined
    case 'AlterTableStmt':
      return fields.objtype === 'OBJECT_MATVIEW' ? alter(fields, schemaName) : undefined
    case 'RenameStmt':
      return fields.renameType === 'OBJECT_MATVIEW' ? rename(fields, schemaName) : undefined
    case 'GrantStmt':
      return grant(fields, schemaName)
    case 'CommentStmt':
      return fields.objtype === 'OBJECT_MATVIEW' ? comment(fields, schemaName) : undefined
    default:
      return undefined
  }
}

const alterTag = 'ALTER MATERIALIZED VIEW'

/** SET and RESET of options. */
function alter(fields: Fields, schemaName: string): OwnCommand | undefined {
  const relation = fields.relation as Fields
  if (relation.schemaname !== schemaName) return undefined
  const name = String(relation.relname)
  let change: ViewChange = {}
  let owner: Fields | undefined
  for (const item of listOf(fields.cmds)) {
    const step = fieldsIf('AlterTableCmd', item) ?? {}
    const options = fieldsIf('List', step.def)?.items
    if (step.subtype === 'AT_SetRelOptions') change = { ...change, ...readViewOptions(options, schemaName) }
    else if (step.subtype === 'AT_ResetRelOptions') change = { ...change, ...readViewResets(options, schemaName) }
    else if (step.subtype === 'AT_ChangeOwner') owner = fieldsIf('RoleSpec', { RoleSpec: step.newowner }) ?? {}
    else throw notSupported(`this form of ${alterTag}`)
  }
  return command(alterTag, 'anyone', async (context) => {
    if (isMissing(context.views, name, fields)) return skipped(alterTag, name)
    mustOwn(context, context.views, name)
    await context.views.alter(name, owner === undefined ? change : { ...change, owner: newOwner(owner, context) })
    return answer(alterTag)
  })
}

/** Whoever gives a view away must be able to become who gets it. */
function newOwner(spec: Fields, context: CommandContext): string {
  const role = roleOf(spec, context)
  if (spec.roletype === 'ROLESPEC_PUBLIC') throw new ServerError(conditions.reservedRole, [role])
  if (!context.viewer.memberOf(role)) throw new ServerError(conditions.insufficientPrivilege, [`role "${role}"`])
  return role
}

/** Without a text it has none. */
function comment(fields: Fields, schemaName: string): OwnCommand | undefined {
  const words = wordsOf(fieldsIf('List', fields.object)?.items)
  if (words.at(-2) !== schemaName) return undefined
  const name = words.at(-1) as string
  const text = fields.comment === undefined ? null : String(fields.comment)
  return command('COMMENT', 'anyone', async (context) => {
    mustOwn(context, context.views, name)
    await context.views.alter(name, { comment: text })
    return answer('COMMENT')
  })
}

function rename(fields: Fields, schemaName: string): OwnCommand | undefined {
  const relation = fields.relation as Fields
  if (relation.schemaname !== schemaName) return undefined
  const name = String(relation.relname)
  const into = newName(String(fields.newname))
  return command(alterTag, 'anyone', async (context) => {
    if (isMissing(context.views, name, fields)) return skipped(alterTag, name)
    mustOwn(context, context.views, name)
    await context.views.rename(name, into)
    return answer(alterTag)
  })
}

/** SELECT is all that can be granted; it is the option readers in other words. */
function grant(fields: Fields, schemaName: string): OwnCommand | undefined {
  if (fields.objtype !== 'OBJECT_TABLE' || fields.targtype !== 'ACL_TARGET_OBJECT') return undefined
  const relations = listOf(fields.objects).map((item) => fieldsIf('RangeVar', item) ?? {})
  const ours = relations.filter(({ schemaname }) => schemaname === schemaName)
  const names = ours.map(({ relname }) => String(relname))
  if (ours.length === 0 || names.some((name) => findVirtualTable(name) !== undefined)) return undefined
  const tag = fields.is_grant === true ? 'GRANT' : 'REVOKE'
  if (ours.length < relations.length)
    throw notSupported(`${tag} on views of the cache and relations of the origin in one statement`)
  const privileges = listOf(fields.privileges).map((item) => fieldsIf('AccessPriv', item) ?? {})
  if (privileges.some(({ priv_name, cols }) => priv_name !== 'select' || cols !== undefined))
    throw notSupported(`${tag} of anything but SELECT on a view of the cache`)
  if (fields.grant_option === true) throw notSupported('WITH GRANT OPTION on a view of the cache')
  const roles = listOf(fields.grantees).map((item) => fieldsIf('RoleSpec', item) ?? {})
  return command(tag, 'anyone', async (context) => {
    const named = roles.map((role) => roleOf(role, context))
    for (const name of names) mustOwn(context, context.views, name)
    for (const name of names) {
      const before = context.views.readers(name)
      const others = before.filter((role) => !named.includes(role))
      await context.views.alter(name, { readers: fields.is_grant === true ? [...others, ...named] : others })
    }
    return answer(tag)
  })
}

function roleOf({ roletype, rolename }: Fields, { viewer }: CommandContext): string {
  if (roletype === 'ROLESPEC_CSTRING') return String(rolename)
  if (roletype === 'ROLESPEC_PUBLIC') return 'public'
  return roletype === 'ROLESPEC_SESSION_USER' ? viewer.loginRole : viewer.role
}

function isMissing(views: ViewAccess, name: string, { missing_ok }: Fields): boolean {
  return missing_ok === true && views.owner(name) === undefined
}

function skipped(tag: string, name: string): CommandResult {
  const message = `relation "${name}" does not exist, skipping`
  return { ...answer(tag), notices: [{ severity: 'NOTICE', sqlstate: '00000', message }] }
}

/** `refreshed`: the option refresh, as a clause behind the query said it. */
function create(
  text: string,
  tree: ParseTree,
  fields: Fields,
  schemaName: string,
  refreshed: string | undefined,
): OwnCommand | undefined {
  const into = fields.into as Fields
  const relation = into.rel as Fields
  if (relation.schemaname !== schemaName) return undefined
  const tag = 'CREATE MATERIALIZED VIEW'
  const name = newName(String(relation.relname))
  if (into.tableSpaceName !== undefined) throw notSupported(`TABLESPACE of ${tag}`)
  if (into.accessMethod !== undefined) throw notSupported(`USING of ${tag}`)
  const given = readViewOptions(into.options, schemaName)
  if (refreshed !== undefined && given.policy !== undefined)
    throw new ServerError(conditions.syntaxError, ['option "refresh" is given more than once'])
  const { readers = [], bytesMax } = given
  const policy = given.policy ?? (refreshed === undefined ? defaultPolicy : readPolicy(refreshed))
  const { start, end } = querySpan(text)
  let depth = 0
  walk(
    tree.stmts.map((raw) => raw.stmt),
    (node) => {
      if (node.type === 'RangeVar' && node.fields.schemaname === schemaName) depth++
    },
  )
  // Its own name is one of them.
  if (depth > 1) throw notSupported(`a view over relations of schema "${schemaName}"`)
  const order = {
    ...{ name, query: text.slice(start, end), queryOffset: start },
    columnNames: wordsOf(into.colNames),
    ...{ policy, readers, bytesMax: bytesMax ?? undefined },
  }
  const isEmpty = into.skipData === true
  return command(tag, 'admin', async ({ views }) => {
    const exists = views.owner(name) !== undefined
    if (exists && fields.if_not_exists === true) {
      const notice = {
        severity: 'NOTICE',
        sqlstate: '42P07',
        message: `relation "${name}" already exists, skipping`,
      } as const
      return { ...answer(tag), notices: [notice] }
    }
    const count = await views.create(order, isEmpty)
    return answer(isEmpty ? tag : `SELECT ${count}`)
  })
}

function refresh(fields: Fields, schemaName: string): OwnCommand | undefined {
  const relation = fields.relation as Fields
  if (relation.schemaname !== schemaName) return undefined
  const tag = 'REFRESH MATERIALIZED VIEW'
  const name = String(relation.relname)
  if (fields.concurrent === true && fields.skipData === true) {
    throw new ServerError(conditions.syntaxError, [
      'REFRESH options CONCURRENTLY and WITH NO DATA cannot be used together',
    ])
  }
  return command(tag, 'anyone', async (context) => {
    mustOwn(context, context.views, name)
    if (fields.skipData === true) await context.views.empty(name)
    else await context.views.refresh(name)
    return answer(tag)
  })
}

function drop(fields: Fields, schemaName: string): OwnCommand | undefined {
  const names = listOf(fields.objects).map((item) => wordsOf(fieldsIf('List', item)?.items))
  const ours = names.filter((words) => words.at(-2) === schemaName)
  if (ours.length === 0) return undefined
  if (ours.length < names.length) throw notSupported('DROP of views of the cache and of the origin in one statement')
  const tag = 'DROP MATERIALIZED VIEW'
  return command(tag, 'anyone', async (context) => {
    const notices: CommandNotice[] = []
    const found: string[] = []
    for (const words of ours) {
      const name = words.at(-1) as string
      if (context.views.owner(name) !== undefined) {
        mustOwn(context, context.views, name)
        found.push(name)
        continue
      }
      mustBeView(name)
      if (fields.missing_ok === true) {
        const message = `materialized view "${name}" does not exist, skipping`
        notices.push({ severity: 'NOTICE', sqlstate: '00000', message })
      } else throw new ServerError(conditions.undefinedView, [name])
    }
    // All of them or none.
    for (const name of found) await context.views.drop(name)
    return { ...answer(tag), notices }
  })
}

function command(
  tag: string,
  needs: OwnCommand['needs'],
  execute: (context: CommandContext & { readonly views: ViewAccess }) => CommandResult | Promise<CommandResult>,
): OwnCommand {
  return {
    ...{ kind: 'command', tag, needs, columns: [], parameterCount: 0, parameterTypes: [], changes: true },
    async execute(context) {
      const { views } = context
      if (views === undefined) throw notSupported(`${tag} in an admin database`)
      const result = await execute({ ...context, views })
      return { ...result, notices: [...(result.notices ?? []), ...changeNotices(context)] }
    },
  }
}

function answer(tag: string): CommandResult {
  return { tag, columns: [], rows: [] }
}

/** Where the query stands in the text: behind AS, before WITH [ NO ] DATA. */
function querySpan(text: string): { readonly start: number; readonly end: number } {
  const lexer = new Lexer(text)
  const found: { readonly word: string; readonly start: number; readonly end: number }[] = []
  let start: number | undefined
  let depth = 0
  for (let kind = lexer.next(); kind !== tokens.end; kind = lexer.next()) {
    if (kind === tokens.comment) continue
    const token = text.slice(lexer.start, lexer.end)
    if (token === ';' && depth === 0) break
    if (token === '(') depth++
    if (token === ')') depth--
    const word = kind === tokens.word ? token.toUpperCase() : ''
    if (start === undefined) {
      if (word === 'AS' && depth === 0) start = lexer.end
      continue
    }
    found.push({ word, start: lexer.start, end: lexer.end })
  }
  const words = found.map(({ word }) => word)
  const [third, second, last] = words.slice(-3)
  const cut = last !== 'DATA' ? 0 : second === 'WITH' ? 2 : third === 'WITH' && second === 'NO' ? 3 : 0
  const first = found[0]
  const rest = cut === 0 ? found : found.slice(0, -cut)
  return { start: first?.start ?? text.length, end: rest.at(-1)?.end ?? text.length }
}

function notSupported(what: string): ServerError {
  return new ServerError(conditions.featureNotSupported, [what])
}
