// What the near cache of a view is worth, by timing a sample of its hits, its misses, and the reads and keeping that follow a miss.
// Touches the clock.

/** Times of less than so many samples are not believed. */
const LEAST_SAMPLES = 8
/** The last so many samples count, so that what was slow before V8 had compiled it is forgotten. */
const WINDOW = 15

/** The median of the last samples, in nanoseconds: no interrupted one has influence. */
class Duration {
  samples = 0
  readonly #last: number[] = []

  add(milliseconds: number): void {
    this.#last[this.samples++ % WINDOW] = Math.max(0, milliseconds * 1e6 - overhead)
  }

  get nanoseconds(): number {
    const sorted = [...this.#last].sort((a, b) => a - b)
    return sorted[sorted.length >> 1] ?? 0
  }
}

/** What two looks at the clock cost by themselves. */
const overhead = (() => {
  let least = Infinity
  for (let i = 0; i < 64; i++) {
    const begin = performance.now()
    least = Math.min(least, performance.now() - begin)
  }
  return least * 1e6
})()

export class NearGain {
  /** Of the lookup, when it finds something, */
  readonly hit = new Duration()
  /** and when it does not; */
  readonly miss = new Duration()
  /** of reading and decoding from shared memory, */
  readonly read = new Duration()
  /** and of keeping what was read. */
  readonly keep = new Duration()

  /** Nanoseconds saved by so many lookups; negative when they cost more than they saved, undefined before enough was timed. */
  of(hits: number, misses: number, kept: number): number | undefined {
    if (this.hit.samples < LEAST_SAMPLES || this.read.samples < LEAST_SAMPLES) return undefined
    const saved = hits * (this.read.nanoseconds - this.hit.nanoseconds)
    return saved - misses * this.miss.nanoseconds - kept * this.keep.nanoseconds
  }
}
