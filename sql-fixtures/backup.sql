-- BACKUP CACHE writes what the blob cache holds on disk to a folder; it and its like are jobs that can be looked at.
-- origins: upstream embedded
-- session admin
-- own
-- varies
select version from cache.put('pages', 'home', 'hello', durable => true);
--> version int8
--> …
--> SELECT 1
-- own
-- varies
backup cache;
--> id text | url text | files int8 | entries int8 | bytes int8 | stored_bytes int8 | elapsed interval | job int8
--> …
--> BACKUP
-- own
select kind, state, files, error, job from cache.backups;
--> kind text | state text | files int8 | error text | job int8
--> backup | succeeded | 3 | NULL | 1
--> SELECT 1
-- own
select id, kind, owner, state, fraction_completed from cache.jobs;
--> id int8 | kind text | owner text | state text | fraction_completed float8
--> 1 | backup | postgres | succeeded | 1
--> SELECT 1
-- own
select backups_completed, backups_failed, restores_completed from cache.stats;
--> backups_completed int8 | backups_failed int8 | restores_completed int8
--> 1 | 0 | 0
--> SELECT 1
-- own
backup cache into 'file:///elsewhere';
--> ERROR 42501: permission denied for archive "file:///elsewhere"
--> HINT: Only what the setting archive_allow lists can be used.
-- own
backup cache into 's3://key:secret@bucket/prefix';
--> ERROR 22023: invalid value for parameter "url": "s3://bucket/prefix"
--> DETAIL: It holds credentials.
--> HINT: Use the settings s3_access_key_id, s3_secret_access_key, s3_session_token and http_archive_header instead.
-- own
backup cache into latest in 'file:///elsewhere';
--> ERROR 0A000: BACKUP CACHE INTO LATEST is not supported
--> DETAIL: It comes with a later release.
-- own
backup cache with (detatched);
--> ERROR 22023: invalid value for parameter "option": "detatched"
--> HINT: Perhaps you meant detached.
-- own
restore cache from latest in 'file:///elsewhere';
--> ERROR 42501: permission denied for archive "file:///elsewhere"
--> HINT: Only what the setting archive_allow lists can be used.
-- own
cancel job 1;
--> ERROR 55000: job 1 has ended
-- own
show job 99;
--> ERROR 42704: job 99 does not exist
