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
}

interface NearEntry {
  readonly value: unknown
  readonly slot: number
  readonly location: number
  readonly generation: number
  readonly world: number
  readonly bytes: number
}

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

  constructor(settings: NearSettings, engine: Engine) {
    this.settings = settings
    this.#engine = engine
  }

  /** The value, or `notNear`. Counts as a use of the entry in shared memory. */
  get(key: string): unknown {
    let entry = this.#young.get(key)
    const young = entry !== undefined
    if (entry === undefined) {
      entry = this.#old.get(key)
      if (entry === undefined) {
        this.#misses++
        return notNear
      }
    }
    if (!this.#engine.isCurrent(entry.slot, entry.location, entry.generation, entry.world)) {
      this.#misses++
      this.#outdated++
      this.#remove(key, entry, young)
      return notNear
    }
    this.#hits++
    if (!young) {
      this.#remove(key, entry, false)
      this.#keep(key, entry)
    }
    return entry.value
  }

  /** Keeps what was just read; `meta` must still hold its stamp. */
  put(key: string, value: unknown, bytes: number, meta: Int32Array): void {
    if (bytes > this.settings.maxValueBytes || bytes > this.settings.maxBytes / 2) return
    this.delete(key)
    this.#keep(key, {
      value,
      slot: meta[Meta.slot] as number,
      location: meta[Meta.location] as number,
      generation: meta[Meta.generation] as number,
      world: meta[Meta.world] as number,
      bytes,
    })
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
      hits: this.#hits,
      misses: this.#misses,
      outdated: this.#outdated,
      entries: this.#young.size + this.#old.size,
      bytes: this.#youngBytes + this.#oldBytes,
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
