// The tables of the code as Markdown, for the documents that show them. `npm run docs` writes them, a test compares.

import {
  formatHistory,
  formatVersion,
  manifestShape,
  nonceBytes,
  segmentBytes,
  tagBytes,
} from '../../src/archive/manifest.ts'
import { environmentNameOf, flagOf, type SettingRow, settingTable } from '../../src/config/index.ts'
import { conditions } from '../../src/errors/index.ts'
import { counterTable, histogramTable } from '../../src/observe/index.ts'
import { reasons } from '../../src/sql/index.ts'
import { type Access, virtualTables } from '../../src/virtual/index.ts'

import { fileFormatTables } from './file-format.ts'

export interface DocumentTable {
  readonly page: string
  /** Stands between `<!-- table: name -->` and `<!-- end of table -->`. */
  readonly name: string
  readonly markdown: string
}

const changes: Readonly<Record<SettingRow['change'], string>> = {
  session: 'May be set per session.',
  reload: 'A change works at once.',
  restart: 'A change needs a restart.',
}

const seers: Readonly<Record<Access, string>> = {
  anyone: 'anyone',
  read: 'readers (their own roles), monitors, admins',
  monitor: 'monitors, admins',
  admin: 'admins',
}

export const documentTables: readonly DocumentTable[] = [
  ...fileFormatTables,
  { page: 'docs/settings.md', name: 'settings', markdown: settingsTables() },
  {
    page: 'docs/counters.md',
    name: 'counters',
    markdown: table(
      ['name', 'kind', 'what it counts'],
      counterTable.map((row) => [code(row.name), row.kind, row.summary]),
    ),
  },
  {
    page: 'docs/counters.md',
    name: 'histograms',
    markdown: table(
      ['name', 'duration in microseconds'],
      histogramTable.map((row) => [code(row.name), row.summary]),
    ),
  },
  {
    page: 'docs/errors.md',
    name: 'conditions',
    markdown: table(
      ['SQLSTATE', 'severity', 'message', 'condition'],
      Object.entries(conditions).map(([name, row]) => [
        code(row.sqlstate),
        row.severity,
        code(row.message),
        code(name),
      ]),
    ),
  },
  {
    page: 'docs/sql.md',
    name: 'relations',
    markdown: table(
      ['relation', 'holds', 'key', 'rows for'],
      virtualTables.map((row) => [
        `[${code(`cache.${row.name}`)}](#cache${row.name})`,
        row.summary,
        row.key.map(code).join(', '),
        seers[row.access],
      ]),
    ),
  },
  {
    page: 'docs/archive-format.md',
    name: 'history',
    markdown: table(
      ['format', 'since', 'introduces', 'reads'],
      formatHistory.map((row) => [String(row.format), row.release, row.introduces, row.reads]),
    ),
  },
  {
    page: 'docs/archive-format.md',
    name: 'constants',
    markdown: table(
      ['constant', 'value'],
      Object.entries({ formatVersion, segmentBytes, nonceBytes, tagBytes }).map(([name, value]) => [
        code(name),
        value.toLocaleString('en'),
      ]),
    ),
  },
  {
    page: 'docs/archive-format.md',
    name: 'manifest',
    markdown: table(
      ['field', 'holds', 'meaning'],
      manifestShape.rows.map((row) => [code(row.path), row.accepts, row.summary]),
    ),
  },
  { page: 'docs/sql.md', name: 'columns', markdown: columnTables() },
  {
    page: 'docs/sql.md',
    name: 'reasons',
    markdown: table(
      ['verdict', 'reason', 'meaning', 'remedy'],
      reasons.map((row) => [
        row.verdict,
        code(row.argument === undefined ? row.code : `${row.code}(${row.argument})`),
        row.summary,
        row.remedy ?? '',
      ]),
    ),
  },
]

function columnTables(): string {
  return virtualTables
    .map((row) => {
      const columns = row.columns.map((column) => [code(column.name), code(column.type), column.summary])
      return `### cache.${row.name}\n\n${table(['column', 'type', 'meaning'], columns)}`
    })
    .join('\n\n')
}

function settingsTables(): string {
  const rows: readonly SettingRow[] = settingTable
  const groups = [...new Set(rows.map((row) => row.group))]
  return groups
    .map((group) => {
      const sections = rows.filter((row) => row.group === group).map(settingSection)
      return `## ${group.charAt(0).toUpperCase()}${group.slice(1)}\n\n${sections.join('\n\n')}`
    })
    .join('\n\n')
}

function settingSection(row: SettingRow): string {
  const initial = row.initial === '' ? 'empty' : code(row.initial)
  return `### ${row.name}

${row.summary}

Initially ${initial}. Takes ${code(row.type.accepts)} (${row.type.kind}). ${changes[row.change]}
Flag ${code(flagOf(row.name))}, variable ${code(environmentNameOf(row.name))}.`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function code(text: string): string {
  return `\`${text}\``
}
