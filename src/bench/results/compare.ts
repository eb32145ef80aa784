// Compares a result with an earlier one of the same machine: what has changed for certain, and by enough to matter.
// May touch: nothing outside its arguments.
import { holm, welch } from '../statistics/difference.js'
import { mean } from '../statistics/samples.js'
import { type BenchReport, type Measure, primary, type Row, type Unit } from './result.js'

export interface Change {
  readonly suite: string
  readonly case: string
  readonly subject: string
  /** All three, to be read. */
  readonly row: string
  readonly measure: string
  readonly unit: Unit
  readonly before: number
  readonly after: number
  /** How many times worse than before; below 1 it is better. */
  readonly factor: number
  /** Of Welch's test, corrected for so many comparisons at once; NaN where there was but one value. */
  readonly p: number
  readonly verdict: 'worse' | 'better' | 'same' | 'not known'
}

export interface Comparison {
  /** False: of another machine or Node, or measured at another scale. */
  readonly judged: boolean
  readonly notJudged: string | undefined
  readonly changes: readonly Change[]
  readonly appeared: readonly string[]
  readonly disappeared: readonly string[]
}

export interface CompareSettings {
  /** A change of less is none, as a share. */
  readonly threshold: number
  /** Largest probability that chance alone made it. */
  readonly significance: number
}

export const defaultCompare: CompareSettings = { threshold: 0.1, significance: 0.01 }

export function compareReports(
  before: BenchReport,
  after: BenchReport,
  settings: CompareSettings = defaultCompare,
): Comparison {
  const reason = whyNot(before, after)
  const older = keyed(before)
  const newer = keyed(after)
  const pairs = [...newer].flatMap(([key, { suite, row }]) => {
    const old = older.get(key)
    return old === undefined ? [] : [{ key, suite, row, old: old.row }]
  })
  const probabilities = pairs.map(({ row, old }) => {
    const [, now] = primary(row)
    const [, then] = primary(old)
    return now.samples && then.samples ? welch(now.samples, then.samples).p : Number.NaN
  })
  const known = probabilities.flatMap((p, at) => (Number.isNaN(p) ? [] : [at]))
  const corrected = new Array<number>(probabilities.length).fill(Number.NaN)
  for (const [rank, p] of holm(known.map((at) => probabilities[at]!)).entries()) corrected[known[rank]!] = p
  const changes = pairs.map(({ key, suite, row, old }, at) => change(key, suite, row, old, corrected[at]!, settings))
  return {
    judged: reason === undefined,
    notJudged: reason,
    changes: reason === undefined ? changes : [],
    appeared: [...newer.keys()].filter((key) => !older.has(key)),
    disappeared: [...older.keys()].filter((key) => !newer.has(key)),
  }
}

/** A result that is worse for certain, and by enough to matter. */
export function hasRegressed(comparison: Comparison): boolean {
  return comparison.changes.some(({ verdict }) => verdict === 'worse')
}

function whyNot(before: BenchReport, after: BenchReport): string | undefined {
  if (before.environment.machine !== after.environment.machine) {
    return `Not compared: the earlier result is of another machine or Node (${before.environment.cpu}, ${before.environment.node}).`
  }
  if (before.settings.scale !== after.settings.scale) {
    return `Not compared: the earlier result is of another scale (${before.settings.scale}, now ${after.settings.scale}).`
  }
  return undefined
}

function keyed(report: BenchReport): Map<string, { suite: string; row: Row }> {
  return new Map(
    report.suites.flatMap(({ suite, rows }) =>
      rows.map((row) => [`${suite}: ${row.case}, ${row.subject}`, { suite, row }] as const),
    ),
  )
}

const middle = ({ samples, value }: Measure) => (samples && samples.length > 0 ? mean(samples) : value)

function change(key: string, suite: string, row: Row, old: Row, p: number, settings: CompareSettings): Change {
  const [measure, now] = primary(row)
  const [, then] = primary(old)
  const before = middle(then)
  const after = middle(now)
  const ratio = after / before
  const factor = now.better === 'higher' ? 1 / ratio : ratio
  const { threshold, significance } = settings
  const sure = p <= significance
  const verdict =
    now.better === 'neither' || Number.isNaN(p)
      ? 'not known'
      : !sure
        ? 'same'
        : factor > 1 + threshold
          ? 'worse'
          : factor < 1 / (1 + threshold)
            ? 'better'
            : 'same'
  return {
    suite,
    case: row.case,
    subject: row.subject,
    row: key,
    measure,
    unit: now.unit,
    before,
    after,
    factor,
    p,
    verdict,
  }
}
