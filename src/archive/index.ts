// Door of `archive`: backups in a folder, in S3 or on a web server, and back.

export { ArchiveThread } from './archive-client.ts'
export { BackupService } from './backup-service.ts'
export { BackupTimer } from './backup-timer.ts'
export { cacheStoreSide } from './cache-store-side.ts'
export { type Job, JobList } from './jobs.ts'
