// The manifest of a backup: what it holds, and a digest of every byte of it. All constants of the archive's format are here.
//
//   <id>/l2.pager, <id>/l2.ctl   the files, in segments of 8 MB: a segment without its holes, sealed if there is a passphrase
//   <id>/manifest.json           this, written after them: what has no valid manifest is no backup (ARC-8)
//   LATEST                       the id of the newest backup and a line feed, written last
//
// docs/archive-format.md shows the tables made from these shapes; a test compares.

import { constant, field, hex, integer, listOf, object, optional, type TypeOf, text } from './shape.ts'

export const manifestMagic = 'larder archive'

/**
 * Whoever changes the format raises the number and adds a row. A manifest with a higher one is refused by name; each
 * version says what it introduces and down to which version it still reads.
 */
export const formatHistory = [{ format: 1, release: '0.2', introduces: 'the format', reads: 'itself' }] as const

export const formatVersion = 1

/** Raw bytes of a segment; the last of a file may be shorter. */
export const segmentBytes = 8 * 1024 * 1024

/** What AES-256-GCM adds to a sealed segment: the nonce before it, the tag behind it. */
export const nonceBytes = 12
export const tagBytes = 16

/** Most memory that deriving a key may take. */
export const derivationBytesMax = 256 * 1024 * 1024

export const manifestName = 'manifest.json'
export const latestName = 'LATEST'
export const fileNames = ['l2.pager', 'l2.ctl'] as const
export type ArchiveFileName = (typeof fileNames)[number]

export const idPattern = /^\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{8}$/

/** Larger is no manifest: that is a store of some 250 TB. */
export const manifestBytesMax = 64 * 1024 * 1024
const segmentCountMax = 400_000
const namespaceCountMax = 1_000_000

const size = integer(0, Number.MAX_SAFE_INTEGER)
const namespaceName = text(63)

const segmentShape = object({
  offset: field(size, 'where it begins in the file'),
  length: field(integer(1, segmentBytes), 'its bytes in the file'),
  storedLength: field(
    integer(0, segmentBytes + nonceBytes + tagBytes),
    'its bytes in the object, one behind the other',
  ),
  sha256: field(hex(32), 'of its bytes in the object'),
  holes: optional(
    listOf(integer(0, segmentBytes), segmentBytes / 256),
    'stretches of zeros that are not stored: offset in the segment and length of each, ascending',
  ),
})

const fileShape = object({
  name: field(text(64, /^l2\.(pager|ctl)$/, '"l2.pager", then "l2.ctl"'), 'its name in the store'),
  size: field(size, 'its bytes, holes included'),
  storedSize: field(size, 'the bytes of the object'),
  sha256: field(hex(32), 'over the digests of its segments, as bytes, in order'),
  segments: field(listOf(segmentShape, segmentCountMax), 'of 8 MB each, the last one of what is left'),
})

const namespaceShape = object({
  name: field(namespaceName, 'its name'),
  id: field(size, 'its number in the store'),
  generation: field(size, 'the generation its entries are of'),
  entries: field(size, 'entries'),
  bytes: field(size, 'bytes they are charged for'),
})

const encryptionShape = object({
  cipher: field(
    constant('aes-256-gcm'),
    'each segment is nonce, ciphertext, tag; what it belongs to is authenticated too',
  ),
  kdf: field(constant('scrypt'), 'makes 64 bytes of the passphrase: the key, then the one of the codes below'),
  salt: field(hex(32), 'of the derivation'),
  cost: field(integer(2, 1 << 20), 'N, a power of two'),
  blockSize: field(integer(1, 32), 'r'),
  parallelism: field(integer(1, 16), 'p'),
  check: field(hex(32), 'HMAC-SHA-256 of the id: tells a wrong passphrase before anything is read'),
})

const originShape = object({
  systemIdentifier: field(text(20, /^\d{1,20}$/, 'decimal digits'), 'of the origin, as its pg_control has it'),
  timeline: field(integer(0, 0xffff_ffff), 'of the origin'),
  database: field(text(63), 'the database in front of which the cache stood'),
  lsn: field(text(17, /^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/, 'an LSN'), 'up to where the feed had been applied'),
})

const storeShape = object({
  id: field(hex(16), 'store id of the pair'),
  formatVersion: field(integer(1, 0xffff_ffff), 'format of the page file'),
  pageSize: field(integer(1024, 65_536), 'bytes of a page'),
  commit: field(size, 'the commit that was pinned'),
  incarnation: field(size, 'of the epochs'),
})

export const manifestShape = object({
  magic: field(constant(manifestMagic), 'what this is'),
  format: field(constant(formatVersion), 'version of this format'),
  id: field(text(64, idPattern, 'UTC time and a random suffix'), 'the backup, and the folder it lies in'),
  serverVersion: field(text(64), 'of the Larder that wrote it'),
  createdAt: field(text(24, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'a UTC time'), 'when the commit was pinned'),
  store: field(storeShape, 'where it is from'),
  keyInputVersion: field(integer(0, 0xffff_ffff), 'version of what makes the key of a result'),
  origin: optional(originShape, 'what the results are derived from, if it was known'),
  selection: optional(listOf(namespaceName, namespaceCountMax), 'the namespaces asked for, if not all'),
  namespaces: field(listOf(namespaceShape, namespaceCountMax), 'what is in it'),
  encryption: optional(encryptionShape, 'how the segments are sealed, if they are'),
  files: field(listOf(fileShape, fileNames.length), 'what it is made of'),
})

export type Manifest = TypeOf<typeof manifestShape>
export type ManifestFile = Manifest['files'][number]
export type ManifestSegment = ManifestFile['segments'][number]
export type ManifestEncryption = NonNullable<Manifest['encryption']>
