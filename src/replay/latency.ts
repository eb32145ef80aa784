// A histogram of durations in shared memory, one for each thread, summed afterwards. Log-linear: 128 steps to each power
// of two, so that a value read from it is at most 0.8 % off. May touch: the memory it is given.

const stepBits = 7
const steps = 1 << stepBits
/** Up to 2^40 ns, 18 minutes. */
const highestBit = 40
const buckets = (highestBit - stepBits + 2) * steps

export const histogramBytes = buckets * 4

export class LatencyHistogram {
  readonly #counts: Uint32Array

  constructor(memory: ArrayBufferLike = new ArrayBuffer(histogramBytes), offset = 0) {
    this.#counts = new Uint32Array(memory, offset, buckets)
  }

  /** One thread only. Nanoseconds. */
  record(nanoseconds: number): void {
    const value = Math.max(0, Math.min(Math.round(nanoseconds), 2 ** highestBit - 1))
    this.#counts[bucketOf(value)]!++
  }

  /** Adds the counts of another. */
  add(other: LatencyHistogram): void {
    for (let bucket = 0; bucket < buckets; bucket++) this.#counts[bucket]! += other.#counts[bucket]!
  }

  get samples(): number {
    let sum = 0
    for (const count of this.#counts) sum += count
    return sum
  }

  /** Nanoseconds that `share` (0 to 1) of the samples did not exceed; NaN without samples. */
  quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(this.samples * share))
    let seen = 0
    for (let bucket = 0; bucket < buckets; bucket++) {
      seen += this.#counts[bucket]!
      if (seen >= rank) return highestOf(bucket)
    }
    return Number.NaN
  }
}

function bucketOf(value: number): number {
  if (value < steps) return value
  // Math.clz32 sees 32 bits only; what lies above is brought down to them first.
  const high = Math.floor(value / 0x1_0000_0000)
  const bit = high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(value)
  const shift = bit - stepBits
  return (shift + 1) * steps + Math.floor(value / 2 ** shift) - steps
}

function highestOf(bucket: number): number {
  if (bucket < steps) return bucket
  const shift = Math.floor(bucket / steps) - 1
  return ((bucket % steps) + steps + 1) * 2 ** shift - 1
}
