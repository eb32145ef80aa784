// What a list of measured values says: middle, spread, and how sure the mean is. May touch: nothing outside its arguments.
import { studentQuantile } from './student.js'

export interface Summary {
  readonly count: number
  readonly mean: number
  readonly median: number
  readonly deviation: number
  readonly least: number
  readonly most: number
  /** The 95 % confidence interval of the mean; infinite with fewer than two values. */
  readonly low: number
  readonly high: number
  /** Half of that interval's width as a share of the mean. */
  readonly relativeError: number
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The unbiased estimate; NaN with fewer than two values. */
export function variance(values: readonly number[]): number {
  const middle = mean(values)
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1 || Number.NaN)
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The value that a share (0 to 1) of them does not exceed, between two of them where it falls there; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const below = Math.floor(at)
  const next = sorted[Math.min(below + 1, sorted.length - 1)]!
  return sorted[below]! + (next - sorted[below]!) * (at - below)
}

export function summarize(values: readonly number[]): Summary {
  const count = values.length
  const middle = mean(values)
  const deviation = Math.sqrt(variance(values))
  const half = count < 2 ? Number.POSITIVE_INFINITY : (studentQuantile(0.975, count - 1) * deviation) / Math.sqrt(count)
  return {
    count,
    mean: middle,
    median: median(values),
    deviation,
    least: Math.min(...values),
    most: Math.max(...values),
    low: middle - half,
    high: middle + half,
    relativeError: half === 0 ? 0 : half / Math.abs(middle),
  }
}
