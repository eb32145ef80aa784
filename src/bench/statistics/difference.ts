// Whether two lists of measured values differ, and by how much: Welch's test for lists taken apart, the ratio of pairs for values taken in
// turn. May touch: nothing outside its arguments.
import { mean, variance } from './samples.js'
import { studentQuantile, studentTails } from './student.js'

export interface Difference {
  readonly t: number
  readonly freedom: number
  /** The probability that chance alone sets the means so far apart. */
  readonly p: number
}

/** Welch's test of two means, which does not take their variances for equal. `p` is NaN with fewer than two values on a side. */
export function welch(a: readonly number[], b: readonly number[]): Difference {
  const errorA = variance(a) / a.length
  const errorB = variance(b) / b.length
  const difference = mean(a) - mean(b)
  const error = errorA + errorB
  // Two lists without any spread: equal means cannot be told apart, others can.
  if (error === 0) {
    const same = difference === 0
    return {
      t: same ? 0 : Math.sign(difference) * Number.POSITIVE_INFINITY,
      freedom: a.length + b.length - 2,
      p: same ? 1 : 0,
    }
  }
  const t = difference / Math.sqrt(error)
  const freedom = error ** 2 / (errorA ** 2 / (a.length - 1) + errorB ** 2 / (b.length - 1))
  return { t, freedom, p: studentTails(t, freedom) }
}

export interface PairedRatio {
  /** The geometric mean of a[i] / b[i]. */
  readonly ratio: number
  /** Its 95 % confidence interval; all positive numbers with fewer than two pairs. */
  readonly low: number
  readonly high: number
  /** Whether the interval leaves out 1. */
  readonly differs: boolean
}

/** For values (> 0) that were taken in turn, a b a b …: what moved the machine moved both of a pair alike. */
export function pairedRatio(a: readonly number[], b: readonly number[]): PairedRatio {
  const count = Math.min(a.length, b.length)
  const logs = Array.from({ length: count }, (_, at) => Math.log(a[at]! / b[at]!))
  const middle = mean(logs)
  const half =
    count < 2
      ? Number.POSITIVE_INFINITY
      : (studentQuantile(0.975, count - 1) * Math.sqrt(variance(logs))) / Math.sqrt(count)
  const low = Math.exp(middle - half)
  const high = Math.exp(middle + half)
  return { ratio: Math.exp(middle), low, high, differs: low > 1 || high < 1 }
}

/** Holm's correction: each p as it counts where so many comparisons were made at once that chance alone would find some. */
export function holm(probabilities: readonly number[]): number[] {
  const order = probabilities.map((p, at) => ({ p, at })).sort((a, b) => a.p - b.p)
  const corrected = new Array<number>(probabilities.length)
  let least = 0
  for (const [rank, { p, at }] of order.entries()) {
    least = Math.max(least, Math.min(1, p * (order.length - rank)))
    corrected[at] = Number.isNaN(p) ? Number.NaN : least
  }
  return corrected
}
