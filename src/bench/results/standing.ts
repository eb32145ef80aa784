// Who is ahead in each case of a result, ours or a rival, and by how much. May touch: nothing outside its arguments.
import { pairedRatio } from '../statistics/difference.js'
import { type BenchReport, primary, type Row, type SuiteResult } from './result.js'

export interface Standing {
  readonly suite: string
  readonly case: string
  readonly measure: string
  /** The best of ours, and a rival. */
  readonly ours: Row
  readonly rival: Row
  /** How many times better ours is; below 1 it is worse. */
  readonly factor: number
  /** Whether chance alone would rarely make as much of a difference; true where there was nothing to repeat. */
  readonly sure: boolean
}

/** Rows of each case, in the order in which cases came. */
export function casesOf({ rows }: SuiteResult): Map<string, Row[]> {
  const cases = new Map<string, Row[]>()
  for (const row of rows) cases.set(row.case, [...(cases.get(row.case) ?? []), row])
  return cases
}

/** How many cases ended sure enough, and those that did not. Undefined where none was repeated. */
export function sureness(suite: SuiteResult): { readonly sure: number; readonly spent: readonly string[] } | undefined {
  const repeated = [...casesOf(suite)].filter(([, rows]) => rows.some(({ ended }) => ended !== undefined))
  if (repeated.length === 0) return undefined
  const spent = repeated.filter(([, rows]) => rows.some(({ ended }) => ended !== undefined && ended !== 'precise'))
  return { sure: repeated.length - spent.length, spent: spent.map(([name]) => name) }
}

export function surenessText({ sure, spent }: { readonly sure: number; readonly spent: readonly string[] }): string {
  const all = sure + spent.length
  if (spent.length === 0) return `All ${all} cases are as sure as wanted.`
  const names = spent.slice(0, 6).join('; ') + (spent.length > 6 ? '; …' : '')
  return `${sure} of ${all} cases are as sure as wanted; before it was, the budget or the rounds were spent for: ${names}.`
}

/** Copies are compared with copies, and references with references: each is what it is, not a slower form of the other. */
const copies = (row: Row) => row.copies === true

/** Ours against every rival, in every case that has both. */
export function standings(report: Pick<BenchReport, 'suites'>): Standing[] {
  const found: Standing[] = []
  for (const suite of report.suites) {
    for (const [name, rows] of casesOf(suite)) {
      const better = primary(rows[0]!)[1].better
      if (better === 'neither') continue
      for (const rival of rows.filter(({ ours }) => !ours)) {
        const candidates = rows.filter((row) => row.ours && copies(row) === copies(rival))
        const all = candidates.length > 0 ? candidates : rows.filter((row) => row.ours)
        const [first, ...others] = all
        if (first === undefined) continue
        const ours = others.reduce((best, row) => (factorOf(row, best) > 1 ? row : best), first)
        const [measure, value] = primary(ours)
        const other = primary(rival)[1]
        const factor = factorOf(ours, rival)
        if (Number.isNaN(factor) || factor < 0) continue
        const paired = value.samples && other.samples && value.samples.length > 1
        const sure = paired ? pairedRatio(value.samples, other.samples).differs : true
        found.push({ suite: suite.suite, case: name, measure, ours, rival, factor, sure })
      }
    }
  }
  return found
}

function factorOf(one: Row, other: Row): number {
  const a = primary(one)[1]
  const b = primary(other)[1]
  const ratio =
    a.samples && b.samples && a.samples.length > 1 ? pairedRatio(a.samples, b.samples).ratio : a.value / b.value
  return a.better === 'higher' ? ratio : 1 / ratio
}
