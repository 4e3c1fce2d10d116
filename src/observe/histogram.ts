// A histogram of durations in microseconds: fixed buckets, so that recording is one increment and never allocates.
//
// Four buckets per power of two: a percentile is the upper bound of its bucket, at most a quarter above the truth.
//
//   bucket   0   1   2   3 | 4   5   6   7 | 8      9      10     11     | 12 ...
//   values   0   1   2   3 | 4   5   6   7 | 8-9    10-11  12-13  14-15  | 16-19 ...

const octaveCount = 40
const bucketCount = octaveCount * 4

export class Histogram {
  readonly #buckets = new Float64Array(bucketCount)
  #count = 0
  #sum = 0
  #max = 0

  record(us: number): void {
    const value = us > 0 ? Math.round(us) : 0
    const bucket = bucketOf(value)
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
    this.#count++
    this.#sum += value
    if (value > this.#max) this.#max = value
  }

  get count(): number {
    return this.#count
  }

  get max(): number {
    return this.#max
  }

  get sum(): number {
    return this.#sum
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count
  }

  /** The value below or at which `fraction` of the recorded ones lie; 0 when nothing was recorded. */
  percentile(fraction: number): number {
    if (this.#count === 0) return 0
    const rank = Math.max(1, Math.ceil(fraction * this.#count))
    let seen = 0
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      seen += this.#buckets[bucket] ?? 0
      if (seen >= rank) return Math.min(upperBoundOf(bucket), this.#max)
    }
    return this.#max
  }

  reset(): void {
    this.#buckets.fill(0)
    this.#count = 0
    this.#sum = 0
    this.#max = 0
  }
}

function bucketOf(value: number): number {
  if (value < 4) return value
  const exponent = value < 0x8000_0000 ? 31 - Math.clz32(value) : Math.floor(Math.log2(value))
  const quarter = Math.floor(value / 2 ** (exponent - 2)) & 3
  return Math.min(bucketCount - 1, (exponent - 1) * 4 + quarter)
}

function upperBoundOf(bucket: number): number {
  if (bucket < 4) return bucket
  const exponent = Math.floor(bucket / 4) + 1
  return 2 ** (exponent - 2) * ((bucket % 4) + 5) - 1
}
