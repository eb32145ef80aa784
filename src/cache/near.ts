// The near cache of one view: decoded values that one thread keeps for itself, each with the place of the record it was read from. Every
// hit looks there whether that record is still the live one, so that a change by any thread shows at once. Touches its own map, the rows
// of its store, and in shared memory the index (reading), the frequency of slots, and this thread's counter of hits.
import { Meta, MetaFlag } from '../engine/engine.js'
import { BUCKET_BYTES, BUCKET_SLOTS, FREQUENCY_MASK } from '../engine/layout.js'
import type { NearSettings } from '../options/cache-options.js'
import { Tallied, type Tally } from './namespace-table.js'
import { NearGain } from './near-gain.js'
import { ordersLoads, WORLD } from './near-record.js'
import { FACTS_SHIFT, Fact, Info, type NearStore } from './near-store.js'

/** This thread's near cache. */
export interface NearStats {
  readonly hits: number
  /** Lookups that found nothing near, or something outdated. */
  readonly misses: number
  /** … of these, how often the entry was there and its record was gone or another one. */
  readonly outdated: number
  /** Of this view and others of the thread that share its bounds. */
  readonly entries: number
  /** As encoded; decoded values take a multiple of it on the heap. */
  readonly bytes: number
  /** True while it rests because it brought next to nothing. */
  readonly resting: boolean
  /** Medians of the last samples, in nanoseconds: a near hit, and reading and decoding the value instead. 0 before the first sample. */
  readonly hitNanoseconds: number
  readonly readNanoseconds: number
  /** What all hits saved, less what looking and keeping cost; estimated from the sample. May be negative. */
  readonly savedMilliseconds: number
}

/** Lookups between two looks at everything that need not happen on each. */
const ROUND = 63
/** One lookup of so many rounds is timed. */
const ROUNDS_PER_SAMPLE = 8
// Looking near costs something, too. After a window in which it cost more than it saved, or next to nothing was found, looking rests: twice
// as long each time in a row, since nothing may have changed.
const LEAST_WINDOW = 4096
const LEAST_SHARE = 1 / 64
/** From this share of hits on it goes on, whatever the sample says. */
const SURE_SHARE = 1 / 2
const FIRST_REST = LEAST_WINDOW * 16
const MOST_REST = 2 ** 22

const BUCKET_WORDS = BUCKET_BYTES / 4

/** What `get` returns when nothing is near; no value is this symbol. */
export const notNear: unique symbol = Symbol('not near')

export class NearCache {
  readonly settings: NearSettings
  readonly #store: NearStore
  readonly #control: Int32Array
  readonly #words: readonly Int32Array[]
  /** The row of each key. */
  #rows = new Map<string, number>()
  #world: number
  /** Where this thread counts hits: in shared memory, as its engine does. */
  #counts!: Int32Array
  #counter = 0
  /** Lookups left in this round; 0 while resting. */
  #left = ROUND
  /** Lookups of the rounds before. */
  #lookups = 0
  #rounds = 0
  #misses = 0
  #outdated = 0
  #kept = 0
  readonly #window: number
  #windowLookups = 0
  #windowMisses = 0
  #windowKept = 0
  #rest = 0
  #nextRest = FIRST_REST
  readonly #gain = new NearGain()
  /** Counts hits for a namespace, too. */
  #tally: Tally | undefined
  #tallied = 0
  /** The next read is part of the sample. */
  #sampling = false

  constructor(store: NearStore) {
    this.settings = store.settings
    this.#store = store
    this.#control = store.records.control
    this.#words = store.records.words
    this.#world = store.world
    // Long enough to be filled once and then to be of use.
    this.#window = Math.max(LEAST_WINDOW, 4 * store.settings.maxEntries)
    this.#findCounter()
  }

  /** The value, or `notNear`. Counts as a hit and as a use of the entry, in shared memory. */
  get(key: string): unknown {
    if (this.#left <= 0) return this.#beginRound(key)
    this.#left--
    const row = this.#rows.get(key)
    if (row === undefined) {
      this.#misses++
      return notNear
    }
    const store = this.#store
    const { facts } = store
    const at = row << FACTS_SHIFT
    const info = facts[at + Fact.info] as number
    const words = this.#words[info >>> Info.shardShift] as Int32Array
    const slot = facts[at + Fact.slot] as number
    // Whether the record is still the live one of its key. The order matters. State and tag before the location: a location is linked
    // once in its generation, so if it stands there still, the state seen before was its own. The slot before the generation: a location
    // comes again only after that has moved on. The world last: it only moves forward, so what it is now it was then.
    if (
      ordersLoads
        ? words[slot] !== facts[at + Fact.low] ||
          words[slot + 1] !== facts[at + Fact.high] ||
          words[facts[at + Fact.generationAt] as number] !== facts[at + Fact.generation] ||
          this.#control[WORLD] !== this.#world
        : Atomics.load(words, slot) !== facts[at + Fact.low] ||
          Atomics.load(words, slot + 1) !== facts[at + Fact.high] ||
          Atomics.load(words, facts[at + Fact.generationAt] as number) !== facts[at + Fact.generation] ||
          Atomics.load(this.#control, WORLD) !== this.#world
    ) {
      return this.#drop(key)
    }
    if ((info & (Info.ends | Info.tagged)) !== 0 && store.isOver(row, info)) return this.#drop(key)
    if ((info & Info.used) === 0) facts[at + Fact.info] = info | Info.used
    // A use, as a read of the engine would count it: up to three, and only by whoever finds it lower.
    const marks = words[slot & -BUCKET_WORDS] as number
    const shift = ((slot & (BUCKET_WORDS - 1)) - BUCKET_SLOTS / 4) << 1
    if (((marks >>> shift) & FREQUENCY_MASK) !== FREQUENCY_MASK) {
      // One try: who loses to another thread's count loses one use.
      Atomics.compareExchange(words, slot & -BUCKET_WORDS, marks, (marks + (1 << shift)) | 0)
    }
    const counts = this.#counts
    const hits = ((counts[this.#counter] as number) + 1) | 0
    counts[this.#counter] = hits
    // The upper half of 64 bits.
    if (hits === 0) (counts[this.#counter + 1] as number)++
    return store.values[row]
  }

  /** Near hits are to be counted there, before it is read and once in a while. */
  countInto(tally: Tally): void {
    this.#tally = tally
    tally.before = () => this.#countHits()
  }

  #countHits(): void {
    const hits = this.#lookupsSoFar() - this.#misses
    const fresh = hits - this.#tallied
    this.#tallied = hits
    if (fresh > 0) this.#tally?.count(Tallied.hits, fresh)
  }

  /** Whether it rests; then these lookups bring the end of the rest nearer. */
  rests(lookups: number): boolean {
    if (this.#rest === 0) return false
    this.#rest = Math.max(0, this.#rest - lookups)
    if (this.#rest === 0) this.#left = ROUND
    return true
  }

  /** True when the read that follows a miss is to be timed, and told to `timed`. */
  get samples(): boolean {
    return this.#sampling
  }

  /** How long, in ms, reading and decoding took, and keeping. */
  timed(read: number, keep: number): void {
    this.#sampling = false
    this.#gain.read.add(read)
    this.#gain.keep.add(keep)
  }

  /** Keeps what the engine has just read under the key `stored` in memory; its `meta` must still tell of that record. */
  put(key: string, stored: string, value: unknown, bytes: number): void {
    const store = this.#store
    const { engine, records, settings } = store
    if (this.#rest > 0 || bytes > settings.maxValueBytes || bytes > settings.maxBytes) return
    const place = records.place(engine)
    if (place === undefined) return
    let end = Infinity
    let tags: Int32Array | undefined
    const flags = engine.meta[Meta.flags] as number
    if (flags !== 0) {
      if (records.needsEveryRead(place)) return
      if ((flags & MetaFlag.tagged) !== 0) {
        tags = records.tagsOf(place)
        if (tags === undefined) return
      }
      if ((flags & MetaFlag.ends) !== 0) end = engine.now() + engine.expiresIn(stored)
      // What was just learned may be of a newer record, and then must not be believed of this one.
      if (!records.isLive(place)) return
    }
    if (place.world !== this.#world) {
      // Of an older world than is known here by now: nothing to keep.
      if (place.world !== Atomics.load(this.#control, WORLD)) return
      this.#enter(place.world)
    }
    const before = this.#rows.get(key)
    if (before !== undefined) store.remove(before)
    this.#kept++
    this.#rows.set(key, store.add(this, key, place, value, bytes, end, tags))
  }

  /** The store gave the key's row to another. */
  forget(key: string): void {
    this.#rows.delete(key)
  }

  stats(): NearStats {
    const { entries, bytes } = this.#store
    const lookups = this.#lookupsSoFar()
    const hits = lookups - this.#misses
    return {
      hits,
      misses: this.#misses,
      outdated: this.#outdated,
      entries,
      bytes,
      resting: this.#rest > 0,
      hitNanoseconds: Math.round(this.#gain.hit.nanoseconds),
      readNanoseconds: Math.round(this.#gain.read.nanoseconds),
      savedMilliseconds: (this.#gain.of(hits, this.#misses, this.#kept) ?? 0) / 1e6,
    }
  }

  #drop(key: string): typeof notNear {
    this.#misses++
    this.#outdated++
    const world = Atomics.load(this.#control, WORLD)
    if (world !== this.#world) {
      this.#enter(world)
    } else {
      const row = this.#rows.get(key)
      if (row !== undefined) this.#store.remove(row)
      this.#rows.delete(key)
    }
    return notNear
  }

  #enter(world: number): void {
    this.#store.enter(world)
    this.#world = world
    this.#rows = new Map()
  }

  #lookupsSoFar(): number {
    return this.#lookups + (this.#rest > 0 ? 0 : ROUND - this.#left)
  }

  /** At the first lookup after a round, and at each while resting. */
  #beginRound(key: string): unknown {
    if (this.#rest > 0) {
      this.#rest--
      if (this.#rest === 0) this.#left = ROUND
      return notNear
    }
    // The ordinary loads of a hit may not be compiled to happen only once in a loop that goes over an atomic one.
    const world = Atomics.load(this.#control, WORLD)
    if (world !== this.#world) this.#enter(world)
    this.#lookups += ROUND
    this.#left = ROUND
    if (this.#tally !== undefined) this.#countHits()
    this.#findCounter()
    if (this.#lookups + 1 - this.#windowLookups >= this.#window && !this.#endWindow()) return notNear
    return ++this.#rounds % ROUNDS_PER_SAMPLE === 0 ? this.#timedGet(key) : this.get(key)
  }

  #timedGet(key: string): unknown {
    const begin = performance.now()
    const value = this.get(key)
    const took = performance.now() - begin
    if (value === notNear) this.#gain.miss.add(took)
    else this.#gain.hit.add(took)
    // Reads are sampled where they follow a lookup anyhow: at the next miss.
    this.#sampling = true
    return value
  }

  /** Whether to go on looking. */
  #endWindow(): boolean {
    const lookups = this.#lookups - this.#windowLookups
    const misses = this.#misses - this.#windowMisses
    const hits = lookups - misses
    const gain = this.#gain.of(hits, misses, this.#kept - this.#windowKept)
    this.#windowLookups = this.#lookups
    this.#windowMisses = this.#misses
    this.#windowKept = this.#kept
    const isWorth = gain === undefined || gain >= 0 || hits >= lookups * SURE_SHARE
    if (hits >= lookups * LEAST_SHARE && isWorth) {
      this.#nextRest = FIRST_REST
      return true
    }
    this.#rest = this.#nextRest
    this.#nextRest = Math.min(this.#nextRest * 2, MOST_REST)
    this.#left = 0
    for (const row of this.#rows.values()) this.#store.remove(row)
    this.#rows = new Map()
    return false
  }

  /** Anew in each round: the line of an engine that has left is another thread's by now. */
  #findCounter(): void {
    const { records, engine } = this.#store
    const counter = records.hitCounter(engine)
    this.#counts = counter < 0 ? new Int32Array(2) : this.#control
    this.#counter = Math.max(counter, 0)
  }
}
