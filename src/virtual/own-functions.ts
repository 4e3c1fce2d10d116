// The functions of the virtual schema by name. What they do is the business of `commands`.

export const ownFunctions: ReadonlySet<string> = new Set([
  'check',
  'explain',
  'flush',
  'invalidate',
  'reload',
  'reset_stats',
  'version',
])

/** They come with a later release: known names, not yet served. */
export const laterFunctions: ReadonlySet<string> = new Set(
  `alter_cache alter_namespace audit backup blob_get cancel_job compact create_cache create_namespace create_schedule
   drop_backup drop_cache drop_namespace drop_schedule exists explain_invalidates get get_many install_stand_ins key_inputs
   put put_many refresh remove_stand_ins restore rows show_backup show_backups sweep token touch track_aggregates
   untrack_aggregates wait_for warm`.split(/\s+/),
)
