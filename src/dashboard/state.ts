// What the page shows, measured once a second for all who look: rates and latencies of that second, what the memory is full of, what is hot, what was slow.
// Keeps the last minutes for those who come later. Touches the cache, reading.
import { createHash, randomBytes } from 'node:crypto'
import type { Heat, HotKey } from '../cache/heat.js'
import type { CacheStats } from '../cache/stats.js'
import { monotonicMs } from '../stats/clock.js'
import type { CacheEvent } from '../stats/events.js'
import { countsSince, middleOf, quantileOf, timedKinds } from '../stats/histogram.js'
import type { Observed } from '../stats/observed.js'
import type { ShardMap } from '../stats/occupancy.js'
import { evictedOf, shareOf, type Totals, totalsSince } from '../stats/totals.js'

/** As much of a cache as the page needs. */
export interface WatchedCache {
  readonly name: string
  stats(): CacheStats
  hotKeys(count: number): HotKey[]
  hotNamespaces(count: number): Heat[]
  hotTags(count: number): Heat[]
  recentEvents(limit: number): CacheEvent[]
  metrics(): string
  statsLevel: CacheStats['level']
}

export interface Watched {
  readonly cache: WatchedCache
  readonly observed: Observed
  readonly totals: () => Totals
  readonly slices: () => number[]
}

/** One second. */
export interface Point {
  /** In ms since 1970. */
  readonly at: number
  readonly hitRatio: number
  readonly nearRatio: number
  readonly gets: number
  readonly sets: number
  readonly deletes: number
  readonly loads: number
  readonly evictions: number
  readonly savedMs: number
  /** Milliseconds; null where nothing was timed in this second. */
  readonly p50: number | null
  readonly p99: number | null
  readonly loadP99: number | null
  readonly liveBytes: number
  readonly deadBytes: number
  readonly freeBytes: number
  readonly size: number
  /** How many of what was timed took so long: cells of a heatmap, from 32 ns on, two for each doubling. */
  readonly times: readonly number[]
  /** How often each slice of the key space was used. */
  readonly slices: readonly number[]
}

/** What is as it is now. */
export interface Present {
  readonly stats: CacheStats
  readonly keys: readonly HotKey[]
  readonly namespaces: readonly Heat[]
  readonly tags: readonly Heat[]
  readonly events: readonly CacheEvent[]
  readonly shards: readonly MapRow[]
  readonly redacted: boolean
  readonly mayChange: boolean
}

/** A shard's segments, one character for each: what it is used for (0 free, 1 open, 2 small, 3 main, 4 drained, 5 chain), and how full of live records, 0 to 9. */
export interface MapRow {
  readonly kinds: string
  readonly live: string
}

const MOST_POINTS = 300
const MOST_SHARDS = 16
const MOST_CELLS = 512
const CELLS = 44

export class DashboardState {
  readonly #watched: Watched
  readonly #redact: boolean
  readonly #mayChange: boolean
  /** Hashes of keys tell them apart and cannot be looked up. */
  readonly #salt = randomBytes(16)
  readonly #points: Point[] = []
  #totals: Totals
  #slices: number[]
  #histograms: (Float64Array | undefined)[]
  #at = monotonicMs()

  constructor(watched: Watched, redact: boolean, mayChange: boolean) {
    this.#watched = watched
    this.#redact = redact
    this.#mayChange = mayChange
    this.#totals = watched.totals()
    this.#slices = watched.slices()
    this.#histograms = this.#readHistograms()
  }

  get points(): readonly Point[] {
    return this.#points
  }

  /** Measures the time since the last call. */
  tick(): Point {
    const { observed, totals: read, slices: readSlices, cache } = this.#watched
    const now = monotonicMs()
    const seconds = Math.max((now - this.#at) / 1000, 0.001)
    const totals = read()
    const since = totalsSince(totals, this.#totals)
    const slices = readSlices()
    const histograms = this.#readHistograms()
    const [get, set] = histograms.map((counts, kind) => counts && countsSince(counts, this.#histograms[kind]))
    const load = histograms[3] && countsSince(histograms[3], this.#histograms[3])
    const memory = observed.occupancy()
    const rate = (count: number) => count / seconds
    const lookups = since.hits + since.misses
    const point: Point = {
      at: Date.now(),
      hitRatio: shareOf(since.hits, lookups),
      nearRatio: shareOf(since.nearHits, lookups),
      gets: rate(lookups),
      sets: rate(since.stored),
      deletes: rate(since.deleted + since.taken),
      loads: rate(since.loads),
      evictions: rate(evictedOf(since)),
      savedMs: rate(since.savedMs),
      p50: milliseconds(get, 0.5),
      p99: milliseconds(get, 0.99),
      loadP99: milliseconds(load, 0.99),
      liveBytes: memory.liveBytes,
      deadBytes: memory.deadBytes,
      freeBytes: memory.freeBytes,
      size: cache.stats().size,
      times: cellsOf([get, set]),
      slices: slices.map((count, slice) => (count - (this.#slices[slice] ?? 0)) >>> 0),
    }
    this.#at = now
    this.#totals = totals
    this.#slices = slices
    this.#histograms = histograms
    this.#points.push(point)
    if (this.#points.length > MOST_POINTS) this.#points.shift()
    return point
  }

  present(): Present {
    const { cache, observed } = this.#watched
    return {
      stats: cache.stats(),
      keys: cache.hotKeys(20).map((hot) => ({ ...hot, key: this.#shown(hot.key) })),
      namespaces: cache.hotNamespaces(10),
      tags: cache.hotTags(10).map((hot) => ({ ...hot, name: this.#shown(hot.name) })),
      events: cache.recentEvents(30).map((event) => ({ ...event, key: this.#shownOf(event) })),
      shards: observed.map().slice(0, MOST_SHARDS).map(mapRow),
      redacted: this.#redact,
      mayChange: this.#mayChange,
    }
  }

  #shownOf({ type, key }: CacheEvent): string {
    return type === 'level' || type === 'clear' ? key : this.#shown(key)
  }

  #shown(key: string): string {
    if (!this.#redact) return key
    return `#${createHash('sha256').update(this.#salt).update(key).digest('hex').slice(0, 10)}`
  }

  #readHistograms(): (Float64Array | undefined)[] {
    return timedKinds.map((_, kind) => this.#watched.observed.histograms.read(kind))
  }
}

function milliseconds(counts: Float64Array | undefined, quantile: number): number | null {
  const nanoseconds = counts === undefined ? Number.NaN : quantileOf(counts, quantile)
  return Number.isNaN(nanoseconds) ? null : nanoseconds / 1e6
}

function cellsOf(all: readonly (Float64Array | undefined)[]): number[] {
  const cells = new Array<number>(CELLS).fill(0)
  for (const counts of all) {
    counts?.forEach((count, bucket) => {
      if (count === 0) return
      const cell = Math.floor(2 * Math.log2(Math.max(32, middleOf(bucket)) / 32))
      const at = Math.min(CELLS - 1, cell)
      cells[at] = (cells[at] as number) + count
    })
  }
  return cells
}

function mapRow({ kinds, live }: ShardMap): MapRow {
  // A shard of many segments is shown by every second, third, … of them.
  const step = Math.ceil(kinds.length / MOST_CELLS)
  const some = kinds.flatMap((_, at) => (at % step === 0 ? [at] : []))
  return {
    kinds: some.map((at) => kinds[at]).join(''),
    live: some.map((at) => Math.min(9, Math.floor((live[at] ?? 0) * 10))).join(''),
  }
}
