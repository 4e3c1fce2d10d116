// The page file of a superblock with its allocator; the free map is loaded into it afterwards.

import type { DiskFile } from '../base/index.ts'
import { Allocator } from './allocator.ts'
import type { Health } from './health.ts'
import { mapBits, pageCountMax } from './layout.ts'
import { PageFile } from './page-file.ts'
import { Space } from './space.ts'
import { defaultReserve, type StoreOptions } from './store-options.ts'
import type { Superblock } from './superblock.ts'

export interface FileParts {
  readonly file: PageFile
  readonly space: Space
}

export function filePartsOf(disk: DiskFile, superblock: Superblock, health: Health, options: StoreOptions): FileParts {
  const { pageSize, pageCount, commit } = superblock
  const { fileBytesMax = 0, reserve = defaultReserve } = options
  const most = fileBytesMax === 0 ? pageCountMax(pageSize) : Math.floor(fileBytesMax / pageSize)
  const file = new PageFile(disk, { pageSize, pageCountMax: Math.min(most, pageCountMax(pageSize)), health })
  const allocator = new Allocator({ pageCount, durableCommit: commit, reserve, bitsPerMap: mapBits(pageSize) })
  return { file, space: new Space(allocator, file, health) }
}
