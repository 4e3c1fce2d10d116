// A row of cache.settings: settings in force for this session. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface SettingsRow {
  /** name of the setting */
  readonly name: string
  /** its value; passwords are masked */
  readonly value: string
  /** bytes, duration, integer, enum, text, list, address or url */
  readonly type: string
  /** its value when nothing sets it */
  readonly initial: string
  /** session, reload or restart: how it can be changed; internal: by nobody */
  readonly change: string
  /** what it belongs to */
  readonly category: string
  /** what it does */
  readonly summary: string
  /** where its value comes from */
  readonly source: string
  /** whether another value waits for a restart */
  readonly pending_restart: boolean
}
