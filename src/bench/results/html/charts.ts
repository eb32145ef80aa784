// Plots as SVG within the page. May touch: nothing outside its arguments.
import { summarize } from '../../statistics/samples.js'
import { type LineChart, primary, type Row, type Unit } from '../result.js'
import { showValue } from '../show.js'
import { escaped } from './escaped.js'

const width = 480
/** Over so many times between shortest and longest, bars are drawn on a logarithmic scale. */
const logFrom = 25

/** One bar for each subject, with its confidence interval, best on top. */
export function barChart(rows: readonly Row[]): string {
  const bars = rows
    .map((row) => ({ row, measure: primary(row)[1] }))
    .filter(({ measure }) => Number.isFinite(measure.value) && measure.value >= 0)
  if (bars.length === 0) return ''
  const better = bars[0]!.measure.better
  bars.sort((a, b) => (better === 'higher' ? b.measure.value - a.measure.value : a.measure.value - b.measure.value))
  const left = Math.min(190, 12 + 6.7 * Math.max(...bars.map(({ row }) => row.subject.length)))
  const right = 88
  const room = width - left - right
  const height = 23
  const values = bars.map(({ measure }) => measure.value)
  const most = Math.max(...values)
  const least = Math.min(...values.filter((value) => value > 0), most)
  const log = most / least > logFrom
  // A logarithmic bar has no natural beginning: it starts a little below the shortest.
  const from = least / 2
  const length = (value: number) =>
    most <= 0
      ? 0
      : log
        ? (room * Math.log(Math.max(value, from) / from)) / Math.log(most / from)
        : (room * value) / most
  const parts = bars.map(({ row, measure }, at) => {
    const y = at * height
    const shown = showValue(measure.value, measure.unit)
    const fill = `var(--${row.ours ? 'ours' : 'rival'}${row.copies ? '-soft' : ''})`
    const long = Math.max(1.5, length(measure.value))
    const summary = measure.samples && measure.samples.length > 1 ? summarize(measure.samples) : undefined
    const interval = summary && Number.isFinite(summary.relativeError) ? summary : undefined
    const title = interval
      ? `${row.subject}: ${shown}; mean between ${showValue(Math.max(0, interval.low), measure.unit)} and ${showValue(interval.high, measure.unit)} with 95 % confidence, ${interval.count} rounds`
      : `${row.subject}: ${shown}`
    const end = interval ? Math.min(length(interval.high), room * 1.04) : 0
    const whisker = interval
      ? `<line x1="${round(left + length(Math.max(interval.low, 0)))}" x2="${round(left + end)}" y1="${y + 10}" y2="${y + 10}" stroke="var(--ink)" stroke-width="1.4" opacity="0.65"/>`
      : ''
    return `<g><title>${escaped(title)}</title><text x="${left - 8}" y="${y + 14}" text-anchor="end"${row.ours ? ' class="ours"' : ''}>${escaped(row.subject)}</text><rect x="${left}" y="${y + 3}" width="${round(long)}" height="14" rx="3" fill="${fill}"/>${whisker}<text x="${round(left + Math.max(long, end) + 6)}" y="${y + 14}">${escaped(shown)}</text></g>`
  })
  const note = `${better === 'lower' ? 'shorter is better' : better === 'higher' ? 'longer is better' : ''}${log ? '; logarithmic' : ''}`
  const tall = bars.length * height + 14
  return `<svg viewBox="0 0 ${width} ${tall}" role="img">${parts.join('')}<text class="quiet" x="${left}" y="${tall - 1}">${note}</text></svg>`
}

/** Places for marks on an axis: round numbers, or powers. */
export function ticks(from: number, to: number, log: boolean): number[] {
  if (log) {
    const found: number[] = []
    const decades = Math.log10(to / from)
    const steps = decades > 6 ? [1] : decades > 2 ? [1, 3] : [1, 2, 5]
    for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power++) {
      for (const step of steps) {
        const tick = step * 10 ** power
        if (tick >= from * 0.999 && tick <= to * 1.001) found.push(tick)
      }
    }
    return found
  }
  const rough = (to - from) / 5 || 1
  const size = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((times) => times * size).find((candidate) => candidate >= rough)!
  const found: number[] = []
  for (let tick = Math.ceil(from / step) * step; tick <= to + step / 1e6; tick += step)
    found.push(Number(tick.toPrecision(12)))
  return found
}

/** Lines over an axis, with a legend below. */
export function lineChart({ title, x, y, series }: LineChart): string {
  const shown = series
    .map(({ name, points }) => ({
      name,
      points: points.filter(
        ([a, b]) => Number.isFinite(a) && Number.isFinite(b) && !(x.log && a <= 0) && !(y.log && b <= 0),
      ),
    }))
    .filter(({ points }) => points.length > 0)
  if (shown.length === 0) return ''
  const all = shown.flatMap(({ points }) => points)
  const bounds = (at: 0 | 1, log: boolean): [number, number] => {
    const values = all.map((point) => point[at])
    const least = Math.min(...values)
    const most = Math.max(...values)
    if (log) return [least === most ? least / 2 : least, least === most ? most * 2 : most]
    const from = at === 1 && least >= 0 ? 0 : least
    return [from, most === from ? from + 1 : most + (at === 1 ? (most - from) * 0.05 : 0)]
  }
  const [left, top, right, bottom, tall] = [62, 10, 14, 40, 250]
  const [xFrom, xTo] = bounds(0, x.log ?? false)
  const [yFrom, yTo] = bounds(1, y.log ?? false)
  const share = (value: number, from: number, to: number, log: boolean) =>
    log ? Math.log(value / from) / Math.log(to / from) : (value - from) / (to - from)
  const px = (value: number) => round(left + (width - left - right) * share(value, xFrom, xTo, x.log ?? false))
  const py = (value: number) => round(tall - bottom - (tall - top - bottom) * share(value, yFrom, yTo, y.log ?? false))
  const grid = ticks(yFrom, yTo, y.log ?? false).map(
    (tick) =>
      `<line x1="${left}" x2="${width - right}" y1="${py(tick)}" y2="${py(tick)}" stroke="var(--grid)"/><text class="quiet" x="${left - 6}" y="${py(tick) + 4}" text-anchor="end">${escaped(axisLabel(tick, y.unit))}</text>`,
  )
  const along = [...new Set(all.map(([a]) => a))].sort((a, b) => a - b)
  const marks = along.length <= 10 ? along : ticks(xFrom, xTo, x.log ?? false)
  const below = marks.map(
    (tick) =>
      `<text class="quiet" x="${px(tick)}" y="${tall - bottom + 16}" text-anchor="middle">${escaped(axisLabel(tick, 'count'))}</text>`,
  )
  const lines = shown.map(({ name, points }, at) => {
    const colour = `var(--s${(at % 8) + 1})`
    const dash = at >= 8 ? ' stroke-dasharray="5 3"' : ''
    const path = points.map(([a, b], step) => `${step === 0 ? 'M' : 'L'}${px(a)} ${py(b)}`).join('')
    const dots =
      points.length <= 24
        ? points.map(
            ([a, b]) =>
              `<circle cx="${px(a)}" cy="${py(b)}" r="3" fill="${colour}"><title>${escaped(`${name}, ${x.label} ${axisLabel(a, 'count')}: ${showValue(b, y.unit)}`)}</title></circle>`,
          )
        : []
    return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>${dots.join('')}`
  })
  const legend = shown.map(
    ({ name }, at) => `<span><i style="background:var(--s${(at % 8) + 1})"></i>${escaped(name)}</span>`,
  )
  return `<h3>${escaped(title)}</h3><svg viewBox="0 0 ${width} ${tall}" role="img" aria-label="${escaped(title)}">${grid.join('')}${below.join('')}<line x1="${left}" x2="${width - right}" y1="${tall - bottom}" y2="${tall - bottom}" stroke="var(--line)"/>${lines.join('')}<text class="quiet" x="${(left + width - right) / 2}" y="${tall - 6}" text-anchor="middle">${escaped(x.label)}${x.log ? ' (logarithmic)' : ''}</text></svg><div class="legend">${legend.join('')}</div>`
}

function axisLabel(value: number, unit: Unit): string {
  if (unit !== 'count') return showValue(value, unit)
  if (Math.abs(value) >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`
  return Math.abs(value) >= 1e4 ? `${Number((value / 1e3).toPrecision(3))} k` : String(Number(value.toPrecision(4)))
}

/** A line as high as text, for how one figure went over earlier results. */
export function sparkline(values: readonly number[]): string {
  if (values.length < 2) return ''
  const [wide, tall] = [90, 20]
  const least = Math.min(...values)
  const span = Math.max(...values) - least || 1
  const points = values.map((value, at) => [
    round(2 + ((wide - 4) * at) / (values.length - 1)),
    round(tall - 3 - ((tall - 6) * (value - least)) / span),
  ])
  const [endX, endY] = points.at(-1)!
  return `<svg viewBox="0 0 ${wide} ${tall}" style="width:${wide}px;display:inline-block"><polyline points="${points.map((point) => point.join(',')).join(' ')}" fill="none" stroke="var(--quiet)" stroke-width="1.5"/><circle cx="${endX}" cy="${endY}" r="2.5" fill="var(--ours)"/></svg>`
}

const round = (value: number) => Math.round(value * 10) / 10
