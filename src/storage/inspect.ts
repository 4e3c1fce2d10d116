// A page of the file, or the superblock, as text for a person.

import {
  childBytes,
  extentPayloadAt,
  mapsInDirectory,
  pageCommitAt,
  pageCountAt,
  pageHeaderBytes,
  pageLevelAt,
  pageOwnerAt,
  pageTypeAt,
  pageTypes,
  treeNames,
} from './layout.ts'
import { problemOf, read16, read32, read48, read64 } from './page.ts'
import { PageBits } from './page-bits.ts'
import type { Pin } from './pin.ts'
import {
  cellAt,
  childCommitOf,
  childPageOf,
  countOf,
  freeBytes,
  keyOf,
  structureProblem,
  valueLengthOf,
} from './tree-page.ts'

/** The superblock of a commit and where its trees begin. */
export function inspectSuperblock({ superblock }: Pin): string {
  const lines = [
    `store id        ${Buffer.from(superblock.storeId).toString('hex')}`,
    `format version  ${superblock.formatVersion}`,
    `page size       ${superblock.pageSize}`,
    `commit          ${superblock.commit}${superblock.clean ? ', closed in order' : ''}`,
    `pages           ${superblock.pageCount}, ${superblock.freeCount} free`,
    `free map        page ${superblock.map.page}`,
    `incarnation     ${superblock.incarnation}`,
    `records         ${superblock.recordCount}, ${superblock.bytesInUse} bytes`,
    `synopsis        ${superblock.synopsisBytes} bytes in ${superblock.synopsis.length} extents`,
    ...treeNames.map((name, number) => {
      const root = superblock.trees[number]
      return `tree ${name.padEnd(11)}${root?.height ? `root page ${root.page}, height ${root.height}, ${root.count} rows` : 'empty'}`
    }),
  ]
  return `${lines.join('\n')}\n`
}

/** What a page of a commit says of itself, and what is wrong with it. */
export function inspectPage(pin: Pin, page: number): string {
  const { pageSize, pageCount } = pin.superblock
  if (!Number.isInteger(page) || page < 1 || page >= pageCount)
    return `page ${page}: the file has pages 1 to ${pageCount - 1}\n`
  const bytes = new Uint8Array(pageSize)
  pin.file.read(bytes, page)
  const type = bytes[pageTypeAt] as number
  const ref = { page, commit: read64(bytes, pageCommitAt) }
  const problem = problemOf(bytes, 0, type === pageTypes.extent ? pageHeaderBytes : pageSize, ref, type)
  if (problem !== undefined) {
    return `page ${page}: ${pin.isUsed(page) ? `inside an extent, or damaged: ${problem}` : 'free'}\n`
  }
  const head = `page ${page}, commit ${ref.commit}${pin.isUsed(page) ? '' : ', free'}`
  if (type === pageTypes.tree) return treePage(head, bytes)
  if (type === pageTypes.extent) {
    const payload = read32(bytes, extentPayloadAt)
    return `${head}: an extent of ${read32(bytes, pageOwnerAt)} pages with ${payload} bytes\n`
  }
  return type === pageTypes.map ? mapPage(head, bytes) : directoryPage(head, bytes, pageSize)
}

function treePage(head: string, bytes: Uint8Array): string {
  const level = bytes[pageLevelAt] as number
  const kind = level === 0 ? 'a leaf' : `an inner page of level ${level}`
  const count = countOf(bytes, 0)
  const lines = [
    `${head}: ${kind} of tree "${treeNames[read32(bytes, pageOwnerAt)]}", ${count} cells, ${freeBytes(bytes, 0)} bytes free`,
  ]
  const structure = structureProblem(bytes, level > 0)
  if (structure !== undefined) return `${lines[0]}\n  ${structure}\n`
  for (let index = 0; index < count; index++) {
    const cell = cellAt(bytes, 0, index)
    const what =
      level === 0
        ? `${valueLengthOf(bytes, cell)} bytes`
        : `page ${childPageOf(bytes, cell)} of commit ${childCommitOf(bytes, cell)}`
    lines.push(`  ${String(index).padStart(4)}  ${printable(keyOf(bytes, cell))}  ${what}`)
  }
  return `${lines.join('\n')}\n`
}

function mapPage(head: string, bytes: Uint8Array): string {
  const bits = new PageBits()
  bits.copyFrom(bytes.subarray(pageHeaderBytes), 0)
  return `${head}: a page of the free map, ${bits.countSet(0, (bytes.length - pageHeaderBytes) * 8)} pages in use\n`
}

function directoryPage(head: string, bytes: Uint8Array, pageSize: number): string {
  const count = Math.min(read16(bytes, pageCountAt), mapsInDirectory(pageSize))
  const lines = [`${head}: the directory of the free map, ${count} pages`]
  for (let index = 0; index < count; index++) {
    const at = pageHeaderBytes + index * childBytes
    lines.push(`  ${String(index).padStart(4)}  page ${read32(bytes, at)} of commit ${read48(bytes, at + 4)}`)
  }
  return `${lines.join('\n')}\n`
}

/** Keys are bytes; what is text in them is shown as such. */
function printable(key: Uint8Array): string {
  return Buffer.from(key)
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
