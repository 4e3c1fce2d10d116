// What may be a label of an entry: 1 to 255 bytes of UTF-8 without NUL, CR and LF, at most 64 of them on one entry.

export const labelsMax = 64

const labelBytesMax = 255

/** Half a surrogate has no UTF-8, and nobody could name such a label again. */
const forbidden = /[\0\r\n\p{Surrogate}]/u

export function isLabel(text: string): boolean {
  return text !== '' && Buffer.byteLength(text) <= labelBytesMax && !forbidden.test(text)
}
