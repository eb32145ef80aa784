// The observed memory of one cache as this thread sees it: the level, what every thread counts for itself, the histograms, and what the memory of
// the cache is full of. Touches that memory, and reads the headers of shards.
import type { Regions } from '../engine/create.js'
import type { Engine } from '../engine/engine.js'
import { COUNTERS, Counter, UNIT } from '../engine/layout.js'
import { monotonicMs } from './clock.js'
import { Histograms } from './histogram.js'
import { HEADER_BYTES, Header, layoutOf, type ObservedLayout, Own, ROW_BYTES, ROW_FIELDS, ROWS_AT } from './layout.js'
import { Level, levels, type StatsLevel } from './level.js'
import { mapOf, type Occupancy, occupancyOf, type ShardMap } from './occupancy.js'
import { policyOf, type ShardPolicy } from './policy.js'
import type { Totals } from './totals.js'

const ROWS = 128

export class Observed {
  readonly layout: ObservedLayout
  header: Int32Array
  readonly histograms: Histograms
  #buffer: SharedArrayBuffer
  #rows: Float64Array
  #regions: Regions

  constructor(regions: Regions) {
    this.#buffer = regions.observed
    this.#regions = regions
    this.layout = layoutOf(regions.observed.byteLength)
    this.header = new Int32Array(regions.observed, 0, HEADER_BYTES / 4)
    this.#rows = new Float64Array(regions.observed, ROWS_AT, ROWS * ROW_FIELDS)
    this.histograms = new Histograms(regions.control.buffer, regions.observed, this.layout)
  }

  /** Who is the first to see the memory says how much is observed at first. */
  begin(level: StatsLevel): void {
    Atomics.compareExchange(this.header, Header.level, 0, Level[level] + 1)
    Atomics.compareExchange(this.header, Header.madeAt, 0, Math.floor(monotonicMs() / 1000) + 1)
  }

  get level(): StatsLevel {
    return levels[this.levelNumber] ?? 'off'
  }

  /** Holds for all threads; each notices within its next 1,024 operations. */
  set level(level: StatsLevel) {
    Atomics.store(this.header, Header.level, Level[level] + 1)
  }

  get levelNumber(): number {
    return Math.max(0, Atomics.load(this.header, Header.level) - 1)
  }

  /** Milliseconds since the cache was made, to the second. */
  get age(): number {
    return monotonicMs() - (Atomics.load(this.header, Header.madeAt) - 1) * 1000
  }

  get buffer(): SharedArrayBuffer {
    return this.#buffer
  }

  /** The row of this line's thread, for that thread to write. */
  rowOf(line: number): Float64Array {
    return new Float64Array(this.#buffer, ROWS_AT + line * ROW_BYTES, ROW_FIELDS)
  }

  /** All that was ever counted, over all threads, the dead included. About 10 µs. */
  totals(engine: Engine): Totals {
    const counters = engine.counters()
    if (counters.length < COUNTERS) throw new RangeError('an engine counts less than this version knows')
    const sums = new Float64Array(ROW_FIELDS)
    const rows = this.#rows
    for (let first = 0; first < rows.length; first += ROW_FIELDS) {
      // Most lines were never used, or their threads never counted anything here.
      for (let field = 0; field < ROW_FIELDS; field++) {
        const value = rows[first + field] as number
        if (value !== 0) sums[field] = (sums[field] as number) + value
      }
    }
    const count = (counter: number) => counters[counter] as number
    const own = (field: number) => sums[field] as number
    return {
      hits: count(Counter.hits),
      nearHits: own(Own.nearHits),
      misses: count(Counter.misses),
      stored: count(Counter.stored),
      replaced: count(Counter.replaced),
      refused: count(Counter.refused),
      tooLarge: count(Counter.rejectedTooLarge),
      noRoom: count(Counter.rejectedNoRoom),
      paused: count(Counter.rejectedPaused),
      notWanted: own(Own.notWanted),
      deleted: count(Counter.deleted),
      taken: count(Counter.taken),
      touched: count(Counter.touched),
      incremented: count(Counter.incremented),
      expired: count(Counter.expired),
      invalidated: count(Counter.invalidated),
      evictedSmall: count(Counter.evictedSmall),
      evictedMain: count(Counter.evictedMain),
      evictedIndex: count(Counter.evictedIndex),
      promoted: count(Counter.promoted),
      reinserted: count(Counter.reinserted),
      ghostHits: count(Counter.ghostHits),
      bytesWritten: count(Counter.bytesWritten),
      bytesRead: count(Counter.bytesRead),
      bytesRelocated: count(Counter.unitsRelocated) * UNIT,
      clears: count(Counter.cleared),
      tagInvalidations: count(Counter.tagInvalidations),
      loads: count(Counter.loads),
      loadsWaited: count(Counter.loadsWaited),
      loadsFailed: count(Counter.loadsFailed),
      staleServed: count(Counter.staleServed),
      fillsRefused: count(Counter.fillsRefused),
      withoutLease: count(Counter.leasesRefused),
      loadMs: own(Own.loadMs),
      waits: own(Own.waits),
      waitMs: own(Own.waitMs),
      served: own(Own.served),
      savedMs: own(Own.savedMs),
      batches: own(Own.batches),
      batchKeys: own(Own.batchKeys),
      batchHits: own(Own.batchHits),
      scans: own(Own.scans),
      scanned: own(Own.scanned),
      scanHits: own(Own.scanHits),
      slow: own(Own.slow),
      timed: own(Own.timed),
    }
  }

  policy(): ShardPolicy[] {
    return policyOf(this.#regions)
  }

  /** Also notes the most that was ever live. */
  occupancy(): Occupancy {
    const now = occupancyOf(this.#regions)
    this.#notePeak(now.liveBytes)
    return now
  }

  map(): ShardMap[] {
    return this.#regions.shards.map(mapOf)
  }

  /** The most live bytes that anybody who looked ever saw. */
  get peakBytes(): number {
    return (Atomics.load(this.header, Header.peakKib) >>> 0) * 1024
  }

  #notePeak(bytes: number): void {
    const kib = Math.ceil(bytes / 1024)
    for (;;) {
      const seen = Atomics.load(this.header, Header.peakKib)
      if (kib <= seen >>> 0 || Atomics.compareExchange(this.header, Header.peakKib, seen, kib) === seen) return
    }
  }

  /** The thread's last handle is closed: whoever goes on holding this holds no shared memory by it. */
  release(): void {
    const nothing = new SharedArrayBuffer(0)
    this.#buffer = nothing
    this.header = new Int32Array(HEADER_BYTES / 4)
    this.#rows = new Float64Array(nothing)
    this.#regions = { ...this.#regions, observed: nothing, shards: [] }
    this.histograms.release()
  }
}
