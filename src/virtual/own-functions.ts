// The functions of the virtual schema by name. What they do is the business of `commands`.

export const ownFunctions: ReadonlySet<string> = new Set([
  'alter_namespace',
  'backup',
  'blob_get',
  'cancel_job',
  'check',
  'create_namespace',
  'drop_backup',
  'drop_namespace',
  'exists',
  'explain',
  'flush',
  'get',
  'get_many',
  'invalidate',
  'put',
  'put_many',
  'reload',
  'reset_stats',
  'restore',
  'show_backup',
  'show_backups',
  'sweep',
  'touch',
  'version',
])

/** They come with a later release: known names, not yet served. */
export const laterFunctions: ReadonlySet<string> = new Set(
  `alter_cache audit compact create_cache create_schedule drop_cache drop_schedule
   explain_invalidates install_stand_ins key_inputs refresh remove_stand_ins rows token
   track_aggregates untrack_aggregates wait_for warm`.split(/\s+/),
)
