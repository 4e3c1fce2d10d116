// The settings of backups: rows of the table in settings.ts.

import { setting } from './setting-row.ts'
import { archiveUrl, archiveUrls, duration, integer, secretText, text, webUrl } from './setting-types.ts'

export const archiveSettingRows = [
  setting({
    name: 'archive_allow',
    type: archiveUrls(),
    initial: '',
    change: 'reload',
    group: 'archive',
    summary:
      'Where backups may be written and read: prefixes of URLs. Empty: the folder backups of the data directory alone.',
  }),
  setting({
    name: 'backup_url',
    type: archiveUrl(),
    initial: '',
    change: 'reload',
    group: 'archive',
    summary: 'Where BACKUP CACHE without INTO writes to. Empty: the folder backups of the data directory.',
  }),
  setting({
    name: 'backup_interval',
    type: duration(),
    initial: '0',
    change: 'reload',
    group: 'archive',
    summary: 'How often a backup is written to backup_url by itself; 0 never.',
  }),
  setting({
    name: 'archive_concurrency',
    type: integer({ min: 1, max: 64 }),
    initial: '4',
    change: 'reload',
    group: 'archive',
    summary: 'Parts of a backup that are sent or fetched side by side.',
  }),
  setting({
    name: 'archive_timeout',
    type: duration({ min: '1ms' }),
    initial: '60s',
    change: 'reload',
    group: 'archive',
    summary: 'How long a server of backups may be silent before a request to it is given up, and tried again.',
  }),
  setting({
    name: 's3_access_key_id',
    type: secretText(),
    initial: '',
    change: 'reload',
    group: 'archive',
    summary: 'Access key for S3. Empty: what the variables and files of AWS say.',
  }),
  setting({
    name: 's3_secret_access_key',
    type: secretText(),
    initial: '',
    change: 'reload',
    group: 'archive',
    summary: 'Secret key for S3.',
  }),
  setting({
    name: 's3_session_token',
    type: secretText(),
    initial: '',
    change: 'reload',
    group: 'archive',
    summary: 'Session token for S3, where the keys are temporary.',
  }),
  setting({
    name: 's3_endpoint',
    type: webUrl(),
    initial: '',
    change: 'reload',
    group: 'archive',
    summary: 'Address of an S3 service that is not Amazon, such as http://minio:9000.',
  }),
  setting({
    name: 's3_region',
    type: text({ pattern: /^[a-z0-9-]{1,64}$/, accepts: 'a region' }),
    initial: 'us-east-1',
    change: 'reload',
    group: 'archive',
    summary: 'Region of S3 where a URL names none.',
  }),
  setting({
    name: 'http_archive_header',
    type: secretText(),
    initial: '',
    change: 'reload',
    group: 'archive',
    summary: 'A header for each request to a web server of backups, such as Authorization: Bearer abc.',
  }),
  setting({
    name: 'jobs_max',
    type: integer({ min: 1, max: 1_000_000 }),
    initial: '1000',
    change: 'reload',
    group: 'archive',
    summary: 'Rows kept in the relation jobs; running ones are always kept.',
  }),
] as const
