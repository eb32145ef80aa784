// A result as one page with plots, to be shown to others: it needs no network and nothing beside itself. May touch: nothing outside its
// arguments.
import { summarize } from '../../statistics/samples.js'
import type { Comparison } from '../compare.js'
import { type BenchReport, primary, type Row, type SuiteResult } from '../result.js'
import { showMeasure, showValue } from '../show.js'
import { casesOf, type Standing, standings, sureness, surenessText } from '../standing.js'
import { barChart, lineChart, sparkline } from './charts.js'
import { escaped } from './escaped.js'
import { style } from './style.js'

export interface HtmlSettings {
  /** Earlier results of the same machine, oldest first. */
  readonly earlier?: readonly BenchReport[]
  readonly comparison?: Comparison | undefined
}

export function htmlReport(report: BenchReport, { earlier = [], comparison }: HtmlSettings = {}): string {
  const { environment: where, settings } = report
  const all = standings(report)
  const body = [
    `<h1>ostraka bench</h1>`,
    `<p class="quiet">${escaped(
      [
        where.date.slice(0, 16).replace('T', ' '),
        `ostraka ${where.ostraka}${where.commit ? ` (${where.commit})` : ''}`,
        `node ${where.node}`,
        where.platform,
        `${where.cpu}, ${where.cores} cores, ${Math.round(where.memoryBytes / 2 ** 30)} GiB`,
      ].join(' · '),
    )}</p>`,
    `<nav>${report.suites.map(({ suite }) => `<a href="#${escaped(suite)}">${escaped(suite)}</a>`).join('')}</nav>`,
    tiles(report, all),
    where.loadAverage > where.cores * 0.5
      ? `<p class="bad">The machine was not quiet when this began (load ${where.loadAverage.toFixed(1)}): trust ratios, not times.</p>`
      : '',
    comparison ? compared(comparison) : '',
    whereWeLose(all),
    ...report.suites.map((suite) => section(suite, report, earlier)),
    `<footer>Settings: scale ${escaped(settings.scale)}, wanted precision ±${settings.precision * 100} %, ${settings.budget} ms for each comparison, seed ${settings.seed}, engines ${escaped(settings.engines.join(', '))}, threads ${settings.threads.join(', ')}. Bars are medians of rounds that ran in turn; the thin line is the 95 % confidence interval of the mean. Made by <code>ostraka bench</code> in ${Math.round(report.seconds)} s.</footer>`,
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ostraka bench, ${escaped(where.date.slice(0, 10))}</title>
<style>${style}</style>
</head>
<body><main>
${body.filter((part) => part !== '').join('\n')}
</main></body>
</html>
`
}

function tiles(report: BenchReport, all: readonly Standing[]): string {
  const sure = all.filter((standing) => standing.sure)
  const ahead = sure.filter(({ factor }) => factor >= 1)
  const rows = report.suites.reduce((sum, { rows }) => sum + rows.length, 0)
  const middle =
    ahead.length > 0 ? ahead.map(({ factor }) => factor).sort((a, b) => a - b)[ahead.length >> 1]! : undefined
  const list: [string, string][] = [
    [`${ahead.length} of ${sure.length}`, 'comparisons with rivals in which ours is ahead'],
    [`${sure.length - ahead.length}`, 'in which it is behind; listed below'],
    [`${all.length - sure.length}`, 'too close to call'],
    ...(middle === undefined ? [] : [[`${middle.toFixed(1)}×`, 'median lead where ahead'] as [string, string]]),
    [`${rows}`, `figures in ${report.suites.length} suite${report.suites.length === 1 ? '' : 's'}`],
  ]
  return `<div class="tiles">${list.map(([big, small]) => `<div class="tile"><b>${escaped(big)}</b><span>${escaped(small)}</span></div>`).join('')}</div>`
}

function whereWeLose(all: readonly Standing[]): string {
  const behind = all.filter(({ sure, factor }) => sure && factor < 1).sort((a, b) => a.factor - b.factor)
  if (behind.length === 0) return ''
  const line = ({ suite, case: name, rival, ours, factor }: Standing) =>
    `<tr><td class="text">${escaped(suite)}</td><td class="text">${escaped(name)}</td><td class="text">${escaped(rival.subject)}</td><td class="bad">${(1 / factor).toFixed(2)}×</td><td>${escaped(showMeasure(primary(ours)[1]))}</td><td>${escaped(showMeasure(primary(rival)[1]))}</td></tr>`
  const table = (list: readonly Standing[]) =>
    `<div class="scroll"><table><tr><th class="text">suite</th><th class="text">case</th><th class="text">rival</th><th>better by</th><th>ours</th><th>theirs</th></tr>${list.map(line).join('')}</table></div>`
  const shown = 12
  const rest = behind.slice(shown)
  const more = rest.length > 0 ? `<details><summary>${rest.length} more</summary>${table(rest)}</details>` : ''
  return `<h2 id="behind">Where a rival is better</h2><div class="cards"><div class="card wide">${table(behind.slice(0, shown))}${more}</div></div>`
}

function compared({ judged, notJudged, changes }: Comparison): string {
  if (!judged) return `<p class="quiet">${escaped(notJudged ?? '')}</p>`
  const moved = changes
    .filter(({ verdict }) => verdict === 'worse' || verdict === 'better')
    .sort((a, b) => b.factor - a.factor)
  const rows = moved.map(
    ({ row, measure, verdict, factor, before, after, unit }) =>
      `<tr><td class="text">${escaped(row)}, ${escaped(measure)}</td><td class="${verdict === 'worse' ? 'bad' : 'good'}">${verdict}</td><td>${(verdict === 'worse' ? factor : 1 / factor).toFixed(2)}×</td><td>${escaped(showValue(before, unit))}</td><td>${escaped(showValue(after, unit))}</td></tr>`,
  )
  const table =
    rows.length === 0
      ? '<p>Nothing has changed for certain, and by enough to matter.</p>'
      : `<div class="scroll"><table><tr><th class="text">figure</th><th></th><th>by</th><th>before</th><th>now</th></tr>${rows.join('')}</table></div>`
  return `<h2>Since the earlier result<small>${changes.length - moved.length} of ${changes.length} unchanged</small></h2><div class="cards"><div class="card wide">${table}</div></div>`
}

function section(suite: SuiteResult, report: BenchReport, earlier: readonly BenchReport[]): string {
  const cards = [...casesOf(suite)].map(([name, rows]) => card(suite.suite, name, rows, report, earlier))
  const charts = suite.charts.map((chart) => `<div class="card">${lineChart(chart)}</div>`)
  const notes = suite.notes.map((note) => `<p class="quiet">${escaped(note)}</p>`)
  const sure = sureness(suite)
  if (sure) notes.unshift(`<p class="quiet">${escaped(surenessText(sure))}</p>`)
  if (suite.failed !== undefined) notes.unshift(`<p class="bad">Failed: ${escaped(suite.failed)}</p>`)
  const skipped = suite.skipped.map(
    ({ what, reason }) => `<p class="quiet">Left out: ${escaped(what)}: ${escaped(reason)}</p>`,
  )
  return `<h2 id="${escaped(suite.suite)}">${escaped(suite.title)}<small>${escaped(suite.suite)}, ${suite.seconds.toFixed(0)} s</small></h2>${notes.join('')}${skipped.join('')}<div class="cards">${charts.join('')}${cards.join('')}</div>`
}

function card(
  suite: string,
  name: string,
  rows: readonly Row[],
  report: BenchReport,
  earlier: readonly BenchReport[],
): string {
  const measures = [...new Set(rows.flatMap((row) => Object.keys(row.measures)))]
  const trends = rows.map((row) => history(suite, row, report, earlier))
  const withTrend = trends.some((trend) => trend !== '')
  const lines = rows.map((row, at) => {
    const { samples } = primary(row)[1]
    const error = samples && samples.length > 1 ? summarize(samples).relativeError : Number.NaN
    const cells = measures.map(
      (measure) => `<td>${row.measures[measure] ? escaped(showMeasure(row.measures[measure])) : ''}</td>`,
    )
    const note = row.note ? `<div class="quiet">${escaped(row.note)}</div>` : ''
    return `<tr${row.ours ? ' class="ours"' : ''}><td>${escaped(row.subject)}${note}</td>${cells.join('')}<td>${Number.isFinite(error) ? `± ${(error * 100).toFixed(1)} %` : ''}</td>${withTrend ? `<td>${trends[at]}</td>` : ''}</tr>`
  })
  const [first] = primary(rows[0]!)
  const table = `<div class="scroll"><table><tr><th></th>${measures.map((measure) => `<th>${escaped(measure)}</th>`).join('')}<th></th>${withTrend ? '<th>history</th>' : ''}</tr>${lines.join('')}</table></div>`
  const chart = barChart(rows)
  const open = measures.length > 2 || withTrend
  // Many measures want the whole width: bars to the left, the table beside them.
  if (measures.length > 4) {
    return `<div class="card wide split"><div><h3>${escaped(name)}: ${escaped(first)}</h3>${chart}</div>${table}</div>`
  }
  return `<div class="card"><h3>${escaped(name)}${measures.length > 1 ? `: ${escaped(first)}` : ''}</h3>${chart}<details${open && rows.length <= 8 ? ' open' : ''}><summary>${measures.length > 1 ? 'All measures' : 'Table'}</summary>${table}</details></div>`
}

function history(suite: string, row: Row, report: BenchReport, earlier: readonly BenchReport[]): string {
  if (earlier.length === 0) return ''
  const values = [...earlier, report].flatMap(({ suites }) => {
    const found = suites
      .find((one) => one.suite === suite)
      ?.rows.find((other) => other.case === row.case && other.subject === row.subject)
    return found ? [primary(found)[1].value] : []
  })
  return sparkline(values)
}
