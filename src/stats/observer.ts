// What one thread notes about its own operations on a cache: counts in a row of shared memory that nobody else writes, and times of a sample.
// Cheap by what it leaves out: an operation costs one decrement, and only the one in about 256 that is looked at reads a clock.
// Touches its row, the histograms, and whether its engine counts.
import type { Regions } from '../engine/create.js'
import type { Engine } from '../engine/engine.js'
import { ChangeTeller } from './changes.js'
import { clockNanoseconds } from './clock.js'
import { type CacheNames, EventLog } from './events.js'
import { HeatSlices, HeatTable } from './heat.js'
import { Timed } from './histogram.js'
import { Own } from './layout.js'
import { Level, type StatsLevel } from './level.js'
import { Observed } from './observed.js'
import { Sampler } from './sampler.js'

/** Operations between two looks at the level, where nothing is timed. */
const LOOK_EVERY = 1024
/** One operation in so many is timed, at random distances, so that no rhythm of the program is missed or met each time. */
export const SAMPLE_EVERY = 256
/** Of operations that are timed, one in so many has its key noted. */
const HEAT_EVERY = 4
/** One write with tags in so many is noted. */
const TAG_EVERY = 16

const nameless: CacheNames = { cache: '', split: (key) => ({ key, namespace: undefined }) }

export class Observer {
  readonly engine: Engine
  readonly observed: Observed
  readonly sampler: Sampler
  readonly events: EventLog
  readonly changes: ChangeTeller
  readonly about: CacheNames
  readonly hotKeys: HeatTable
  readonly hotNamespaces: HeatTable
  readonly hotTags: HeatTable
  readonly slices: HeatSlices
  /** Operations until the next that is looked at. Whoever runs one counts down, and below 0 calls `begin` and `end` around it. */
  left = 0
  #level: number
  #row: Float64Array
  #began = 0
  #noted = 0

  constructor(engine: Engine, regions: Regions, level: StatsLevel, about: CacheNames = nameless) {
    this.engine = engine
    this.observed = new Observed(regions)
    this.observed.begin(level)
    this.sampler = new Sampler(engine, this.observed)
    this.events = new EventLog(this.observed, about)
    this.changes = new ChangeTeller(engine, this.observed)
    this.about = about
    const { buffer, layout } = this.observed
    this.hotKeys = new HeatTable(buffer, layout.heat[0])
    this.hotNamespaces = new HeatTable(buffer, layout.heat[1])
    this.hotTags = new HeatTable(buffer, layout.heat[2])
    this.slices = new HeatSlices(buffer, layout.slices.at)
    this.sampler.follow()
    this.changes.follow()
    this.#row = this.observed.rowOf(engine.line)
    this.#level = Level.counters
    this.#adopt(this.observed.levelNumber)
  }

  /** False: nothing is to be counted. */
  get counting(): boolean {
    return this.#level !== Level.off
  }

  /** Adds to one of `Own`. */
  add(field: number, by: number): void {
    if (this.#level !== Level.off) this.#row[field] = (this.#row[field] as number) + by
  }

  /** Sets the level for all threads, and for this one at once. */
  setLevel(level: StatsLevel): void {
    this.observed.level = level
    this.events.note('level', level)
    this.#adopt(Level[level])
    this.left = 0
  }

  /** Before an operation that is looked at. */
  begin(): void {
    const level = this.observed.levelNumber
    if (level !== this.#level) this.#adopt(level)
    this.sampler.follow()
    this.changes.follow()
    // The operation itself counts down, too.
    this.left = 1
    this.#began = level >= Level.sampled ? performance.now() : -1
  }

  /** After it; `key` as in memory. Where it threw, the next one is looked at instead. */
  end(kind: number, key: string): void {
    if (this.#began < 0) {
      this.left = LOOK_EVERY
      return
    }
    const nanoseconds = Math.max(0, (performance.now() - this.#began) * 1e6 - clockNanoseconds)
    this.observed.histograms.record(kind, nanoseconds)
    this.add(Own.timed, 1)
    this.events.timed(kind, key, nanoseconds / 1e6)
    this.#heat(key, 0)
    this.#wait()
  }

  /**
   * A value was given without a loader being called, which would have taken so long. True for the one in about 256 (all, when the level says so) whose key
   * is wanted by `heated`.
   */
  served(milliseconds: number): boolean {
    if (this.#level === Level.off) return false
    const row = this.#row
    row[Own.served] = (row[Own.served] as number) + 1
    if (milliseconds > 0) row[Own.savedMs] = (row[Own.savedMs] as number) + milliseconds
    return --this.left < 0
  }

  /** After `served`: the key as it stands in memory. */
  heated(key: string, savedMs: number): void {
    this.begin()
    if (this.#level < Level.sampled) {
      this.left = LOOK_EVERY
      return
    }
    this.#heat(key, savedMs)
    this.#wait()
  }

  /** Something with these tags was stored, or they were invalidated. */
  tagged(tags: readonly string[]): void {
    if (this.#level < Level.sampled) return
    const every = this.#level === Level.full ? 1 : TAG_EVERY
    for (const tag of tags) if (Math.random() * every < 1) this.hotTags.note(tag, every, 0)
  }

  #heat(key: string, savedMs: number): void {
    // What is hot shows in a few of those that are timed: to note a key costs as much as several hits.
    const isFull = this.#level === Level.full
    if (!isFull && ++this.#noted % HEAT_EVERY !== 0) return
    const weight = isFull ? 1 : SAMPLE_EVERY * HEAT_EVERY
    this.hotKeys.note(key, weight, savedMs * weight)
    this.slices.note(key, weight)
    const { namespace } = this.about.split(key)
    if (namespace !== undefined) this.hotNamespaces.note(namespace, weight, savedMs * weight)
  }

  #wait(): void {
    this.left = this.#level === Level.full ? 0 : 1 + Math.floor(Math.random() * (2 * SAMPLE_EVERY - 1))
  }

  /** A getMany has found these. */
  batch(values: readonly unknown[]): void {
    if (this.#level === Level.off) return
    let hits = 0
    for (const value of values) if (value !== undefined) hits++
    this.add(Own.batches, 1)
    this.add(Own.batchKeys, values.length)
    this.add(Own.batchHits, hits)
  }

  /** A scan has gone through so many entries and given so many keys. */
  scanned(entries: number, given: number): void {
    this.add(Own.scans, 1)
    this.add(Own.scanned, Math.max(entries, given))
    this.add(Own.scanHits, given)
  }

  /** A loader has come to its end. */
  loaded(milliseconds: number, key: string, failed: boolean): void {
    if (this.#level === Level.off) return
    this.add(Own.loadMs, milliseconds)
    this.observed.histograms.record(Timed.load, milliseconds * 1e6)
    this.events.loaded(key, milliseconds, failed)
  }

  /** A caller has waited for a load that somebody else ran. */
  waited(milliseconds: number): void {
    if (this.#level === Level.off) return
    this.add(Own.waits, 1)
    this.add(Own.waitMs, milliseconds)
    this.observed.histograms.record(Timed.wait, milliseconds * 1e6)
  }

  /** For a thread without timers: after each round of its work. */
  turn(): void {
    const level = this.observed.levelNumber
    if (level !== this.#level) this.#adopt(level)
    this.changes.turn()
  }

  /** The thread's last handle is closed. */
  release(): void {
    this.#row = new Float64Array(0)
    this.sampler.release()
    this.changes.release()
    this.events.release()
    for (const part of [this.hotKeys, this.hotNamespaces, this.hotTags, this.slices]) part.release()
    this.observed.release()
  }

  #adopt(level: number): void {
    if ((level === Level.off) !== (this.#level === Level.off)) this.engine.setCounting(level !== Level.off)
    this.#level = level
  }
}
