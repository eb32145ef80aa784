// What is drawn: lines over time by uPlot, and heatmaps and maps on canvases of their own. Touches the elements that it is given.
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
// uPlot stands on the page as a script of its own.
const { uPlot } = window

/** A chart of lines over time; `series` are {label, color (a CSS variable), value (of a point), show (a number)}. */
export class Lines {
  #element
  #series
  #options
  #plot
  #points = []

  constructor(element, series, options = {}) {
    this.#element = element
    this.#series = series
    this.#options = options
    new ResizeObserver(() => this.#resize()).observe(element)
    this.restyle()
  }

  /** Colours are those of the theme. */
  restyle() {
    this.#plot?.destroy()
    const axis = { stroke: style('--quiet'), grid: { stroke: style('--line'), width: 1 }, ticks: { show: false } }
    const { format = (value) => String(value), range, log = false } = this.#options
    const lines = this.#series.map(({ label, color, fill }) => ({
      label,
      stroke: style(color),
      width: 2,
      fill: fill ? `${style(color)}22` : undefined,
      spanGaps: true,
      points: { show: false },
      value: (_, value) => (value === null || value === undefined ? '–' : format(value)),
    }))
    const scale = log ? { distr: 3, log: 10 } : { range: range ?? ((_, __, most) => [0, most > 0 ? most * 1.1 : 1]) }
    this.#plot = new uPlot(
      {
        ...this.#size(),
        legend: { live: true },
        cursor: { drag: { x: false, y: false } },
        scales: { x: { time: true }, y: scale },
        axes: [
          axis,
          {
            ...axis,
            size: 62,
            values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : format(tick))),
            // Of a logarithmic scale, powers of ten alone.
            splits: log ? (_, __, least, most) => powersOfTen(least, most) : undefined,
          },
        ],
        series: [{}, ...lines],
      },
      this.#data(),
      this.#element,
    )
  }

  show(points) {
    this.#points = points
    this.#plot.setData(this.#data())
  }

  #data() {
    return [this.#points.map(({ at }) => at / 1000), ...this.#series.map(({ value }) => this.#points.map(value))]
  }

  #size() {
    return { width: Math.max(200, this.#element.clientWidth), height: 180 }
  }

  #resize() {
    this.#plot?.setSize(this.#size())
  }
}

/** Columns are seconds, the newest on the right; rows are cells of a point, the first below. Colours by the square root of the count. */
export function heatmap(canvas, points, cells) {
  const rows = points.map(cells)
  const { context, width, height } = prepared(canvas)
  const columns = Math.max(60, rows.length)
  const most = Math.max(1, ...rows.map((row) => Math.max(...row)))
  const color = style('--heat')
  rows.forEach((row, index) => {
    const x = ((columns - rows.length + index) / columns) * width
    row.forEach((count, cell) => {
      if (count === 0) return
      context.fillStyle = `rgb(${color} / ${Math.max(0.06, Math.sqrt(count / most))})`
      const y = height - ((cell + 1) / row.length) * height
      context.fillRect(x, y, width / columns + 0.5, height / row.length + 0.5)
    })
  })
}

export const uses = [
  { name: 'free', color: '--line' },
  { name: 'open', color: '--four' },
  { name: 'small queue', color: '--one' },
  { name: 'main queue', color: '--three' },
  { name: 'drained', color: '--quiet' },
  { name: 'chain', color: '--two' },
]

/** One square for each segment: its colour is its use, its strength how much of it is live. */
export function segmentMap(canvas, { kinds, live }) {
  const side = 11
  const perRow = Math.max(1, Math.floor(canvas.parentElement.clientWidth / side))
  canvas.style.height = `${Math.ceil(kinds.length / perRow) * side}px`
  const { context } = prepared(canvas)
  const colors = uses.map(({ color }) => style(color))
  for (let at = 0; at < kinds.length; at++) {
    const kind = Number(kinds[at])
    context.globalAlpha = kind === 0 ? 0.5 : 0.3 + 0.07 * Number(live[at])
    context.fillStyle = colors[kind] ?? colors[0]
    context.fillRect((at % perRow) * side, Math.floor(at / perRow) * side, side - 2, side - 2)
  }
  context.globalAlpha = 1
}

function prepared(canvas) {
  const ratio = window.devicePixelRatio || 1
  const { clientWidth: width, clientHeight: height } = canvas
  canvas.width = width * ratio
  canvas.height = height * ratio
  const context = canvas.getContext('2d')
  context.scale(ratio, ratio)
  return { context, width, height }
}

function powersOfTen(least, most) {
  const first = Math.ceil(Math.log10(least))
  return Array.from({ length: Math.max(0, Math.floor(Math.log10(most)) - first + 1) }, (_, i) => 10 ** (first + i))
}
