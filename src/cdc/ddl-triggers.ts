// Event triggers that tell of DDL in the stream of changes: what `larder install` puts into a database, and how their messages read.
//
//   larder.ddl   "xid:oid,oid,*"     relations that were made, altered or dropped; * for anything else
//
// They are told with the transaction, so they are heard of in the order of commits. Not told of, since no event trigger runs: roles, their
// memberships and settings, databases. Those, and what the names of new relations mean, are found by looking (catalogue-watch.ts).
//
// What the function reads of the events stands in views, for bodies of functions are searched for words of DDL (code-watch.ts).

import type { SideClient } from '../origin/index.ts'

export const ddlPrefix = 'larder.ddl'

const schema = 'larder'
const isRelation = `classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass`
/** They change no answer; a table's own constraint or default is told of with its table. */
const harmless = `'{trigger,"table constraint","default value","event trigger",publication,subscription,"statistics object"}'`

const views = [
  `CREATE OR REPLACE VIEW ${schema}.changed AS
   SELECT CASE WHEN ${isRelation} THEN objid END AS relation FROM pg_catalog.pg_event_trigger_ddl_commands()
    WHERE schema_name IS DISTINCT FROM 'pg_temp' AND command_tag <> 'COMMENT' AND (object_type <> ALL (${harmless})) IS NOT FALSE
   UNION SELECT i.inhparent FROM pg_catalog.pg_event_trigger_ddl_commands() c JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.objid
   UNION SELECT a.relid FROM pg_catalog.pg_event_trigger_ddl_commands() c, pg_catalog.pg_partition_ancestors(c.objid) a
    WHERE c.classid = 'pg_catalog.pg_class'::pg_catalog.regclass`,
  `CREATE OR REPLACE VIEW ${schema}.gone AS
   SELECT CASE WHEN ${isRelation} THEN objid END AS relation FROM pg_catalog.pg_event_trigger_dropped_objects()
    WHERE NOT is_temporary AND (original OR normal) AND object_type <> ALL (${harmless})`,
]

const functionOf = (name: string, view: string) => `CREATE OR REPLACE FUNCTION ${schema}.${name}() RETURNS event_trigger
 LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $larder$
DECLARE told text;
BEGIN
  SELECT CASE WHEN count(*) > 100 THEN '*' ELSE string_agg(COALESCE(relation::text, '*'), ',') END INTO told FROM ${schema}.${view};
  IF told IS NOT NULL THEN
    PERFORM pg_logical_emit_message(true, '${ddlPrefix}', concat(pg_current_xact_id(), ':', told));
  END IF;
END $larder$`

const removals = [
  `DROP EVENT TRIGGER IF EXISTS larder_changed`,
  `DROP EVENT TRIGGER IF EXISTS larder_gone`,
  `DROP FUNCTION IF EXISTS ${schema}.tell_changed(), ${schema}.tell_gone()`,
  `DROP VIEW IF EXISTS ${schema}.changed, ${schema}.gone`,
]

/** May be repeated. All or nothing. */
export function installTriggers(side: SideClient): Promise<void> {
  return inOne(side, [
    `CREATE SCHEMA IF NOT EXISTS ${schema}`,
    ...removals,
    ...views,
    functionOf('tell_changed', 'changed'),
    functionOf('tell_gone', 'gone'),
    `CREATE EVENT TRIGGER larder_changed ON ddl_command_end EXECUTE FUNCTION ${schema}.tell_changed()`,
    `CREATE EVENT TRIGGER larder_gone ON sql_drop EXECUTE FUNCTION ${schema}.tell_gone()`,
    `COMMENT ON SCHEMA ${schema} IS 'Event triggers that tell Larder of DDL; larder uninstall removes them'`,
  ])
}

/** The schema goes too, unless there is something else in it. */
export async function uninstallTriggers(side: SideClient): Promise<void> {
  const [found] = await side.query(`SELECT pg_catalog.to_regnamespace('${schema}')::text AS schema`)
  if (found?.schema === null) return
  await inOne(side, removals)
  await side.query(`DROP SCHEMA IF EXISTS ${schema}`).catch((error: { code?: string }) => {
    if (error.code !== '2BP01') throw error
  })
}

async function inOne(side: SideClient, statements: readonly string[]): Promise<void> {
  await side.query(`BEGIN; ${statements.join(';\n')}; COMMIT`).catch(async (error: unknown) => {
    await side.query('ROLLBACK').catch(() => undefined)
    throw error
  })
}

interface DdlTold {
  readonly xid: number
  /** Undefined for anything. */
  readonly relations: readonly number[] | undefined
}

/** Anybody may send such a message: what cannot be read says that anything has changed, and by whom nobody knows. */
export function readDdl(content: string): DdlTold | undefined {
  const [, id, list] = /^(\d{1,20}):([\d,*]+)$/.exec(content) ?? []
  if (id === undefined || list === undefined) return undefined
  const xid = Number(BigInt.asUintN(32, BigInt(id)))
  return { xid, relations: list.includes('*') ? undefined : list.split(',').map(Number) }
}
