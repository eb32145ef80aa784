// What suites bring home, in one form for all of them: tables, JSON, comparison and report read nothing else.
// May touch: nothing but types.
import type { Ended } from '../runner/rounds.js'
import type { Environment } from './environment.js'

export type Unit = 'ns' | 'ms' | 'bytes' | '1/s' | 'ratio' | '%' | 'count' | '×'

export interface Measure {
  readonly unit: Unit
  readonly better: 'higher' | 'lower' | 'neither'
  /** Values of single rounds, where there were rounds. `value` is their median then. */
  readonly samples?: readonly number[]
  readonly value: number
}

/** One subject in one case of a suite. */
export interface Row {
  /** What was measured, with all that distinguishes it from the suite's other cases. */
  readonly case: string
  readonly subject: string
  /** Whether it is one of ours, so that reports can tell who is ahead. */
  readonly ours: boolean
  /** The first is what the subjects of a case are compared by. */
  readonly measures: { readonly [name: string]: Measure }
  /** It hands out copies of what it holds, in a case where others hand out references. */
  readonly copies?: boolean
  /** Why measuring ended, where it was repeated until it was sure: then, or because time or rounds were spent. */
  readonly ended?: Ended
  readonly note?: string
}

export interface LineChart {
  readonly title: string
  readonly x: { readonly label: string; readonly log?: boolean }
  readonly y: { readonly label: string; readonly unit: Unit; readonly log?: boolean }
  readonly series: readonly { readonly name: string; readonly points: readonly (readonly [number, number])[] }[]
}

export interface Skipped {
  readonly what: string
  readonly reason: string
}

export interface SuiteResult {
  readonly suite: string
  /** One sentence. */
  readonly title: string
  /** What has to be known to read it. */
  readonly notes: readonly string[]
  readonly rows: readonly Row[]
  readonly charts: readonly LineChart[]
  readonly skipped: readonly Skipped[]
  readonly seconds: number
  /** Why there is nothing, where it ended with an error. */
  readonly failed?: string
}

/** Of `ostraka bench`. */
export interface BenchReport {
  readonly format: 'ostraka-bench'
  readonly version: 1
  readonly environment: Environment
  readonly settings: {
    readonly scale: string
    readonly precision: number
    /** Milliseconds for each comparison. */
    readonly budget: number
    readonly seed: number
    readonly engines: readonly string[]
    readonly rivals: readonly string[]
    readonly threads: readonly number[]
  }
  readonly suites: readonly SuiteResult[]
  readonly seconds: number
}

export function primary(row: Row): readonly [string, Measure] {
  return Object.entries(row.measures)[0]!
}
