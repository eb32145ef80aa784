// What stands where in a cache's observed memory: what all threads count, time, sample and tell about it, beyond the engines' own counters.
// Engines know nothing of it. May touch: nothing. Sizes follow from the memory's length alone, so every thread finds the same.

/** Words of the header (Int32). */
export const Header = {
  /** How much is observed: see level.ts. */
  level: 0,
  /** 1: samples are taken. */
  sampling: 1,
  /** Milliseconds between two samples. */
  sampleInterval: 2,
  /** Sequence of the last sample; its writers order their stores by it. */
  sampled: 3,
  /** Samples in each ring so far. */
  rings: 4,
  /** Events told so far, and changes. */
  events: 8,
  changes: 9,
  /** Handles that read changes. */
  changeReaders: 10,
  /** Until when changes are told unless a reader says more, in seconds of the monotonic clock; 0: nobody reads. */
  changesUntil: 11,
  /** Most live memory that was ever seen, in KiB. */
  peakKib: 12,
  /** When the cache was made, in seconds of the monotonic clock; never 0. */
  madeAt: 13,
  /** What is slow, in µs; 0: as by default. */
  slowMicroseconds: 14,
  /** The share of ordinary loads that is told as events, in parts of 2^20. */
  loadShare: 15,
  /** For each ring, when a sample was last taken at an interval: ms, wrapping, never 0. */
  sampledAt: 16,
} as const
export const HEADER_BYTES = 512

/** Counts of histogram buckets beyond 32 bits: so many rows of {bucket + 1, times it went over}. */
export const CARRIES_AT = HEADER_BYTES
export const CARRIES = 64
export const CARRY_BYTES = 8

/** What a thread counts for itself, in f64: a row for each line of the registry, written by its thread alone. */
export const ROWS_AT = 1024
export const ROW_FIELDS = 16
export const ROW_BYTES = ROW_FIELDS * 8
const ROWS = 128

/** Fields of a thread's row. */
export const Own = {
  /** Hits in this thread's near caches; the engines' counter of hits has them, too. */
  nearHits: 0,
  /** Answers of getOrSet and wrap for which no loader had to be called. */
  served: 1,
  /** What loading those values had taken, in ms. */
  savedMs: 2,
  /** What loaders took, in ms. */
  loadMs: 3,
  /** Ended waiting for a load that somebody else ran, and how long, in ms. */
  waits: 4,
  waitMs: 5,
  /** getMany: calls, their keys, and how many were there. */
  batches: 6,
  batchKeys: 7,
  batchHits: 8,
  /** scan: calls that came to their end, the entries they went through, the keys they gave. */
  scans: 9,
  scanned: 10,
  scanHits: 11,
  /** Values that were not kept because of `ttl: 0`. */
  notWanted: 12,
  /** Operations that took longer than the slow log's threshold. */
  slow: 13,
  /** Operations that were timed. */
  timed: 14,
} as const

const FIXED_BYTES = ROWS_AT + ROWS * ROW_BYTES

/** Cumulative values of one sample: see samples.ts. The first is its sequence. */
export const SAMPLE_FIELDS = 32
export const SAMPLE_BYTES = SAMPLE_FIELDS * 8
/** Most samples of the rings of 1 s (or the interval asked for), 1 min, 5 min: five minutes, three hours, a day. */
const MOST_SAMPLES = [300, 180, 288] as const

/** A record of an event or a change: see keyed-ring.ts. */
export const RECORD_BYTES = 128
const MOST_EVENTS = 512
const MOST_CHANGES = 1024
export const HEAT_BYTES = 96
/** Parts of the key space whose uses are counted each. */
export const SLICES = 64
const MOST_HEAT = 512

export interface Ring {
  readonly at: number
  readonly length: number
}

export interface ObservedLayout {
  readonly rings: readonly [Ring, Ring, Ring]
  /** Places for hot keys, namespaces and tags. */
  readonly heat: readonly [Ring, Ring, Ring]
  /** Counts of slices of the key space. */
  readonly slices: Ring
  readonly events: Ring
  readonly changes: Ring
  /** Where histograms lie that the control region has no room for; they may be missing in a small cache. */
  readonly histograms: Ring
}

/** Bytes of a histogram: 1,984 buckets of 32 bits. */
const HISTOGRAM_BYTES = 7936
const MORE_HISTOGRAMS = 2

export function layoutOf(bytes: number): ObservedLayout {
  let at = FIXED_BYTES
  const take = (share: number, size: number, most: number): Ring => {
    const length = Math.min(most, Math.floor(share / size))
    const ring = { at, length }
    at += length * size
    return ring
  }
  const extras = bytes >= 2 ** 18 ? MORE_HISTOGRAMS : 0
  const histograms = take(extras * HISTOGRAM_BYTES, HISTOGRAM_BYTES, extras)
  const rest = bytes - at - SLICES * 4
  const rings = MOST_SAMPLES.map((most, index) => take(rest * ([0.2, 0.15, 0.15][index] ?? 0), SAMPLE_BYTES, most))
  const slices = take(SLICES * 4, SLICES * 4, 1)
  const heat = [0.09, 0.015, 0.015].map((share) => take(rest * share, HEAT_BYTES, MOST_HEAT))
  const events = take(rest * 0.13, RECORD_BYTES, MOST_EVENTS)
  const changes = take(rest * 0.25, RECORD_BYTES, MOST_CHANGES)
  const three = (parts: Ring[]) => parts as unknown as [Ring, Ring, Ring]
  return { rings: three(rings), heat: three(heat), slices, events, changes, histograms }
}
