// What a suite is: a named set of cases, run at one of three sizes. May touch: nothing but types and arithmetic.

import type { LineChart, Measure, Row, Skipped, SuiteResult, Unit } from '../results/result.js'
import type { Field } from '../rivals/all.js'
import type { EngineName } from '../rivals/ostraka.js'
import { median } from '../statistics/samples.js'

/** Tiny, to prove that it runs; minutes for all; as long as it takes to be sure. */
export type Scale = 'smoke' | 'quick' | 'full'

export interface SuiteContext {
  readonly scale: Scale
  /** Wanted half-width of confidence intervals, as a share. */
  readonly precision: number
  /** Milliseconds for each comparison. */
  readonly budget: number
  readonly seed: number
  readonly engines: readonly EngineName[]
  readonly field: Field
  readonly threads: readonly number[]
  /** Trace files, for the suite that replays them. */
  readonly traces: readonly string[]
  /** What is being done, and how far the suite is (0 to 1). */
  tell(what: string, done: number): void
}

export interface Findings {
  readonly rows: readonly Row[]
  readonly notes?: readonly string[]
  readonly charts?: readonly LineChart[]
  readonly skipped?: readonly Skipped[]
}

export interface Suite {
  readonly name: string
  /** One sentence, as a heading. */
  readonly title: string
  run(context: SuiteContext): Promise<Findings>
}

export function at<T>({ scale }: { readonly scale: Scale }, smoke: T, quick: T, full: T): T {
  return { smoke, quick, full }[scale]
}

/** Several values of one thing: their median, and they themselves for comparison. */
export function sampled(samples: readonly number[], unit: Unit, better: Measure['better']): Measure {
  return { unit, better, value: median(samples), samples }
}

export function single(value: number, unit: Unit, better: Measure['better'] = 'neither'): Measure {
  return { unit, better, value }
}

/** Runs a suite and adds who it was and how long it took. */
export async function runSuite(suite: Suite, context: SuiteContext): Promise<SuiteResult> {
  const begun = performance.now()
  const { rows, notes = [], charts = [], skipped = [] } = await suite.run(context)
  const seconds = (performance.now() - begun) / 1000
  return { suite: suite.name, title: suite.title, notes, rows, charts, skipped, seconds }
}
