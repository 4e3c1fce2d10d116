// The tables of docs/file-format.md, made from the offsets the code works with.

import * as layout from '../../src/storage/layout.ts'

type Field = readonly [offset: number, bytes: number, name: string, meaning: string]

const head: readonly Field[] = [
  [layout.headMagicAt, 8, 'magic', `\`${layout.headMagic}\``],
  [layout.headVersionAt, 4, 'format version', String(layout.formatVersion)],
  [layout.headPageSizeAt, 4, 'page size', 'a power of two'],
  [layout.headStoreIdAt, 16, 'store id', 'random; the control file has the same'],
  [layout.headChecksumAt, 4, 'checksum', `CRC32 of bytes 0 to ${layout.headChecksumAt - 1}`],
]

const page: readonly Field[] = [
  [layout.pageChecksumAt, 4, 'checksum', 'CRC32 of the rest of the page; of an extent, of the rest of its header'],
  [
    layout.pageTypeAt,
    1,
    'type',
    Object.entries(layout.pageTypes)
      .map(([name, type]) => `${type} ${name}`)
      .join(', '),
  ],
  [layout.pageLevelAt, 1, 'level', 'of a tree page: 0 for a leaf'],
  [layout.pageCountAt, 2, 'count', 'of a tree page: cells; of a map directory: references'],
  [layout.pageIdAt, 4, 'page', 'its own number'],
  [layout.pageOwnerAt, 4, 'owner', 'of a tree page: the number of the tree; of an extent: its pages'],
  [layout.pageCommitAt, 8, 'commit', 'the one that wrote it; who refers to a tree or map page knows it too'],
  [layout.pageHeapAt, 4, 'heap', 'of a tree page: where the cells begin; of an extent: bytes of payload'],
  [layout.pageGarbageAt, 4, 'garbage', 'of a tree page: bytes of removed cells within the heap'],
]

const superblock: readonly Field[] = [
  [layout.superMagicAt, 8, 'magic', `\`${layout.controlMagic}\``],
  [layout.superChecksumAt, 4, 'checksum', `CRC32 of bytes ${layout.superVersionAt} to length - 1`],
  [layout.superVersionAt, 4, 'format version', String(layout.formatVersion)],
  [layout.superLengthAt, 4, 'length', String(layout.superBytes)],
  [layout.superPageSizeAt, 4, 'page size', 'as in the head of the page file'],
  [layout.superStoreIdAt, 16, 'store id', 'as in the head of the page file'],
  [layout.superCommitAt, 8, 'commit', 'its number; it lies in slot number mod 2'],
  [layout.superPageCountAt, 4, 'page count', 'pages of the file, the head among them'],
  [layout.superFreeCountAt, 4, 'free count', 'pages that this commit does not reach'],
  [layout.superMapPageAt, 4, 'map page', 'directory of the free map'],
  [layout.superFlagsAt, 4, 'flags', `${layout.flagClean} closed in order: nothing changed after this commit`],
  [layout.superMapCommitAt, 8, 'map commit', 'of the directory'],
  [layout.superIncarnationAt, 8, 'incarnation', 'grows with every opening'],
  [layout.superFeedLsnAt, 8, 'feed LSN', 'how far the change feed had come'],
  [layout.superSystemIdAt, 8, 'system id', 'of the origin'],
  [layout.superNextXidAt, 8, 'next xid', 'of the origin'],
  [layout.superTimelineAt, 4, 'timeline', 'of the origin'],
  [layout.superSynopsisBytesAt, 4, 'synopsis bytes', 'of the saved synopsis'],
  [layout.superBytesInUseAt, 8, 'bytes in use', 'stored bytes and record sizes'],
  [layout.superRecordCountAt, 8, 'record count', ''],
  [layout.superSynopsisCountAt, 4, 'synopsis extents', `how many; at most ${layout.extentCountMax}`],
  [
    layout.superTreesAt,
    layout.treeNames.length * layout.superTreeBytes,
    'trees',
    `${layout.treeNames.join(', ')}: ${layout.superTreeBytes} bytes each`,
  ],
  [
    layout.superSynopsisAt,
    layout.extentCountMax * layout.superExtentBytes,
    'synopsis',
    `its extents: first page and number of pages, ${layout.superExtentBytes} bytes each`,
  ],
]

const tree: readonly Field[] = [
  [layout.treeRootAt, 4, 'root', 'a page; 0 if the tree is empty'],
  [layout.treeHeightAt, 4, 'height', 'levels of pages'],
  [layout.treeCommitAt, 8, 'commit', 'of the root'],
  [layout.treeCountAt, 8, 'count', 'rows'],
]

const cell: readonly Field[] = [
  [layout.cellKeyLengthAt, 2, 'key length', `at most ${layout.keyBytesMax}`],
  [layout.cellValueLengthAt, 2, 'value length', `at most a quarter page; in an inner page ${layout.childBytes}`],
]

const child: readonly Field[] = [
  [layout.childPageAt, 4, 'page', ''],
  [layout.childCommitAt, layout.childBytes - layout.childCommitAt, 'commit', 'the one that wrote the page'],
]

export const fileFormatTables = Object.entries({ head, page, superblock, tree, cell, child }).map(([name, fields]) => ({
  page: 'docs/file-format.md',
  name,
  markdown: [
    '| offset | bytes | field | |',
    '| ---: | ---: | --- | --- |',
    ...fields.map((field) => `| ${field.join(' | ')} |`),
  ].join('\n'),
}))
