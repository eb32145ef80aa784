// Lines through measured points: whether values still drift, and what threads cost each other. May touch: nothing outside its arguments.
import { mean } from './samples.js'
import { studentTails } from './student.js'

export interface Trend {
  /** Change of the value from one point to the next. */
  readonly slope: number
  /** The probability that chance alone makes a slope as steep. */
  readonly p: number
  /** Change over all points as a share of their mean. */
  readonly relativeChange: number
}

/** The straight line through values taken at equal distances. NaN with fewer than three. */
export function trend(values: readonly number[]): Trend {
  const count = values.length
  if (count < 3) return { slope: Number.NaN, p: Number.NaN, relativeChange: Number.NaN }
  const middle = (count - 1) / 2
  const average = mean(values)
  let across = 0
  let along = 0
  for (const [at, value] of values.entries()) {
    across += (at - middle) * (value - average)
    along += (at - middle) ** 2
  }
  const slope = across / along
  let rest = 0
  for (const [at, value] of values.entries()) rest += (value - average - slope * (at - middle)) ** 2
  const error = Math.sqrt(rest / (count - 2) / along)
  const p = error === 0 ? (slope === 0 ? 1 : 0) : studentTails(slope / error, count - 2)
  return { slope, p, relativeChange: average === 0 ? 0 : (slope * (count - 1)) / Math.abs(average) }
}

/** Points over which a drift is judged. */
export const steadyWindow = 8
const steadyChange = 0.03

/**
 * Whether the last values have stopped drifting: the line through them rises or falls by less than 3 % in all, or chance alone would make
 * one as steep more often than once in ten times.
 */
export function isSteady(values: readonly number[]): boolean {
  if (values.length < steadyWindow) return false
  const { p, relativeChange } = trend(values.slice(-steadyWindow))
  return Math.abs(relativeChange) < steadyChange || p > 0.1
}

/** The universal scalability law: throughput(n) = rate · n / (1 + contention · (n − 1) + coherency · n · (n − 1)). */
export interface Scalability {
  /** Throughput of one. */
  readonly rate: number
  /** Share of the work that only one can do at a time. */
  readonly contention: number
  /** What each pays for every other, as a share of the work of one. */
  readonly coherency: number
  /** So many give the most; infinite where none waits for another. */
  readonly best: number
}

/**
 * Fits the law to (workers, throughput) by least relative squares; neither cost comes out below 0. Two different counts of workers are
 * needed at least, three for coherency. Undefined with fewer.
 */
export function fitScalability(points: readonly (readonly [number, number])[]): Scalability | undefined {
  const counts = new Set(points.map(([workers]) => workers)).size
  if (counts < 2 || points.some(([workers, throughput]) => !(workers > 0 && throughput > 0))) return undefined
  // workers / throughput = a + b (n − 1) + c n (n − 1): linear. Each equation is divided by its left side, so that errors are relative.
  const tries: readonly (readonly number[])[] = counts > 2 ? [[0, 1, 2], [0, 1], [0, 2], [0]] : [[0, 1], [0]]
  for (const terms of tries) {
    const solved = leastSquares(
      points.map(([n, throughput]) => {
        const left = n / throughput
        const all = [1 / left, (n - 1) / left, (n * (n - 1)) / left]
        return terms.map((term) => all[term]!)
      }),
      points.map(() => 1),
    )
    if (solved === undefined) continue
    const of = (term: number) => (terms.includes(term) ? solved[terms.indexOf(term)]! : 0)
    const a = of(0)
    if (!(a > 0) || of(1) < 0 || of(2) < 0) continue
    const contention = of(1) / a
    const coherency = of(2) / a
    const best = coherency === 0 ? Number.POSITIVE_INFINITY : Math.sqrt((1 - Math.min(1, contention)) / coherency)
    return { rate: 1 / a, contention, coherency, best }
  }
  return undefined
}

/** Solves the normal equations by elimination; undefined where they have no single solution. */
function leastSquares(rows: readonly (readonly number[])[], right: readonly number[]): number[] | undefined {
  const size = rows[0]!.length
  const matrix = Array.from({ length: size }, (_, i) => [
    ...Array.from({ length: size }, (_, j) => rows.reduce((sum, row) => sum + row[i]! * row[j]!, 0)),
    rows.reduce((sum, row, at) => sum + row[i]! * right[at]!, 0),
  ])
  for (let column = 0; column < size; column++) {
    const pivot = matrix
      .slice(column)
      .reduce((best, row) => (Math.abs(row[column]!) > Math.abs(best[column]!) ? row : best))
    if (!(Math.abs(pivot[column]!) > 1e-300)) return undefined
    const from = matrix.indexOf(pivot)
    ;[matrix[column], matrix[from]] = [pivot, matrix[column]!]
    for (const row of matrix) {
      if (row === pivot) continue
      const factor = row[column]! / pivot[column]!
      for (let at = column; at <= size; at++) row[at]! -= factor * pivot[at]!
    }
  }
  return matrix.map((row, at) => row[size]! / row[at]!)
}
