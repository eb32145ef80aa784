// The near cache: decoded values that one thread keeps for itself, each with the place of the record it was read from. Every hit looks
// there whether that record is still the live one, so that a change by any thread shows at once. Touches its own maps, and through
// near-record.ts the index in shared memory; strings are never kept here, reading them from the slab costs no decoding.
import { type Engine, Meta } from '../engine/engine.js'
import type { NearSettings } from '../options/cache-options.js'
import type { NearRecords, RecordPlace } from './near-record.js'

/** This thread's near cache. */
export interface NearStats {
  readonly hits: number
  /** Lookups that found nothing near, or something outdated. */
  readonly misses: number
  /** … of these, how often the entry was there and its record was gone or another one. */
  readonly outdated: number
  readonly entries: number
  /** As encoded; decoded values take a multiple of it on the heap. */
  readonly bytes: number
  /** True while it rests because it brought next to nothing. */
  readonly resting: boolean
}

/** A place with the value that was read from it: one object, since following a pointer may cost as much as the rest of a hit. */
class NearEntry implements RecordPlace {
  readonly words: Int32Array
  readonly slot: number
  readonly low: number
  readonly high: number
  readonly generationAt: number
  readonly generation: number
  readonly world: number
  readonly value: unknown
  readonly bytes: number
  /** Most do not end, which then costs no look at the clock. */
  readonly ends: boolean
  /** When it ends, on the engine's clock. */
  readonly expires: number

  constructor(place: RecordPlace, value: unknown, bytes: number, expires: number) {
    this.words = place.words
    this.slot = place.slot
    this.low = place.low
    this.high = place.high
    this.generationAt = place.generationAt
    this.generation = place.generation
    this.world = place.world
    this.value = value
    this.bytes = bytes
    this.ends = expires !== Infinity
    this.expires = expires
  }
}

// A cache whose entries are hardly ever found near pays for looking. After a window with fewer hits than one in 64 lookups, looking rests:
// twice as long each time in a row, since nothing may have changed.
const LEAST_WINDOW = 4096
const LEAST_SHARE = 1 / 64
const MOST_REST = 2 ** 22

/** What `get` returns when nothing is near; no value is this symbol. */
export const notNear: unique symbol = Symbol('not near')

export class NearCache {
  readonly settings: NearSettings
  readonly #engine: Engine
  readonly #records: NearRecords
  // Two generations approximate least recently used: what is used moves from the old one to the young one; room is made in the old one,
  // oldest first. When that is used up, the young one becomes the old one.
  #young = new Map<string, NearEntry>()
  #old = new Map<string, NearEntry>()
  /** Walks the old generation; kept, since a new walk would step over all that was removed at its beginning. */
  #victims = this.#old.entries()
  #bytes = 0
  readonly #window: number
  #hits = 0
  #misses = 0
  #outdated = 0
  #untilWindowEnds = 0
  #hitsAtWindow = 0
  #rest = 0
  #nextRest = LEAST_WINDOW * 16

  constructor(settings: NearSettings, engine: Engine, records: NearRecords) {
    this.settings = settings
    this.#engine = engine
    this.#records = records
    // Long enough to be filled once and then to be of use.
    this.#window = Math.max(LEAST_WINDOW, 4 * settings.maxEntries)
    this.#untilWindowEnds = this.#window
  }

  /** The value, or `notNear`. Counts as a use of the entry in shared memory. */
  get(key: string): unknown {
    if (this.#rest > 0) {
      this.#rest--
      return notNear
    }
    if (--this.#untilWindowEnds === 0) this.#endWindow()
    let entry = this.#young.get(key)
    const young = entry !== undefined
    entry ??= this.#old.get(key)
    if (entry === undefined) {
      this.#misses++
      return notNear
    }
    if (!this.#records.isLive(entry) || (entry.ends && this.#engine.now() >= entry.expires)) {
      this.#misses++
      this.#outdated++
      this.#remove(key, entry, young)
      return notNear
    }
    this.#hits++
    this.#records.use(entry)
    if (!young) {
      this.#remove(key, entry, false)
      this.#keep(key, entry)
    }
    return entry.value
  }

  /** Keeps what the engine has just read; its `meta` must still tell of that record. */
  put(key: string, value: unknown, bytes: number): void {
    const { maxValueBytes, maxBytes } = this.settings
    if (this.#rest > 0 || bytes > maxValueBytes || bytes > maxBytes) return
    const engine = this.#engine
    const records = this.#records
    const location = engine.meta[Meta.location] as number
    const place = records.place(engine)
    if (place === undefined) return
    let expires = Infinity
    if (engine.meta[Meta.flags] !== 0) {
      // Every single use of an entry with an idle time must reach it, which is as much work as reading it.
      if (records.hasIdleTime(location, place)) return
      expires = engine.now() + engine.expiresIn(key)
      // What was just learned may be of a newer record, and then must not be believed of this one.
      if (!records.isLive(place)) return
    }
    this.delete(key)
    this.#keep(key, new NearEntry(place, value, bytes, expires))
  }

  #endWindow(): void {
    if (this.#hits - this.#hitsAtWindow < this.#window * LEAST_SHARE) {
      this.#rest = this.#nextRest
      this.#nextRest = Math.min(this.#nextRest * 2, MOST_REST)
      this.clear()
    } else {
      this.#nextRest = LEAST_WINDOW * 16
    }
    this.#untilWindowEnds = this.#window
    this.#hitsAtWindow = this.#hits
  }

  delete(key: string): void {
    const young = this.#young.get(key)
    if (young) this.#remove(key, young, true)
    const old = this.#old.get(key)
    if (old) this.#remove(key, old, false)
  }

  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
    this.#victims = this.#old.entries()
    this.#bytes = 0
  }

  stats(): NearStats {
    return {
      hits: this.#hits,
      misses: this.#misses,
      outdated: this.#outdated,
      entries: this.#young.size + this.#old.size,
      bytes: this.#bytes,
      resting: this.#rest > 0,
    }
  }

  #keep(key: string, entry: NearEntry): void {
    const { maxEntries, maxBytes } = this.settings
    while (this.#young.size + this.#old.size >= maxEntries || this.#bytes + entry.bytes > maxBytes) this.#dropOldest()
    this.#young.set(key, entry)
    this.#bytes += entry.bytes
  }

  #dropOldest(): void {
    if (this.#old.size === 0) {
      this.#old = this.#young
      this.#young = new Map()
      this.#victims = this.#old.entries()
    }
    const victim = this.#victims.next()
    if (!victim.done) this.#remove(victim.value[0], victim.value[1], false)
  }

  #remove(key: string, entry: NearEntry, young: boolean): void {
    const generation = young ? this.#young : this.#old
    generation.delete(key)
    this.#bytes -= entry.bytes
  }
}
