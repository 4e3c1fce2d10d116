// `pglarder/schema`: what rows of schema `cache` are in TypeScript, as node-pg reads them. Types only; no server, no ORM.

export type { Interval } from './interval.ts'
export type * from './rows/index.ts'
