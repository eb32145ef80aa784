// The near cache of one view: decoded values that one thread keeps for itself, each with the place of the record it was read from. Every
// hit looks whether that record is still the live one, by the version of its binding (docs/slab.md 9) or in its slot, so that a change by
// any thread shows at once. Touches its own map, the rows of its store, and in shared memory versions and index (reading), the frequency
// of slots, and this thread's counter of hits.
import { Meta, MetaFlag } from '../engine/engine.js'
import {
  BUCKET_BYTES,
  BUCKET_SLOTS,
  FREQUENCY_MASK,
  SLOT_STATE_MASK,
  SlotState,
  VERSION_IN_PROGRESS_MASK,
} from '../engine/layout.js'
import type { NearSettings } from '../options/cache-options.js'
import { Tallied, type Tally } from './namespace-table.js'
import { NearGain } from './near-gain.js'
import { ordersLoads, TAG_STAMP, WORLD } from './near-record.js'
import {
  FACTS_SHIFT,
  Fact,
  Info,
  type NearStore,
  PLACE_SHARD_MASK,
  PLACE_SHARD_SHIFT,
  SEALS_SHIFT,
  Seal,
} from './near-store.js'

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

// What another module exports is looked up on each use; V8 takes constants of its own module into the code.
const { place: PLACE, low: LOW, high: HALF, endStep: END } = Seal
const {
  slot: SLOT,
  high: HIGH,
  generationAt: GENERATION_AT,
  generation: GENERATION,
  info: INFO,
  tagStamp: TAG_STAMP_SEEN,
} = Fact
const { used: USED } = Info
const SEAL_SHIFT = SEALS_SHIFT
const FACT_SHIFT = FACTS_SHIFT
const SHARD_SHIFT = PLACE_SHARD_SHIFT
const SHARD_MASK = PLACE_SHARD_MASK
const VERSION_MASK = (1 << PLACE_SHARD_SHIFT) - 1
const IN_PROGRESS = VERSION_IN_PROGRESS_MASK
const WORLD_AT = WORLD
const TAG_STAMP_AT = TAG_STAMP
const inOrder = ordersLoads
const STATE = SLOT_STATE_MASK
const MEMBER = SlotState.member
const FREQUENT = FREQUENCY_MASK
const BUCKET_WORDS = BUCKET_BYTES / 4
const FIRST_SLOT = BUCKET_SLOTS / 4

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
  #counted = 0
  /** Of the last hit. */
  #row = 0
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
  }

  /**
   * The value, or `notNear`. Counts as a use of the entry, in shared memory, and as a hit, by and by. Kept short: V8 inlines functions up to a size,
   * and what is rare is in functions of its own.
   */
  get(key: string): unknown {
    if (this.#left <= 0) return this.#beginRound(key)
    this.#left--
    const row = this.#rows.get(key)
    if (row === undefined) {
      this.#misses++
      return notNear
    }
    const store = this.#store
    const { seals } = store
    const seal = row << SEAL_SHIFT
    const place = seals[seal + PLACE] as number
    const words = this.#words[(place >>> SHARD_SHIFT) & SHARD_MASK] as Int32Array
    const version = place & VERSION_MASK
    // Whether the binding is the one that it was when the row got its seal. The order matters: the low half of the version before the high
    // one, which only grows; the world last: it only moves forward, so what it is now it was then.
    if (
      !inOrder ||
      words[version] !== seals[seal + LOW] ||
      words[version + 1] !== seals[seal + HALF] ||
      this.#control[WORLD_AT] !== this.#world ||
      (seals[seal + END] as number) < store.clock.safeFrom ||
      (place < 0 && this.#control[TAG_STAMP_AT] !== store.facts[(row << FACT_SHIFT) + TAG_STAMP_SEEN])
    ) {
      if (!this.#isUsable(row)) return this.#drop(key, row)
    }
    this.#row = row
    return store.values[row]
  }

  /** As `get`, as a promise: one for all who get this value, since to make a new one costs more than the hit. `undefined` when nothing is near. */
  promise(key: string): Promise<unknown> | undefined {
    const value = this.get(key)
    if (value === notNear) return undefined
    const { promises } = this.#store
    const known = promises[this.#row]
    if (known !== undefined) return known
    const made = Promise.resolve(value)
    promises[this.#row] = made
    return made
  }

  /**
   * For rows without a seal, or with one that may be broken: everything once more, in an order that every processor keeps. Counts the use in
   * shared memory. A row gets a seal once the frequency there is as high as it can be: whoever lowers it breaks the seal.
   */
  #isUsable(row: number): boolean {
    const store = this.#store
    const { seals, facts } = store
    const seal = row << SEAL_SHIFT
    const place = seals[seal + PLACE] as number
    const words = this.#words[(place >>> SHARD_SHIFT) & SHARD_MASK] as Int32Array
    const version = place & VERSION_MASK
    // Before the tags are looked at.
    const tagStamp = place < 0 ? store.records.tagStampAtRest() : 0
    const low = Atomics.load(words, version)
    const high = Atomics.load(words, version + 1)
    // A new seal is made of the high half and of the low one after it: torn apart they are a version that has been, and never comes again.
    const fresh = Atomics.load(words, version)
    const isSealed = low === seals[seal + LOW] && high === seals[seal + HALF]
    const at = row << FACT_SHIFT
    const slot = facts[at + SLOT] as number
    // The state before the location: a location is linked once in its generation, and was linked here, so if it stands there still, the state
    // seen before was its own. The slot before the generation: a location comes again only after that has moved on.
    if (
      !isSealed &&
      ((Atomics.load(words, slot) & STATE) !== MEMBER ||
        Atomics.load(words, slot + 1) !== facts[at + HIGH] ||
        Atomics.load(words, facts[at + GENERATION_AT] as number) !== facts[at + GENERATION])
    ) {
      return false
    }
    if (Atomics.load(this.#control, WORLD_AT) !== this.#world) return false
    const info = facts[at + INFO] as number
    if (store.isOver(row, info)) return false
    facts[at + INFO] = info | USED
    const marks = words[slot & -BUCKET_WORDS] as number
    const shift = ((slot & (BUCKET_WORDS - 1)) - FIRST_SLOT) << 1
    if (((marks >>> shift) & FREQUENT) !== FREQUENT) {
      use(words, slot, marks, shift)
    } else if (tagStamp !== undefined) {
      facts[at + TAG_STAMP_SEEN] = tagStamp
      // Only where the slot was looked at after that version.
      if (!isSealed && (fresh & IN_PROGRESS) === 0) {
        seals[seal + LOW] = fresh
        seals[seal + HALF] = high
      }
    }
    return true
  }

  /** Hits are to be counted there, too. */
  countInto(tally: Tally): void {
    this.#tally = tally
    tally.before = () => this.countHits()
  }

  /** Adds the hits since the last time to those of this thread in shared memory; by itself it does so after each round. */
  countHits(): void {
    const hits = this.#lookupsSoFar() - this.#misses
    const fresh = hits - this.#counted
    if (fresh <= 0) return
    this.#counted = hits
    this.#tally?.count(Tallied.hits, fresh)
    this.#store.records.addHits(this.#store.engine, fresh)
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

  #drop(key: string, row: number): typeof notNear {
    this.#misses++
    this.#outdated++
    const world = Atomics.load(this.#control, WORLD)
    if (world !== this.#world) {
      this.#enter(world)
    } else {
      this.#store.remove(row)
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
    // A thread that never returns to its event loop must not go by the same reading of the clock for long.
    this.#store.clock.refresh()
    this.countHits()
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
}

/** Counts a use, as a read of the engine would. One try: who loses to another thread's count loses one use. */
function use(words: Int32Array, slot: number, marks: number, shift: number): void {
  Atomics.compareExchange(words, slot & -BUCKET_WORDS, marks, (marks + (1 << shift)) | 0)
}
