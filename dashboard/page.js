// The live page: follows the stream of one cache and shows it. Touches the page; sends nothing but the level that its user chooses.
import { heatmap, Lines, segmentMap, uses } from '/charts.js'

const MOST_POINTS = 300
const byId = (id) => document.getElementById(id)
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const percent = (share) => `${(share * 100).toFixed(1)} %`
const milliseconds = (ms) => {
  if (ms === null || ms === undefined) return '–'
  if (ms < 0.001) return `${Math.round(ms * 1e6)} ns`
  if (ms < 1) return `${Number((ms * 1000).toPrecision(3))} µs`
  return ms < 1000 ? `${Number(ms.toPrecision(3))} ms` : `${Number((ms / 1000).toPrecision(3))} s`
}
const bytes = (count) => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const unit = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, count)) / 10)))
  return `${Number((count / 1024 ** unit).toPrecision(3))} ${units[unit]}`
}

let points = []
let present
let isPaused = false
let level

let charts
applyTheme(localStorage.getItem('theme') ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'))

charts = [
  new Lines(
    byId('ratio'),
    [
      { label: 'all', color: '--one', fill: true, value: ({ hitRatio }) => hitRatio },
      { label: 'near', color: '--two', value: ({ nearRatio }) => nearRatio },
    ],
    { format: percent, range: () => [0, 1] },
  ),
  new Lines(
    byId('rates'),
    [
      { label: 'get', color: '--one', value: ({ gets }) => gets },
      { label: 'set', color: '--two', value: ({ sets }) => sets },
      { label: 'load', color: '--three', value: ({ loads }) => loads },
      { label: 'evicted', color: '--four', value: ({ evictions }) => evictions },
    ],
    { format: (value) => short.format(value) },
  ),
  new Lines(
    byId('latency'),
    [
      { label: 'get p50', color: '--one', value: ({ p50 }) => p50 },
      { label: 'get p99', color: '--two', value: ({ p99 }) => p99 },
      { label: 'load p99', color: '--three', value: ({ loadP99 }) => loadP99 },
    ],
    { format: milliseconds, log: true },
  ),
  new Lines(
    byId('memory'),
    [
      { label: 'live', color: '--three', fill: true, value: ({ liveBytes }) => liveBytes },
      { label: 'dead', color: '--two', value: ({ deadBytes }) => deadBytes },
      { label: 'free', color: '--one', value: ({ freeBytes }) => freeBytes },
    ],
    { format: bytes },
  ),
]

byId('legend').replaceChildren(
  ...uses.map(({ name, color }) => {
    const square = document.createElement('i')
    square.style.background = `var(${color})`
    const item = document.createElement('span')
    item.append(square, name)
    return item
  }),
)

// What scrolls by itself is reached by the keyboard, too.
for (const box of document.querySelectorAll('.scroll')) {
  box.tabIndex = 0
  box.setAttribute('role', 'region')
  box.setAttribute('aria-label', `${box.parentElement.querySelector('h2').textContent}, table`)
}

byId('pause').addEventListener('click', pause)
byId('theme').addEventListener('click', () =>
  applyTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'),
)
byId('level').addEventListener('change', setLevel)
addEventListener('keydown', ({ key, target, ctrlKey, metaKey, altKey }) => {
  if (ctrlKey || metaKey || altKey || target.closest('select, input')) return
  if (key === 'p') pause()
  if (key === 't') byId('theme').click()
})
addEventListener('resize', () => present && draw())

follow()

function follow() {
  const stream = new EventSource('/api/stream')
  stream.addEventListener('whole', ({ data }) => {
    const whole = JSON.parse(data)
    points = whole.points
    byId('name').textContent = whole.name
    document.title = `${whole.name} · Ostraka`
    take(whole.present)
  })
  stream.addEventListener('second', ({ data }) => {
    const { point, present: now } = JSON.parse(data)
    points = [...points, point].slice(-MOST_POINTS)
    take(now)
  })
  stream.addEventListener('error', () => say('not connected; trying again'))
}

function take(now) {
  present = now
  say(
    isPaused
      ? 'paused'
      : `live · level ${now.stats.level} · engine ${now.stats.engine}${now.redacted ? ' · keys hidden' : ''}`,
  )
  if (!isPaused) draw()
}

function say(text) {
  if (byId('status').textContent !== text) byId('status').textContent = text
}

function draw() {
  const { stats } = present
  const last = points.at(-1)
  cards(stats, last)
  for (const chart of charts) chart.show(points)
  heatmap(byId('times'), points, ({ times }) => times)
  heatmap(byId('slices'), points, ({ slices }) => slices)
  map()
  tables(stats)
  const select = byId('level')
  select.disabled = !present.mayChange
  select.title = present.mayChange ? '' : 'Changes need a page that is served with a token'
  if (level !== stats.level) select.value = level = stats.level
}

function cards(stats, last) {
  const all = [
    ['Hit ratio', last === undefined ? '–' : percent(last.hitRatio), `${percent(stats.hitRatio)} since the beginning`],
    ['Gets a second', last === undefined ? '–' : short.format(last.gets), ''],
    ['Get, p99', milliseconds(last?.p99), `p50 ${milliseconds(last?.p50)}`],
    ['Entries', short.format(stats.size), ''],
    ['Live', bytes(stats.memory.liveBytes), `of ${bytes(stats.maxBytes)}`],
    [
      'Time saved',
      `${short.format(stats.worth.timeSavedSeconds)} s`,
      `${short.format(stats.worth.queriesAvoided)} loads avoided`,
    ],
  ]
  byId('cards').replaceChildren(
    ...all.map(([title, value, more]) => {
      const card = document.createElement('div')
      const term = document.createElement('dt')
      term.textContent = title
      const figure = document.createElement('dd')
      const small = document.createElement('small')
      small.textContent = more
      figure.append(value, ' ', small)
      card.append(term, figure)
      return card
    }),
  )
}

function map() {
  const place = byId('map')
  while (place.children.length > present.shards.length) place.lastChild.remove()
  while (place.children.length < present.shards.length) {
    const canvas = document.createElement('canvas')
    canvas.setAttribute('role', 'img')
    canvas.setAttribute('aria-label', `Segments of shard ${place.children.length + 1}`)
    place.append(canvas)
  }
  for (const [index, shard] of present.shards.entries()) segmentMap(place.children[index], shard)
}

function tables(stats) {
  const named = ({ key, namespace }) => (namespace === undefined ? key : `${namespace} › ${key}`)
  const heat = [
    ['Uses/s', ({ perSecond }) => short.format(perSecond)],
    ['Saves ms/s', ({ savedMsPerSecond }) => short.format(savedMsPerSecond)],
  ]
  table('keys', present.keys, [
    ['Key', named],
    ...heat,
    ['Size', (hot) => (hot.bytes === undefined ? '–' : bytes(hot.bytes))],
  ])
  table('namespaces', present.namespaces, [['Namespace', ({ name }) => name], ...heat])
  table('tags', present.tags, [['Tag', ({ name }) => name], heat[0]])
  table('events', present.events, [
    [
      'Event',
      (event) => [event.type, event.operation === event.type ? undefined : event.operation].filter(Boolean).join(' '),
    ],
    ['Took', (event) => (event.milliseconds === 0 ? '' : milliseconds(event.milliseconds))],
    ['Key', named],
    ['Ago', ({ at }) => `${Math.max(0, Math.round((Date.now() - at) / 1000))} s`],
    ['Thread', ({ thread }) => String(thread)],
  ])
  const rows = (object) => Object.entries(object).filter(([, value]) => typeof value !== 'object' || value === null)
  const owners = stats.owners?.threads ?? []
  const ownerColumns =
    owners.length === 0 ? [] : rows(owners[0]).map(([name]) => [name, (owner) => String(owner[name])])
  table('owners', owners, [...(ownerColumns.length === 0 ? [['Owner', () => '']] : ownerColumns)])
  const shown = (value) => (value === undefined ? '–' : String(value))
  table('policy', stats.policy.shards, [
    ['Shard', (_, index) => String(index)],
    ['Mode', ({ mode }) => `${mode}${stats.policy.option === 'adaptive' ? '' : ' (fixed)'}`],
    ['Switches', ({ choosing }) => shown(choosing?.switches)],
    ['Sampled requests', ({ choosing }) => (choosing === undefined ? '–' : short.format(choosing.requests))],
    ['Best rival', ({ mode, choosing }) => bestRival(mode, choosing)],
  ])
  const totals = {
    hits: stats.hits,
    'near hits': stats.tiers.near.hits,
    misses: stats.misses,
    stored: stats.sets.stored,
    dropped: stats.drops.tooLarge + stats.drops.noRoom + stats.drops.paused + stats.drops.notWanted,
    evicted: stats.evicted,
    expired: stats.expired,
    invalidated: stats.loads.invalidated,
    loads: stats.loads.started,
    'loads failed': stats.loads.failed,
    'callers who waited': stats.loads.waited,
    promoted: stats.upkeep.promoted,
    'segments compacted': stats.upkeep.segmentsCompacted,
  }
  table('totals', Object.entries(totals), [
    ['What', ([name]) => name],
    ['How many', ([, count]) => count.toLocaleString('en')],
  ])
}

/** The candidate that is ahead of the mode in force, or least behind it, and how sure its lead is. */
function bestRival(mode, choosing) {
  const rivals = (choosing?.rivals ?? []).filter((rival) => rival.mode !== mode)
  const [best] = rivals.toSorted((a, b) => b.standardErrors - a.standardErrors)
  return best === undefined ? '–' : `${best.mode}, ${(best.standardErrors ?? 0).toFixed(1)} standard errors`
}

/** Only text goes into the cells: keys may hold anything. */
function table(id, rows, columns) {
  const cell = (tag, text, at) => {
    const made = document.createElement(tag)
    made.textContent = text
    if (tag === 'th') made.scope = 'col'
    if (at > 0 && /^[\d.,–-]/.test(text)) made.className = 'number'
    return made
  }
  const head = document.createElement('tr')
  head.append(...columns.map(([title], at) => cell('th', title, at)))
  const body = rows.map((row, index) => {
    const line = document.createElement('tr')
    line.append(...columns.map(([, show], at) => cell('td', show(row, index), at)))
    return line
  })
  if (body.length === 0) {
    const none = document.createElement('tr')
    const only = cell('td', 'none yet', 0)
    only.colSpan = columns.length
    none.append(only)
    body.push(none)
  }
  const [thead, tbody] = [document.createElement('thead'), document.createElement('tbody')]
  thead.append(head)
  tbody.append(...body)
  byId(id).replaceChildren(thead, tbody)
}

function pause() {
  isPaused = !isPaused
  const button = byId('pause')
  button.textContent = isPaused ? 'Go on' : 'Pause'
  button.setAttribute('aria-pressed', String(isPaused))
  if (present !== undefined) take(present)
}

function applyTheme(theme) {
  document.documentElement.dataset.theme = theme
  localStorage.setItem('theme', theme)
  byId('theme').textContent = theme === 'dark' ? 'Light' : 'Dark'
  for (const chart of charts ?? []) chart.restyle()
  if (present !== undefined) draw()
}

async function setLevel({ target }) {
  const answer = await fetch('/api/level', { method: 'POST', body: target.value })
  if (answer.ok) return
  say(await answer.text())
  target.value = level
}
