// The cache that users hold: one handle of one thread. Checks arguments, turns values into bytes and back, and asks the engine; all
// that is shared lies behind the engine. Touches its engine, this thread's near cache and its membership in the cache.
import { type Engine, Mode, Status } from '../engine/engine.js'
import { OstrakaError } from '../errors.js'
import type { SharedSettings } from '../options/cache-options.js'
import { durationHint, parseDuration } from '../options/units.js'
import { show } from '../options/validate.js'
import { checkKey, checkKeys, type EntryOptions, invalidArgument } from './arguments.js'
import { closedEngine } from './closed-engine.js'
import { Entries } from './entries.js'
import { describeEntry, type EntryDescription } from './inspect.js'
import type { NearCache } from './near.js'
import { scanKeys } from './scan.js'
import { type CacheStats, readStats } from './stats.js'

/** What a handle is made of; see create-cache.ts. */
export interface CacheParts {
  readonly name: string
  readonly shared: SharedSettings
  readonly engine: Engine
  readonly engineReason: string
  readonly near: NearCache | undefined
  readonly sharedBytes: number
  /** Leaves the cache, for this thread or for all; called once. */
  readonly leave: (all: boolean) => void
}

/** One entry of `setMany`. */
export type Entry = readonly [key: string, value: unknown, options?: EntryOptions]

/**
 * A cache that all threads of the process share. Every method is synchronous and never waits for another thread; a handle belongs to
 * the thread that made it. Any method throws OSTRAKA_ERR_CLOSED once this handle is closed, and OSTRAKA_ERR_INVALID_KEY unless the
 * key is a non-empty string of at most 65,535 bytes.
 */
export class Cache {
  readonly name: string
  /** Resolves when everything behind memory is up or known to be down; there is nothing behind it in this version. */
  readonly ready: Promise<void> = Promise.resolve()
  readonly #parts: CacheParts
  readonly #entries: Entries
  #engine: Engine
  #closed = false

  /** Not for users: `createCache` finds or makes what a handle needs. */
  constructor(parts: CacheParts) {
    this.name = parts.name
    this.#parts = parts
    this.#engine = parts.engine
    this.#entries = new Entries(parts.engine, parts.near, parts.shared)
  }

  /** Live entries, over all threads. */
  get size(): number {
    return this.#engine.size
  }

  /** The value, or `undefined` when there is no live entry. Counts as a use. About 0.1 µs near or for a short string. */
  get<T = unknown>(key: string): T | undefined {
    checkKey(key)
    return this.#entries.get(key) as T | undefined
  }

  /** Like `get`, without counting as a use, a hit or a miss. */
  peek<T = unknown>(key: string): T | undefined {
    checkKey(key)
    return this.#entries.peek(key) as T | undefined
  }

  /** Whether there is a live entry. */
  has(key: string): boolean {
    checkKey(key)
    return this.#engine.has(key)
  }

  /** Milliseconds until the entry expires, Infinity when it does not, `undefined` when there is none. */
  expiresIn(key: string): number | undefined {
    checkKey(key)
    const left = this.#engine.expiresIn(key)
    return left < 0 ? undefined : left
  }

  /** The values of many keys, aligned with `keys`; cheaper than as many `get`. */
  getMany<T = unknown>(keys: readonly string[]): (T | undefined)[] {
    checkKeys(keys)
    return this.#entries.getMany(keys) as (T | undefined)[]
  }

  /**
   * Stores the value, visible to every thread on return. `false` when it cannot be kept (too large, no room, `ttl: 0`; counted in
   * `stats().sets`): then nothing is left under the key. Throws OSTRAKA_ERR_INVALID_VALUE, naming the path and before anything is
   * changed, for values that would not come back as they are.
   */
  set(key: string, value: unknown, options?: EntryOptions): boolean {
    checkKey(key)
    return this.#entries.write(key, value, Mode.set, options) === Status.stored
  }

  /** Stores the value only if there is no live entry: `true` for exactly one caller of all threads. */
  add(key: string, value: unknown, options?: EntryOptions): boolean {
    checkKey(key)
    return this.#entries.write(key, value, Mode.add, options) === Status.stored
  }

  /**
   * Replaces the value by what `change` makes of it (`undefined` when there is none), as if no other thread had written in between:
   * if one has, `change` is called again with what that one wrote. `undefined` from `change` leaves everything as it is. Returns
   * whether a new value was stored; it expires as if it had been set. `change` must be synchronous and may be called more than once.
   */
  update<T = unknown>(key: string, change: (old: T | undefined) => T | undefined, options?: EntryOptions): boolean {
    checkKey(key)
    if (typeof change !== 'function') throw invalidArgument(`update takes a function, got ${show(change)}`)
    return this.#entries.update(key, change as (old: unknown) => unknown, options)
  }

  /**
   * Adds to a number and returns the sum; an absent entry counts as 0 and gets the given expiry, an existing one keeps its own.
   * `undefined` when the sum cannot be kept. Throws OSTRAKA_ERR_NOT_A_NUMBER when the entry is something else.
   */
  increment(key: string, by = 1, options?: EntryOptions): number | undefined {
    checkKey(key)
    if (typeof by !== 'number' || Number.isNaN(by)) throw invalidArgument(`increment takes a number, got ${show(by)}`)
    return this.#entries.increment(key, by, options)
  }

  /** Gives a live entry a new expiry: the given one, or the cache's defaults. Returns whether there was an entry. */
  touch(key: string, options?: EntryOptions): boolean {
    checkKey(key)
    return this.#entries.touch(key, options)
  }

  /** Removes the entry and returns its value: one caller of all threads gets it. */
  take<T = unknown>(key: string): T | undefined {
    checkKey(key)
    return this.#entries.take(key) as T | undefined
  }

  /** Removes the entry; whether there was a live one. */
  delete(key: string): boolean {
    checkKey(key)
    return this.#engine.delete(key)
  }

  /** `set` for each entry, in order; the results are aligned. Each is atomic for itself: what stands before a fault is stored. */
  setMany(entries: Iterable<Entry>): boolean[] {
    if (typeof entries !== 'object' || entries === null || typeof entries[Symbol.iterator] !== 'function') {
      throw invalidArgument(`setMany takes an iterable of [key, value] or [key, value, options], got ${show(entries)}`)
    }
    const list = [...entries]
    for (const entry of list) {
      if (!Array.isArray(entry))
        throw invalidArgument(`setMany takes [key, value] or [key, value, options], got ${show(entry)}`)
      checkKey(entry[0])
    }
    return list.map(([key, value, options]) => this.set(key, value, options))
  }

  /** `delete` for each key; how many live entries there were. */
  deleteMany(keys: readonly string[]): number {
    checkKeys(keys)
    let removed = 0
    for (const key of keys) if (this.#engine.delete(key)) removed++
    return removed
  }

  /** Removes everything, in constant time: no thread reads an older entry once this returns. */
  clear(): void {
    this.#engine.clear()
    this.#entries.near?.clear()
  }

  /**
   * The keys that begin with `prefix`. Weakly consistent: every entry that lives throughout is seen exactly once, others may be seen or
   * not. Looks at every entry, a few hundred at a time.
   */
  scan(options: { prefix?: string | undefined } = {}): IterableIterator<string> {
    const prefix = options.prefix ?? ''
    if (typeof prefix !== 'string') throw invalidArgument(`scan takes a string as prefix, got ${show(prefix)}`)
    return scanKeys(() => this.#engine, prefix)
  }

  /** What is known about an entry, without its value and without counting as a use; `undefined` when there is none. */
  inspect(key: string): EntryDescription | undefined {
    checkKey(key)
    return describeEntry(this.#engine, key)
  }

  /** Counters and sizes, over all threads. A few microseconds for each attached thread. */
  stats(): CacheStats {
    const { name, engineReason, sharedBytes, shared } = this.#parts
    const { notWanted, near } = this.#entries
    return readStats(this.#engine, {
      name,
      engineReason,
      sharedBytes,
      maxBytes: shared.maxBytes,
      maxEntries: shared.maxEntries,
      near: near?.stats(),
      notWanted,
    })
  }

  /** Lets time pass, in all threads, for a cache with `clock: 'manual'`; else throws OSTRAKA_ERR_CLOCK. */
  advance(duration: number | string): void {
    const milliseconds = parseDuration(duration)
    if (milliseconds === undefined || milliseconds === Infinity) {
      throw invalidArgument(`advance takes a duration, got ${show(duration)}; use ${durationHint}`)
    }
    if (this.#parts.shared.clock !== 'manual') {
      throw new OstrakaError('OSTRAKA_ERR_CLOCK', "advance needs a cache created with clock: 'manual'")
    }
    this.#engine.advance(milliseconds)
  }

  /**
   * Ends this handle: the last one of all threads closes the cache and frees its memory. With `all` the cache is closed for every
   * thread at once; the others then miss, and their `set` returns false. Closing again does nothing.
   */
  async close(options: { all?: boolean | undefined } = {}): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#engine = closedEngine
    this.#entries.close()
    this.#parts.leave(options.all === true)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  [Symbol.dispose](): void {
    void this.close()
  }
}
