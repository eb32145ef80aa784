// The near cache: decoded values that one thread keeps for itself, each with the stamp of the record it was read from. Whether a stamp
// still names the live record is asked of the engine at every hit, so that a change by any thread shows at once (docs/slab.md,
// isCurrent). Touches its own map and the engine; strings are never kept here, reading them from the slab costs no decoding.
import { type Engine, Meta } from '../engine/engine.js'
import type { NearSettings } from '../options/cache-options.js'

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

interface NearEntry {
  readonly value: unknown
  readonly slot: number
  readonly location: number
  readonly generation: number
  readonly world: number
  readonly bytes: number
  /** When it ends, on the engine's clock; Infinity for most, which then cost no look at the clock. */
  readonly expires: number
  hits: number
}

// Eviction goes by how often an entry was used of late, counted up to three. The first hits are told at once, so that what becomes hot is
// seen to be; later one in sixteen, which keeps the count up at a fraction of the cost.
const TOLD_AT_ONCE = 2
const TOLD_EVERY = 16

// A cache whose entries are hardly ever found near pays for looking. After a window with fewer hits than a sixty-fourth this rests.
const WINDOW = 4096
const LEAST_HITS = WINDOW / 64
const REST = 65_536

/** Bits of the engines' `Meta.flags`. */
const EXPIRES = 1
const IDLES = 2

/** What `get` returns when nothing is near; no value is this symbol. */
export const notNear: unique symbol = Symbol('not near')

export class NearCache {
  readonly settings: NearSettings
  readonly #engine: Engine
  // Two generations approximate least recently used at the price of one Map lookup: what is used moves to the young one; when that
  // is half full the old one is dropped as a whole.
  #young = new Map<string, NearEntry>()
  #old = new Map<string, NearEntry>()
  #youngBytes = 0
  #oldBytes = 0
  #hits = 0
  #misses = 0
  #outdated = 0
  /** Near hits that were passed on as a read, which the engine has counted as a hit of its own. */
  #told = 0
  #windowLookups = 0
  #windowHits = 0
  #rest = 0

  constructor(settings: NearSettings, engine: Engine) {
    this.settings = settings
    this.#engine = engine
  }

  /** The value, or `notNear`. Counts as a use of the entry in shared memory. */
  get(key: string): unknown {
    if (this.#rest > 0) {
      this.#rest--
      return notNear
    }
    if (++this.#windowLookups === WINDOW) this.#endWindow()
    let entry = this.#young.get(key)
    const young = entry !== undefined
    entry ??= this.#old.get(key)
    if (entry === undefined) {
      this.#misses++
      return notNear
    }
    if (!this.#isValid(entry)) {
      this.#misses++
      this.#outdated++
      this.#remove(key, entry, young)
      return notNear
    }
    this.#hits++
    this.#windowHits++
    entry.hits++
    if (entry.hits <= TOLD_AT_ONCE || entry.hits % TOLD_EVERY === 0) {
      this.#told++
      this.#engine.read(key, true)
    }
    if (!young) {
      this.#remove(key, entry, false)
      this.#keep(key, entry)
    }
    return entry.value
  }

  /** Keeps what was just read; the engine's `meta` must still hold its stamp. May ask the engine, so `meta` is another's afterwards. */
  put(key: string, value: unknown, bytes: number): void {
    const { maxValueBytes, maxBytes } = this.settings
    if (this.#rest > 0 || bytes > maxValueBytes || bytes > maxBytes / 2) return
    const { meta } = this.#engine
    const flags = meta[Meta.flags] as number
    // Every single use of an entry with an idle time must reach it, which is as much work as reading it.
    if (flags & IDLES) return
    const slot = meta[Meta.slot] as number
    const location = meta[Meta.location] as number
    const generation = meta[Meta.generation] as number
    const world = meta[Meta.world] as number
    let expires = Number.POSITIVE_INFINITY
    if (flags & EXPIRES) {
      expires = this.#engine.now() + this.#engine.expiresIn(key)
      // What has just been learned may be about a newer record; the stamp then says so here and at every hit.
      if (!this.#engine.isCurrent(slot, location, generation, world)) return
    }
    this.delete(key)
    this.#keep(key, { value, slot, location, generation, world, bytes, expires, hits: 0 })
  }

  #isValid(entry: NearEntry): boolean {
    const engine = this.#engine
    if (!engine.isCurrent(entry.slot, entry.location, entry.generation, entry.world)) return false
    return entry.expires === Number.POSITIVE_INFINITY || engine.now() < entry.expires
  }

  #endWindow(): void {
    if (this.#windowHits < LEAST_HITS) {
      this.#rest = REST
      this.clear()
    }
    this.#windowLookups = 0
    this.#windowHits = 0
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
    this.#youngBytes = 0
    this.#oldBytes = 0
  }

  stats(): NearStats {
    return {
      hits: this.#hits - this.#told,
      misses: this.#misses,
      outdated: this.#outdated,
      entries: this.#young.size + this.#old.size,
      bytes: this.#youngBytes + this.#oldBytes,
      resting: this.#rest > 0,
    }
  }

  #keep(key: string, entry: NearEntry): void {
    const { maxEntries, maxBytes } = this.settings
    if (this.#young.size >= Math.max(1, maxEntries >> 1) || this.#youngBytes + entry.bytes > maxBytes / 2) {
      this.#old = this.#young
      this.#oldBytes = this.#youngBytes
      this.#young = new Map()
      this.#youngBytes = 0
      // With room for one entry only, there is no old generation.
      if (maxEntries === 1) this.#dropOld()
    }
    this.#young.set(key, entry)
    this.#youngBytes += entry.bytes
  }

  #dropOld(): void {
    this.#old = new Map()
    this.#oldBytes = 0
  }

  #remove(key: string, entry: NearEntry, young: boolean): void {
    if (young) {
      this.#young.delete(key)
      this.#youngBytes -= entry.bytes
    } else {
      this.#old.delete(key)
      this.#oldBytes -= entry.bytes
    }
  }
}
