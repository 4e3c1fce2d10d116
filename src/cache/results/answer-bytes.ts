// The frames of a stored answer: short ones as a string of one byte per character, long ones as a buffer.
//
// A buffer of a kilobyte costs half of that again (its ArrayBuffer, its view, its backing store); a string of Latin-1 characters is one
// object of sixteen bytes and the bytes themselves. Measured with 100,000 answers of 1 kB: 1.83 times the payload as buffers, 1.46 as
// strings; a hit costs the same.

export type AnswerBytes = Buffer | string

/** Longest answer kept as a string. */
export const packedBytesMax = 4096

export function bufferOf(bytes: AnswerBytes): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
}
