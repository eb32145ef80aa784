// A result as a page of the documentation: where we lose first, then every table. May touch: nothing outside its arguments.
import { summarize } from '../statistics/samples.js'
import { type BenchReport, primary, type Row, type SuiteResult } from './result.js'
import { showMeasure } from './show.js'
import { casesOf, type Standing, standings, sureness, surenessText } from './standing.js'

export function markdownReport(report: BenchReport): string {
  const { environment: where, settings } = report
  const lines = [
    '# Benchmarks',
    '',
    'Written by `ostraka bench --markdown`, from results as they came; nothing here is edited by hand. [How to read and repeat them](bench.md).',
    '',
    `Measured ${where.date.slice(0, 10)} with ostraka ${where.ostraka}${where.commit ? ` (commit ${where.commit})` : ''} on Node ${where.node}, ` +
      `${where.cpu}, ${where.cores} cores, ${Math.round(where.memoryBytes / 2 ** 30)} GiB; load ${where.loadAverage.toFixed(1)} when it began. ` +
      `Scale ${settings.scale}, wanted precision ±${settings.precision * 100} %, seed ${settings.seed}.`,
    '',
    ...whereWeLose(standings(report)),
  ]
  for (const suite of report.suites) lines.push(...section(suite))
  return `${lines.join('\n').trimEnd()}\n`
}

function whereWeLose(all: readonly Standing[]): string[] {
  const sure = all.filter((standing) => standing.sure)
  if (sure.length === 0) return []
  const behind = sure.filter(({ factor }) => factor < 1).sort((a, b) => a.factor - b.factor)
  const open = all.length - sure.length
  const head = `Ahead in ${sure.length - behind.length} of ${sure.length} comparisons with rivals${open > 0 ? `; ${open} more are too close to call` : ''}.`
  if (behind.length === 0) return ['## Where we lose', '', `${head} Behind in none of them.`, '']
  return [
    '## Where we lose',
    '',
    `${head} Behind in these:`,
    '',
    '| suite | case | rival | it is better by | ours | theirs |',
    '| --- | --- | --- | --: | --: | --: |',
    ...behind.map(({ suite, case: name, rival, ours, factor }) => {
      const value = (row: Row) => showMeasure(primary(row)[1])
      return `| ${suite} | ${name} | ${rival.subject} | ${(1 / factor).toFixed(2)}× | ${value(ours)} (${ours.subject}) | ${value(rival)} |`
    }),
    '',
  ]
}

function section(result: SuiteResult): string[] {
  const lines = [`## ${result.suite}: ${result.title}`, '']
  const sure = sureness(result)
  if (sure) lines.push(surenessText(sure), '')
  for (const note of result.notes) lines.push(note, '')
  if (result.failed !== undefined) lines.push(`Failed: ${result.failed}`, '')
  for (const { what, reason } of result.skipped) lines.push(`Left out: ${what}: ${reason}`, '')
  for (const [name, rows] of casesOf(result)) {
    const measures = [...new Set(rows.flatMap((row) => Object.keys(row.measures)))]
    lines.push(
      `| ${name} | ${measures.join(' | ')} | ± 95 % |`,
      `| --- | ${measures.map(() => '--: | ').join('')}--: |`,
    )
    for (const row of rows) {
      const cells = measures.map((measure) => (row.measures[measure] ? showMeasure(row.measures[measure]) : ''))
      const { samples } = primary(row)[1]
      const error = samples && samples.length > 1 ? `${(summarize(samples).relativeError * 100).toFixed(1)} %` : ''
      lines.push(`| ${row.ours ? `**${row.subject}**` : row.subject} | ${cells.join(' | ')} | ${error} |`)
    }
    lines.push('')
  }
  return lines
}
