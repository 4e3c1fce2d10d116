// Door of `invalidation`: what was derived from what, and at which epoch.

export * from './epochs.ts'
