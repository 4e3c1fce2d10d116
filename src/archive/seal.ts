// Encryption of a backup: AES-256-GCM per segment, keys derived from a passphrase by scrypt (ARC-16).
//
//   sealed segment = nonce (12 bytes) | ciphertext | tag (16 bytes)
//   authenticated with it: id of the backup, name of the file, number of the segment
//
// So a segment cannot be swapped for another, within a backup or between two; that none is missing says the code over the
// manifest. The salt is new for each backup, so nonces only have to differ within one: they are random.

import { createCipheriv, createDecipheriv, createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { type ManifestEncryption, nonceBytes, tagBytes } from './manifest.ts'
import { pace } from './pace.ts'

/** 32 MB of memory and a tenth of a second, as OWASP's recommendation for scrypt with that much memory. */
const strong: Derivation = { cost: 1 << 15, blockSize: 8, parallelism: 3 }

/** How much work it is to make keys of a passphrase. */
export type Derivation = Pick<ManifestEncryption, 'cost' | 'blockSize' | 'parallelism'>

/** Which segment of what. */
interface SegmentPlace {
  readonly file: string
  readonly index: number
}

export class Seal {
  readonly encryption: ManifestEncryption
  readonly #id: string
  readonly #key: Buffer
  readonly #codeKey: Buffer

  private constructor(id: string, keys: Buffer, encryption: Omit<ManifestEncryption, 'check'>) {
    this.#id = id
    this.#key = keys.subarray(0, 32)
    this.#codeKey = keys.subarray(32)
    this.encryption = { ...encryption, check: this.#check() }
  }

  /** For a new backup. */
  static async create(id: string, passphrase: string, derivation = strong): Promise<Seal> {
    const salt = randomBytes(32).toString('hex')
    const encryption = { cipher: 'aes-256-gcm', kdf: 'scrypt', salt, ...derivation } as const
    return new Seal(id, await deriveKeys(passphrase, encryption), encryption)
  }

  /** For a backup that is there; undefined if the passphrase is not the one it was made with. */
  static async open(id: string, passphrase: string, encryption: ManifestEncryption): Promise<Seal | undefined> {
    const seal = new Seal(id, await deriveKeys(passphrase, encryption), encryption)
    return equal(seal.encryption.check, encryption.check) ? seal : undefined
  }

  /** Code over the manifest. */
  codeOf(covered: Uint8Array): string {
    return createHmac('sha256', this.#codeKey).update('manifest\0').update(covered).digest('hex')
  }

  covers(covered: Uint8Array, code: string): boolean {
    return equal(this.codeOf(covered), code)
  }

  /** Writes the sealed segment into `into`, which has room for nonce and tag too; returns that part of it. */
  seal(place: SegmentPlace, bytes: Uint8Array, into: Uint8Array): Uint8Array {
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(this.#associated(place))
    into.set(nonce)
    const end = passThrough(cipher, bytes, into, nonceBytes)
    cipher.final()
    into.set(cipher.getAuthTag(), end)
    return into.subarray(0, end + tagBytes)
  }

  /** The reverse. Undefined if the segment was changed, or is another. */
  unseal(place: SegmentPlace, sealed: Uint8Array, into: Uint8Array): Uint8Array | undefined {
    const nonce = sealed.subarray(0, nonceBytes)
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce).setAAD(this.#associated(place))
    decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
    const end = passThrough(decipher, sealed.subarray(nonceBytes, sealed.length - tagBytes), into, 0)
    try {
      decipher.final()
    } catch {
      return undefined
    }
    return into.subarray(0, end)
  }

  #check(): string {
    return createHmac('sha256', this.#codeKey).update(`passphrase\0${this.#id}`).digest('hex')
  }

  #associated({ file, index }: SegmentPlace): Buffer {
    return Buffer.from(`${this.#id}\0${file}\0${index}`)
  }
}

/** In pieces, so that no second buffer of a segment's size is made. Returns where the output ends. */
function passThrough(
  through: { update(bytes: Uint8Array): Buffer },
  bytes: Uint8Array,
  into: Uint8Array,
  from: number,
): number {
  let at = from
  for (const piece of pace.pieces(bytes)) {
    const output = through.update(piece)
    into.set(output, at)
    at += output.length
  }
  return at
}

function deriveKeys(
  passphrase: string,
  { salt, cost, blockSize, parallelism }: Omit<ManifestEncryption, 'check'>,
): Promise<Buffer> {
  const maxmem = 128 * blockSize * (cost + parallelism + 2) + (1 << 20)
  const options = { N: cost, r: blockSize, p: parallelism, maxmem }
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), Buffer.from(salt, 'hex'), 64, options, (error, keys) => {
      if (error === null) resolve(keys)
      else reject(error)
    })
  })
}

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
