// One fixed hash of keys for everything that outlives a process or crosses threads: the synopsis, jitter, visited bits.
//
// MurmurHash3 x86_32 over the bytes of the key in UTF-8. It is part of the file format (a saved synopsis is read back), so it
// is never changed; test/unit/cache/blob/key-hash.test.ts holds its vectors (SYN-15).
//
// Source: Austin Appleby, MurmurHash3, public domain.

const c1 = 0xcc9e2d51
const c2 = 0x1b873593

export function hashBytes(bytes: Uint8Array, seed = 0): number {
  const { length } = bytes
  const whole = length & ~3
  let hash = seed | 0
  for (let at = 0; at < whole; at += 4) {
    const word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    hash = mixWord(hash, word)
  }
  let rest = 0
  for (let at = length - 1; at >= whole; at--) rest = (rest << 8) | (bytes[at] as number)
  return finish(length === whole ? hash : hash ^ scramble(rest), length)
}

/** The same number as `hashBytes` of the text in UTF-8; ASCII, which keys mostly are, is read in place. */
export function hashText(text: string, seed = 0): number {
  const { length } = text
  const whole = length & ~3
  let hash = seed | 0
  let all = 0
  for (let at = 0; at < whole; at += 4) {
    const a = text.charCodeAt(at)
    const b = text.charCodeAt(at + 1)
    const c = text.charCodeAt(at + 2)
    const d = text.charCodeAt(at + 3)
    all |= a | b | c | d
    hash = mixWord(hash, a | (b << 8) | (c << 16) | (d << 24))
  }
  let rest = 0
  for (let at = length - 1; at >= whole; at--) {
    const code = text.charCodeAt(at)
    all |= code
    rest = (rest << 8) | code
  }
  if (all > 127) return hashBytes(Buffer.from(text, 'utf8'), seed)
  return finish(length === whole ? hash : hash ^ scramble(rest), length)
}

/** Spreads a hash over all 32 bits anew: for a second number from one hash. */
export function mix(hash: number): number {
  let mixed = hash ^ (hash >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

function mixWord(hash: number, word: number): number {
  const mixed = hash ^ scramble(word)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

function scramble(word: number): number {
  const mixed = Math.imul(word, c1)
  return Math.imul((mixed << 15) | (mixed >>> 17), c2)
}

function finish(hash: number, length: number): number {
  return mix(hash ^ length)
}
