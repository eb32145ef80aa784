// What suites have measured, for people, in 80 columns where names allow it. May touch: nothing but its arguments.
import type { Comparison } from '../bench/results/compare.js'
import { type BenchReport, primary, type SuiteResult } from '../bench/results/result.js'
import { showMeasure, showValue } from '../bench/results/show.js'
import { casesOf, standings, sureness, surenessText } from '../bench/results/standing.js'
import { summarize } from '../bench/statistics/samples.js'
import { bold, dim, fields, green, red, table, wrap, yellow } from './text.js'

export function suiteReport(result: SuiteResult): string {
  const { suite, title, notes, skipped, seconds, failed } = result
  const parts = [bold(`${suite}: ${title}`) + dim(`  ${seconds.toFixed(1)} s`)]
  for (const [name, rows] of casesOf(result)) {
    const measures = [...new Set(rows.flatMap((row) => Object.keys(row.measures)))]
    const header = [name, ...measures.map((measure) => `>${measure}`), '>± 95 %']
    const cells = rows.map((row) => {
      const { samples } = primary(row)[1]
      const error = samples && samples.length > 1 ? summarize(samples).relativeError : Number.NaN
      return [
        `  ${row.ours ? bold(row.subject) : row.subject}`,
        ...measures.map((measure) => (row.measures[measure] ? showMeasure(row.measures[measure]) : '')),
        Number.isFinite(error) ? `${(error * 100).toFixed(1)} %` : '',
      ]
    })
    parts.push(table(header, cells))
    for (const { subject, note } of rows) if (note) parts.push(wrap(`  ${subject}: ${note}`, 80).map(dim).join('\n'))
  }
  if (failed !== undefined) parts.push(red(`Failed: ${failed}`))
  for (const { what, reason } of skipped) parts.push(wrap(`Left out: ${what}: ${reason}`, 80).map(yellow).join('\n'))
  const sure = sureness(result)
  if (sure) parts.push(dim(wrap(surenessText(sure), 80).join('\n')))
  for (const note of notes) parts.push(wrap(note, 80).map(dim).join('\n'))
  return `${parts.join('\n')}\n`
}

/** Where ours is ahead of rivals and where behind, in numbers. */
export function standingsReport(report: BenchReport): string {
  if (report.settings.scale === 'smoke') {
    const failed = report.suites.filter((suite) => suite.failed !== undefined).map(({ suite }) => suite)
    return failed.length > 0
      ? red(`Failed: ${failed.join(', ')}\n`)
      : 'Every suite asked for runs. Figures of so small counts mean nothing.\n'
  }
  const all = standings(report).filter(({ sure }) => sure)
  if (all.length === 0) return ''
  const behind = all.filter(({ factor }) => factor < 1).sort((a, b) => a.factor - b.factor)
  const rows = behind
    .slice(0, 20)
    .map(({ suite, case: name, ours, rival, factor, measure }) => [
      red(`${(1 / factor).toFixed(2)}× behind`),
      rival.subject,
      `${suite}: ${name}, ${measure}`,
      dim(ours.subject),
    ])
  const more = behind.length > 20 ? `\n… and ${behind.length - 20} more (--json, --html)` : ''
  const head = bold(`Ahead in ${all.length - behind.length} of ${all.length} comparisons with rivals.`)
  return behind.length === 0 ? `${head}\n` : `${head} Behind in:\n${table(['', '', '', ''], rows).trimStart()}${more}\n`
}

export function environmentLine({ environment, settings, seconds }: BenchReport): string {
  const { ostraka, commit, node, cpu, cores, loadAverage } = environment
  const load =
    loadAverage > cores * 0.5 ? yellow(`load ${loadAverage.toFixed(1)}: not quiet`) : `load ${loadAverage.toFixed(1)}`
  return `${dim(`ostraka ${ostraka}${commit ? ` (${commit})` : ''} · node ${node} · ${cpu}, ${cores} cores ·`)} ${load} ${dim(`· ${settings.scale} · ${seconds.toFixed(0)} s`)}\n`
}

export function comparisonReport({ judged, notJudged, changes, appeared, disappeared }: Comparison): string {
  if (!judged) return `${yellow(notJudged ?? '')}\n`
  const rows = changes
    .filter(({ verdict }) => verdict === 'worse' || verdict === 'better')
    .map(({ row, measure, factor, p, verdict, before, after, unit }) => [
      verdict === 'worse' ? red('worse') : green('better'),
      `${factor.toFixed(2)}×`,
      `${showValue(before, unit)} → ${showValue(after, unit)}`,
      Number.isNaN(p) ? '' : `p ${p < 0.001 ? '< 0.001' : p.toFixed(3)}`,
      `${row}, ${measure}`,
    ])
  const same = changes.length - rows.length
  const lines = [rows.length > 0 ? table(['', '>', '', '', ''], rows).trimStart() : '']
  const totals: [string, string][] = [
    ['unchanged', `${same} of ${changes.length}: too small a difference, or one that chance may make`],
  ]
  if (appeared.length > 0) totals.push(['new', appeared.join('; ')])
  if (disappeared.length > 0) totals.push(['gone', disappeared.join('; ')])
  return `${bold('Compared with the earlier result:')}\n${lines.concat(fields(totals)).filter(Boolean).join('\n')}\n`
}
