// Latency histograms in shared memory: log-linear, at most 1 % off at any value, one atomic addition to record. The buckets of the first kinds
// stand in the control region (docs/slab.md 1.1; native/core/src/histogram.rs cuts them the same way), the others in the observed memory.
import { Control, HISTOGRAM_BUCKETS, HISTOGRAMS } from '../engine/layout.js'
import { CARRIES, CARRIES_AT, CARRY_BYTES, type ObservedLayout } from './layout.js'

/** What is timed, in the order of the histograms. `wait` and `batch` are not in caches below 32 MiB. */
export const timedKinds = ['get', 'set', 'delete', 'load', 'wait', 'batch'] as const
export type TimedKind = (typeof timedKinds)[number]
export const Timed = { get: 0, set: 1, delete: 2, load: 3, wait: 4, batch: 5 } as const satisfies Record<
  TimedKind,
  number
>

const SUB_BITS = 6
const SUB = 2 ** SUB_BITS

/** Values below 64 ns have a bucket each; above, every power of two is cut into 64 equal parts. Slower than 68 s is in the last one. */
export function bucketOf(nanoseconds: number): number {
  if (!(nanoseconds >= SUB)) return Math.max(0, Math.floor(nanoseconds) || 0)
  const above = nanoseconds >= 2 ** 32
  const bits = above ? 63 - Math.clz32(Math.min(nanoseconds / 2 ** 32, 2 ** 31)) : 31 - Math.clz32(nanoseconds)
  const octave = bits - SUB_BITS
  const part = Math.floor(nanoseconds / 2 ** octave) - SUB
  return Math.min(SUB * (octave + 1) + part, HISTOGRAM_BUCKETS - 1)
}

/** The middle of a bucket, in nanoseconds. */
export function middleOf(bucket: number): number {
  if (bucket < SUB) return bucket
  const octave = Math.floor(bucket / SUB) - 1
  return (SUB + (bucket % SUB)) * 2 ** octave + (2 ** octave - 1) / 2
}

/** What was timed, in milliseconds. Each within 1 % of the exact value. */
export interface LatencySummary {
  /** How many were timed: a sample of all, except of loads and waits. */
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

export class Histograms {
  readonly #buckets: (Uint32Array | undefined)[]
  #carries: Int32Array

  constructor(control: ArrayBufferLike, observed: ArrayBufferLike, { histograms }: ObservedLayout) {
    this.#buckets = timedKinds.map((_, kind) => {
      if (kind < HISTOGRAMS) {
        return new Uint32Array(control, Control.histograms + kind * HISTOGRAM_BUCKETS * 4, HISTOGRAM_BUCKETS)
      }
      const more = kind - HISTOGRAMS
      if (more >= histograms.length) return undefined
      return new Uint32Array(observed, histograms.at + more * HISTOGRAM_BUCKETS * 4, HISTOGRAM_BUCKETS)
    })
    this.#carries = new Int32Array(observed, CARRIES_AT, (CARRIES * CARRY_BYTES) / 4)
  }

  /** Any thread may record. */
  record(kind: number, nanoseconds: number): void {
    const buckets = this.#buckets[kind]
    if (buckets === undefined) return
    const bucket = bucketOf(nanoseconds)
    if (Atomics.add(buckets, bucket, 1) === 0xffff_ffff) this.#carry(kind * HISTOGRAM_BUCKETS + bucket + 1)
  }

  /** The counts of all buckets now; undefined where there is no such histogram. */
  read(kind: number): Float64Array | undefined {
    const buckets = this.#buckets[kind]
    if (buckets === undefined) return undefined
    // Not `from`, which goes through an iterator.
    const counts = new Float64Array(buckets)
    for (let at = 0; at < this.#carries.length; at += 2) {
      const place = Atomics.load(this.#carries, at) - 1 - kind * HISTOGRAM_BUCKETS
      if (place < 0 || place >= HISTOGRAM_BUCKETS) continue
      counts[place] = (counts[place] as number) + Atomics.load(this.#carries, at + 1) * 2 ** 32
    }
    return counts
  }

  release(): void {
    this.#buckets.fill(undefined)
    this.#carries = new Int32Array(0)
  }

  // A bucket that has counted to 2^32: once in hours where one is hit ten million times a second.
  #carry(place: number): void {
    const carries = this.#carries
    for (let at = 0; at < carries.length; at += 2) {
      const seen = Atomics.compareExchange(carries, at, 0, place)
      if (seen !== 0 && seen !== place) continue
      Atomics.add(carries, at + 1, 1)
      return
    }
  }
}

/** Bucket by bucket what came between two reads; `before` undefined: all. */
export function countsSince(counts: Float64Array, before: Float64Array | undefined): Float64Array {
  return before === undefined ? counts : counts.map((count, bucket) => Math.max(0, count - (before[bucket] as number)))
}

/** The sum of several histograms. */
export function merged(all: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array(HISTOGRAM_BUCKETS)
  for (const counts of all) for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (counts[i] as number)
  return sum
}

/** The value that a share `quantile` (0 to 1) of all does not exceed, in nanoseconds; NaN where there is none. */
export function quantileOf(counts: Float64Array, quantile: number): number {
  return quantilesOf(counts, [quantile])[0] as number
}

/** The same for several shares, the smallest first, in one pass. */
export function quantilesOf(counts: Float64Array, quantiles: readonly number[]): number[] {
  let total = 0
  for (let bucket = 0; bucket < counts.length; bucket++) total += counts[bucket] as number
  const found = quantiles.map(() => Number.NaN)
  let next = 0
  let seen = 0
  for (let bucket = 0; bucket < counts.length && next < quantiles.length && total > 0; bucket++) {
    seen += counts[bucket] as number
    while (
      next < quantiles.length &&
      seen >= Math.min(Math.max(Math.ceil(total * (quantiles[next] as number)), 1), total)
    ) {
      found[next++] = middleOf(bucket)
    }
  }
  return found
}

const SUMMARIZED = [0.5, 0.95, 0.99, 0.999, 1] as const

/** Undefined where nothing was timed. */
export function summaryOf(counts: Float64Array | undefined): LatencySummary | undefined {
  if (counts === undefined) return undefined
  let count = 0
  let sum = 0
  for (let bucket = 0; bucket < counts.length; bucket++) {
    const here = counts[bucket] as number
    if (here === 0) continue
    count += here
    sum += here * middleOf(bucket)
  }
  if (count === 0) return undefined
  const [p50 = 0, p95 = 0, p99 = 0, p999 = 0, max = 0] = quantilesOf(counts, SUMMARIZED).map((value) => value / 1e6)
  return { count, mean: sum / count / 1e6, p50, p95, p99, p999, max }
}
