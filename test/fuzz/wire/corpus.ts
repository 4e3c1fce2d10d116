// The kept corpus: one file per case in test/fuzz/corpus/wire, bytes as hex with comments.
//
//   # what it is
//   started | unstarted           a proper start-up first, or not
//   expect: 08P01 closed          SQLSTATE that must come (or `none`, or `any`), and whether the connection must be closed
//   end                           half-close after the last line
//   51 00 00 00 04                one write per line; "text" stands for its bytes, 00*500 for a repetition

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Attack } from './hostile-connection.ts'

export interface Case extends Attack {
  readonly file: string
  readonly sqlstate: string
  /** Undefined: either way is right. */
  readonly closes: boolean | undefined
}

const directory = join(import.meta.dirname, '../corpus/wire')

export function readCorpus(): Case[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.hex'))
    .sort()
    .map((file) => readCase(file, readFileSync(join(directory, file), 'utf8')))
}

function readCase(file: string, source: string): Case {
  const lines = source.split('\n').filter((line) => line.trim() !== '')
  const name = lines.find((line) => line.startsWith('# '))?.slice(2) ?? file
  const rest = lines.filter((line) => !line.startsWith('#'))
  const expectation =
    rest
      .find((line) => line.startsWith('expect:'))
      ?.slice('expect:'.length)
      .trim()
      .split(' ') ?? []
  return {
    file,
    name,
    started: rest.includes('started'),
    end: rest.includes('end'),
    sqlstate: expectation[0] ?? 'any',
    closes: expectation.includes('closed') ? true : expectation.includes('open') ? false : undefined,
    writes: rest.filter((line) => !/^(started|unstarted|end|expect:.*)$/.test(line)).map(readBytes),
  }
}

/** The text of a case, for keeping what the fuzzer found. */
export function renderCase({ name, started, end, writes }: Attack): string {
  const lines = writes.map((bytes) => bytes.toString('hex').replaceAll(/(..)/g, '$1 ').trim())
  return [`# ${name}`, started ? 'started' : 'unstarted', 'expect: any', ...(end ? ['end'] : []), ...lines, ''].join(
    '\n',
  )
}

function readBytes(line: string): Buffer {
  const parts = [...line.matchAll(/"([^"]*)"(?:\*(\d+))?|([0-9a-f]{2})(?:\*(\d+))?/g)]
  return Buffer.concat(
    parts.map(([, text, textTimes, byte, byteTimes]) => {
      const once = text === undefined ? Buffer.from(byte as string, 'hex') : Buffer.from(text)
      const times = Number(textTimes ?? byteTimes ?? 1)
      return times === 1 ? once : Buffer.concat(Array.from({ length: times }, () => once))
    }),
  )
}
