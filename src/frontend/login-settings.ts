// What the origin keeps of our settings for who logs in: ALTER ROLE … SET cache.x, ALTER DATABASE … SET cache.x (SQL-30).
//
// The origin takes names it does not know for whatever module will know them, and has them in force from the login on. So the first question
// about a session brings them along, and nothing is answered from memory before it. A value that is none stays away from the session, as
// with PostgreSQL: it is told of, and nobody is kept out.

import { loginSettingNames } from '../config/index.ts'
import { ServerError } from '../errors/index.ts'
import type { Session } from './session.ts'

/** An expression: the values in force at the origin, as an object by name. What is empty may have been set and undone. */
export function loginSettingsText(schemaName: string): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`
  const pairs = loginSettingNames.map((name) => {
    return `${quoted(name)}, NULLIF(pg_catalog.current_setting(${quoted(`${schemaName}.${name}`)}, true), '')`
  })
  return `pg_catalog.json_strip_nulls(pg_catalog.json_build_object(${pairs.join(', ')}))`
}

/** The first time it is told; later values are not what the session began with. */
export function learnLogin(session: Session, told: string | null | undefined): void {
  const { settings, services, identity } = session
  if (settings.knowsLogin || told === null || told === undefined) return
  const values = new Map(Object.entries(JSON.parse(told) as Record<string, string>))
  settings.learnLogin(values, (name, error) => {
    services.events.record({
      severity: 'warning',
      event: 'setting_ignored',
      subject: `${services.contexts.ourSchema}.${name}`,
      detail: `${error instanceof ServerError ? error.message : String(error)} (role ${identity.login}, database ${identity.database})`,
    })
  })
}
