// Samples: cumulative counts and sizes at one moment, and what two of them tell about the time between. Pure; touches nothing.
import type { Occupancy } from './occupancy.js'
import { evictedOf, shareOf, type Totals } from './totals.js'

/** What stands in a sample behind its sequence and its time, in this order. Those before `size` only grow. */
export const sampleFields = [
  'hits',
  'nearHits',
  'misses',
  'stored',
  'deleted',
  'expired',
  'invalidated',
  'evicted',
  'dropped',
  'bytesWritten',
  'bytesRead',
  'loads',
  'loadsFailed',
  'loadMs',
  'waits',
  'served',
  'savedMs',
  'staleServed',
  'batchKeys',
  'batchHits',
  'scanned',
  'scanHits',
  'cpuMs',
  'size',
  'liveBytes',
  'deadBytes',
  'freeBytes',
  'rssBytes',
  'heapBytes',
] as const
export type SampleField = (typeof sampleFields)[number]
const COUNTS = sampleFields.indexOf('size')
export type CountedField = Exclude<SampleField, GaugeField>
export type GaugeField = 'size' | 'liveBytes' | 'deadBytes' | 'freeBytes' | 'rssBytes' | 'heapBytes'

/** One sample as it lies in a ring. */
export interface RawSample {
  /** On the monotonic clock of the process, in ms. */
  readonly at: number
  readonly values: Float64Array
}

/** What happened between two samples. */
export interface Sample {
  /** When it ended, in ms since 1970. */
  readonly at: number
  /** How long it was: more than the interval where nobody took a sample in between. */
  readonly seconds: number
  /** The second sample was taken later than one and a half intervals after the first. */
  readonly gap: boolean
  /** Of each counter, a second. */
  readonly perSecond: Readonly<Record<CountedField, number>>
  /** Ratios of this time alone; 0 where nothing was asked for. */
  readonly hitRatio: number
  /** Share of the hits that were near. */
  readonly nearShare: number
  /** Keys that getMany found, of those it was asked for. */
  readonly matchRatio: number
  /** Keys that scans gave, of the entries that they went through. */
  readonly scanRatio: number
  readonly failedLoadRatio: number
  /** Milliseconds a load took, in the mean. */
  readonly meanLoadMs: number
  /** Share of one processor that the whole process used. */
  readonly cpuShare: number
  /** As they were at its end. */
  readonly size: number
  readonly liveBytes: number
  readonly deadBytes: number
  readonly freeBytes: number
  readonly rssBytes: number
  readonly heapBytes: number
}

export interface ProcessUse {
  readonly cpuMs: number
  readonly rssBytes: number
  readonly heapBytes: number
}

export function valuesOf(totals: Totals, occupancy: Occupancy, size: number, use: ProcessUse): Float64Array {
  const { tooLarge, noRoom, paused, notWanted } = totals
  const dropped = tooLarge + noRoom + paused + notWanted
  const all = { ...totals, ...occupancy, ...use, evicted: evictedOf(totals), dropped, size }
  return Float64Array.from(sampleFields, (field) => all[field])
}

/**
 * What came between two samples. A counter that is smaller than before began anew in between, with another cache of the name: what it has counted
 * since is then all that is known.
 */
export function between(before: RawSample, after: RawSample, intervalMs: number, wallClockOffset: number): Sample {
  const elapsed = after.at - before.at
  const seconds = Math.max(elapsed / 1000, 1e-6)
  const increase = (field: SampleField) => {
    const index = sampleFields.indexOf(field)
    const [earlier, now] = [before.values[index] as number, after.values[index] as number]
    return now >= earlier ? now - earlier : now
  }
  const gauge = (field: GaugeField) => after.values[sampleFields.indexOf(field)] as number
  const rates = sampleFields.slice(0, COUNTS).map((field) => [field, increase(field) / seconds])
  const perSecond = Object.fromEntries(rates) as Sample['perSecond']
  const { hits, misses, nearHits, batchHits, batchKeys, scanHits, scanned, loads, loadsFailed, loadMs } = perSecond
  return {
    at: after.at + wallClockOffset,
    seconds,
    gap: elapsed > intervalMs * 1.5,
    perSecond,
    hitRatio: shareOf(hits, hits + misses),
    nearShare: shareOf(nearHits, hits),
    matchRatio: shareOf(batchHits, batchKeys),
    scanRatio: shareOf(scanHits, scanned),
    failedLoadRatio: shareOf(loadsFailed, loads),
    meanLoadMs: shareOf(loadMs, loads),
    cpuShare: perSecond.cpuMs / 1000,
    size: gauge('size'),
    liveBytes: gauge('liveBytes'),
    deadBytes: gauge('deadBytes'),
    freeBytes: gauge('freeBytes'),
    rssBytes: gauge('rssBytes'),
    heapBytes: gauge('heapBytes'),
  }
}

/** Where a value is going. */
export interface Trend {
  /** The value now, smoothed. */
  readonly value: number
  /** How much it changes in a second. */
  readonly perSecond: number
  /** How sure it is that it changes at all and in this direction: 0 (a guess) to 1. */
  readonly confidence: number
}

/**
 * The weighted least-squares line through points in time, of which each sixth counts twice as much as the one before: smooth, and soon aware of a
 * turn. With fewer than three points the confidence is 0.
 */
export function trendOf(points: readonly { readonly seconds: number; readonly value: number }[]): Trend {
  const last = points[points.length - 1]
  const first = points[0]
  if (last === undefined || first === undefined) return { value: 0, perSecond: 0, confidence: 0 }
  const halfLife = Math.max((last.seconds - first.seconds) / 6, 1e-9)
  let [w, wt, wy] = [0, 0, 0]
  const weighted = points.map(({ seconds, value }) => {
    const weight = 0.5 ** ((last.seconds - seconds) / halfLife)
    w += weight
    wt += weight * seconds
    wy += weight * value
    return { weight, seconds, value }
  })
  const [meanT, meanY] = [wt / w, wy / w]
  let [tt, ty] = [0, 0]
  for (const { weight, seconds, value } of weighted) {
    tt += weight * (seconds - meanT) ** 2
    ty += weight * (seconds - meanT) * (value - meanY)
  }
  const slope = tt === 0 ? 0 : ty / tt
  const value = meanY + slope * (last.seconds - meanT)
  if (points.length < 3 || tt === 0 || slope === 0) return { value, perSecond: slope, confidence: 0 }
  let residual = 0
  let weightSquares = 0
  for (const one of weighted) {
    residual += one.weight * (one.value - meanY - slope * (one.seconds - meanT)) ** 2
    weightSquares += one.weight ** 2
  }
  const effective = w ** 2 / weightSquares
  const variance = residual / w / Math.max(effective - 2, 0.5)
  const error = Math.sqrt((variance * w) / tt)
  if (error === 0) return { value, perSecond: slope, confidence: 1 }
  return { value, perSecond: slope, confidence: normalShare(Math.abs(slope) / error) }
}

/** The share of a normal distribution within so many standard deviations (Abramowitz and Stegun 7.1.26). */
function normalShare(deviations: number): number {
  const x = deviations / Math.SQRT2
  const t = 1 / (1 + 0.3275911 * x)
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  return 1 - series * Math.exp(-x * x)
}
