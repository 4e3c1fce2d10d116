// The functions of the virtual schema by name. What they do is the business of `commands`.

export const ownFunctions: ReadonlySet<string> = new Set([
  'alter_namespace',
  'blob_get',
  'check',
  'create_namespace',
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
  'touch',
  'version',
])

/** They come with a later release: known names, not yet served. */
export const laterFunctions: ReadonlySet<string> = new Set(
  `alter_cache audit backup cancel_job compact create_cache create_schedule drop_backup drop_cache drop_schedule
   explain_invalidates install_stand_ins key_inputs refresh remove_stand_ins restore rows show_backup show_backups sweep token
   track_aggregates untrack_aggregates wait_for warm`.split(/\s+/),
)
