// Declares what Node's Buffer has always had and its types leave out: decoding without the options of toString().

declare global {
  interface Buffer {
    /** One character per byte, bytes 128 to 255 included; the fastest way from bytes to a key. */
    latin1Slice(start?: number, end?: number): string
    /** The reverse; returns the bytes written. */
    latin1Write(text: string, offset: number, length: number): number
  }
}

export {}
