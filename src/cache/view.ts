// The operations on entries in memory, as the cache and its namespaces offer them: checks arguments, turns keys into those in memory, and
// leaves the rest to `Entries` and the engine. Touches its handle's engine and this thread's near cache.
import { Mode, Status } from '../engine/engine.js'
import type { Loader, LoadManyOptions, LoadOptions } from '../loading/load-options.js'
import { type FetchOptions, Loading, type ManyLoader } from '../loading/loading.js'
import { queueOf } from '../loading/queue.js'
import { type AnyWrapOptions, type WrapOptions, type Wrapped, wrapFunction } from '../loading/wrap.js'
import type { EntryDefaults, LoadBounds } from '../options/cache-options.js'
import { durationHint, parseDuration } from '../options/units.js'
import { show } from '../options/validate.js'
import { Timed } from '../stats/histogram.js'
import type { Observer } from '../stats/observer.js'
import { checkKeyList, type EntryOptions, invalidArgument } from './arguments.js'
import type { Entries } from './entries.js'
import type { Handle } from './handle.js'
import { describeEntry, type EntryDescription } from './inspect.js'
import type { KeySpace } from './keys.js'
import { type NearCache, notNear } from './near.js'
import { scanKeys } from './scan.js'
import type { AnySchema, EntryOf, KeyOf, NumberKeyOf, Read, Schema, UntypedKeyOf, ValueOf } from './schema.js'

/** As in near.ts, where V8 takes constants of its own module into the code. */
const absent = notNear

/** What a view is made of. */
export interface ViewParts {
  readonly handle: Handle
  readonly keys: KeySpace
  readonly entries: Entries
  readonly defaults: EntryDefaults
  readonly loads: LoadBounds
  readonly manualClock: boolean
  /** The name of the cache, and that of the namespace where it is one. */
  readonly cacheName: string
  readonly namespaceName: string | undefined
}

/**
 * What a cache and a namespace have in common. Every method is synchronous and never waits for another thread. Any of them throws
 * OSTRAKA_ERR_CLOSED once the handle is closed, and OSTRAKA_ERR_INVALID_KEY unless the key is a non-empty string of at most 65,535
 * bytes, those of the namespace included.
 */
export abstract class CacheView<S extends Schema = AnySchema> {
  readonly #handle: Handle
  readonly #keys: KeySpace
  readonly #entries: Entries
  readonly #near: NearCache | undefined
  readonly #loading: Loading
  readonly #observer: Observer

  /** Not for users: `createCache` and `namespace` make views. */
  constructor(parts: ViewParts) {
    this.#handle = parts.handle
    this.#keys = parts.keys
    this.#entries = parts.entries
    this.#near = parts.entries.near
    this.#observer = parts.handle.observer
    this.#loading = loadingOf(parts)
  }

  /** The value, or `undefined` when there is no live entry. Counts as a use. About 0.1 µs near or for a short string. */
  get<T = never, K extends KeyOf<S> = KeyOf<S>>(key: K): Read<S, K, T> | undefined {
    if (--this.#observer.left < 0) return this.#observedGet<T, K>(key)
    const near = this.#near
    if (near !== undefined && this.#handle.open) {
      const value = near.get(key)
      if (value !== absent) return value as Read<S, K, T>
    }
    return this.#entries.get(this.#keys.encode(key), key) as Read<S, K, T> | undefined
  }

  // Operations that are looked at. Functions of their own: what a closure captures would be put aside by every operation.

  #observedGet<T, K extends KeyOf<S>>(key: K): Read<S, K, T> | undefined {
    const observer = this.#observer
    observer.begin()
    const value = this.get<T, K>(key)
    observer.end(Timed.get, this.#keys.encode(key))
    return value
  }

  #observedGetMany<T, K extends KeyOf<S>>(keys: readonly K[]): (Read<S, K, T> | undefined)[] {
    const observer = this.#observer
    observer.begin()
    const values = this.getMany<T, K>(keys)
    observer.end(Timed.batch, keys.length === 0 ? '' : this.#keys.encode(keys[0] as K))
    return values
  }

  #observedSet<K extends KeyOf<S>>(key: K, value: ValueOf<S, K>, options: EntryOptions | undefined): boolean {
    const observer = this.#observer
    observer.begin()
    const isStored = this.set(key, value, options)
    observer.end(Timed.set, this.#keys.encode(key))
    return isStored
  }

  #observedDelete(key: KeyOf<S>): boolean {
    const observer = this.#observer
    observer.begin()
    const wasThere = this.delete(key)
    observer.end(Timed.delete, this.#keys.encode(key))
    return wasThere
  }

  /** Like `get`, without counting as a use, a hit or a miss. */
  peek<T = never, K extends KeyOf<S> = KeyOf<S>>(key: K): Read<S, K, T> | undefined {
    return this.#entries.peek(this.#keys.encode(key)) as Read<S, K, T> | undefined
  }

  /** Whether there is a live entry. */
  has(key: KeyOf<S>): boolean {
    return this.#handle.engine.has(this.#keys.encode(key))
  }

  /** Milliseconds until the entry expires, Infinity when it does not, `undefined` when there is none. */
  expiresIn(key: KeyOf<S>): number | undefined {
    const left = this.#handle.engine.expiresIn(this.#keys.encode(key))
    return left < 0 ? undefined : left
  }

  /** The values of many keys, aligned with `keys`; cheaper than as many `get`. */
  getMany<T = never, K extends KeyOf<S> = KeyOf<S>>(keys: readonly K[]): (Read<S, K, T> | undefined)[] {
    checkKeyList(keys)
    const observer = this.#observer
    if (--observer.left < 0) return this.#observedGetMany<T, K>(keys)
    const values = this.#entries.getMany(this.#keys.encodeAll(keys), keys) as (Read<S, K, T> | undefined)[]
    observer.batch(values)
    return values
  }

  /**
   * Stores the value, visible to every thread on return. `false` when it cannot be kept (too large, no room, `ttl: 0`; counted in
   * `stats().sets`): then nothing is left under the key. Throws OSTRAKA_ERR_INVALID_VALUE, naming the path and before anything is
   * changed, for values that would not come back as they are.
   */
  set<K extends KeyOf<S>>(key: K, value: ValueOf<S, K>, options?: EntryOptions): boolean {
    if (--this.#observer.left < 0) return this.#observedSet(key, value, options)
    return this.#entries.write(this.#keys.encode(key), value, Mode.set, options) === Status.stored
  }

  /** Stores the value only if there is no live entry: `true` for exactly one caller of all threads. */
  add<K extends KeyOf<S>>(key: K, value: ValueOf<S, K>, options?: EntryOptions): boolean {
    return this.#entries.write(this.#keys.encode(key), value, Mode.add, options) === Status.stored
  }

  /**
   * Replaces the value by what `change` makes of it (`undefined` when there is none), as if no other thread had written in between:
   * if one has, `change` is called again with what that one wrote. `undefined` from `change` leaves everything as it is. Returns
   * whether a new value was stored; it expires as if it had been set. `change` must be synchronous and may be called more than once.
   */
  update<T = unknown>(
    key: UntypedKeyOf<S>,
    change: (old: T | undefined) => T | undefined,
    options?: EntryOptions,
  ): boolean
  update<K extends KeyOf<S>>(
    key: K,
    change: (old: ValueOf<S, K> | undefined) => ValueOf<S, K> | undefined,
    options?: EntryOptions,
  ): boolean
  update(key: string, change: (old: never) => unknown, options?: EntryOptions): boolean {
    const stored = this.#keys.encode(key)
    if (typeof change !== 'function') throw invalidArgument(`update takes a function, got ${show(change)}`)
    return this.#entries.update(stored, change as (old: unknown) => unknown, options)
  }

  /**
   * Adds to a number and returns the sum; an absent entry counts as 0 and gets the given expiry, an existing one keeps its own.
   * `undefined` when the sum cannot be kept. Throws OSTRAKA_ERR_NOT_A_NUMBER when the entry is something else.
   */
  increment(key: NumberKeyOf<S>, by = 1, options?: EntryOptions): number | undefined {
    const stored = this.#keys.encode(key)
    if (typeof by !== 'number' || Number.isNaN(by)) throw invalidArgument(`increment takes a number, got ${show(by)}`)
    return this.#entries.increment(stored, key, by, options)
  }

  /** Gives a live entry a new expiry: the given one, or the defaults. Returns whether there was an entry. */
  touch(key: KeyOf<S>, options?: EntryOptions): boolean {
    return this.#entries.touch(this.#keys.encode(key), options)
  }

  /** Removes the entry and returns its value: one caller of all threads gets it. */
  take<T = never, K extends KeyOf<S> = KeyOf<S>>(key: K): Read<S, K, T> | undefined {
    return this.#entries.take(this.#keys.encode(key)) as Read<S, K, T> | undefined
  }

  /** Removes the entry; whether there was a live one. */
  delete(key: KeyOf<S>): boolean {
    if (--this.#observer.left < 0) return this.#observedDelete(key)
    return this.#entries.delete(this.#keys.encode(key))
  }

  /** `set` for each entry, in order; the results are aligned. Each is atomic for itself: what stands before a fault is stored. */
  setMany(entries: Iterable<EntryOf<S, EntryOptions>>): boolean[] {
    if (typeof entries !== 'object' || entries === null || typeof entries[Symbol.iterator] !== 'function') {
      throw invalidArgument(`setMany takes an iterable of [key, value] or [key, value, options], got ${show(entries)}`)
    }
    const list = [...entries] as Entry[]
    const stored = list.map((entry) => {
      if (Array.isArray(entry)) return this.#keys.encode(entry[0])
      throw invalidArgument(`setMany takes [key, value] or [key, value, options], got ${show(entry)}`)
    })
    return list.map(([, value, options], index) => {
      return this.#entries.write(stored[index] as string, value, Mode.set, options) === Status.stored
    })
  }

  /** `delete` for each key; how many live entries there were. */
  deleteMany(keys: readonly KeyOf<S>[]): number {
    checkKeyList(keys)
    let removed = 0
    for (const key of this.#keys.encodeAll(keys)) if (this.#entries.delete(key)) removed++
    return removed
  }

  /**
   * The keys that begin with `prefix`, without those of namespaces within. Weakly consistent: every entry that lives throughout is
   * seen exactly once, others may be seen or not. Looks at every entry of the cache, a few hundred at a time.
   */
  scan(options: { prefix?: string | undefined } = {}): IterableIterator<KeyOf<S>> {
    const prefix = options.prefix ?? ''
    if (typeof prefix !== 'string') throw invalidArgument(`scan takes a string as prefix, got ${show(prefix)}`)
    return this.#scan(prefix)
  }

  *#scan(prefix: string): IterableIterator<KeyOf<S>> {
    const entries = this.#handle.engine.size
    let given = 0
    for (const stored of scanKeys(() => this.#handle.engine, this.#keys.encodePrefix(prefix))) {
      const key = this.#keys.decode(stored)
      if (key === undefined) continue
      given++
      yield key as KeyOf<S>
    }
    this.#observer.scanned(entries, given)
  }

  /**
   * The value from memory, and later from what is behind it; `undefined` when there is none. Runs no loader: that is `getOrSet`.
   * Rejects with what `signal` was aborted with.
   */
  async fetch<T = never, K extends KeyOf<S> = KeyOf<S>>(
    key: K,
    options?: FetchOptions,
  ): Promise<Read<S, K, T> | undefined> {
    this.#loading.checkFetch(options)
    return this.get<T, K>(key)
  }

  /**
   * The value; where there is none, what `loader` makes of the key, kept for the next caller. One loader runs for a key in the whole
   * process, all others wait for it. Rejects with the loader's error, OSTRAKA_ERR_LOAD_TIMEOUT, OSTRAKA_ERR_LOAD_CYCLE,
   * OSTRAKA_ERR_LOAD_QUEUE_FULL, or what the caller's signal was aborted with; options are checked when the value is not simply there.
   * A memory hit costs little more than `get`. See docs/loading.md.
   */
  getOrSet<T extends ValueOf<S, K> | undefined, K extends KeyOf<S> = KeyOf<S>>(
    key: K,
    loader: Loader<T>,
    options?: LoadOptions<NoInfer<T>>,
  ): Promise<T> {
    return this.#loading.getOrSet(key, loader, options as LoadOptions<never>) as Promise<T>
  }

  /**
   * The values of many keys, aligned with them; those that are absent are loaded by one call of `loader`. Keys that are being loaded
   * elsewhere are waited for. At most 512 keys are loaded by one call.
   */
  getOrSetMany<T extends ValueOf<S, K>, K extends KeyOf<S> = KeyOf<S>>(
    keys: readonly K[],
    loader: ManyLoader<T>,
    options?: LoadManyOptions<NoInfer<T>>,
  ): Promise<(T | undefined)[]> {
    return this.#loading.getOrSetMany(keys, loader, options as LoadManyOptions<never>) as Promise<(T | undefined)[]>
  }

  /**
   * The function with its results kept, under keys made of `name` and the arguments. Arguments are plain data: what cannot be told apart
   * by its contents (functions, symbols, instances of classes, cycles) rejects with OSTRAKA_ERR_INVALID_ARGUMENT. `this` is passed on and
   * no part of the key.
   */
  wrap<This, Arguments extends readonly unknown[], Result>(
    name: string,
    work: (this: This, ...args: Arguments) => Result,
    options?: WrapOptions<Arguments, NoInfer<Awaited<Result>>>,
  ): Wrapped<This, Arguments, Awaited<Result>> {
    const peek = (key: string) => this.#entries.peek(this.#keys.encode(key))
    const wrapped = wrapFunction(this.#loading, peek, name, work as () => unknown, options as AnyWrapOptions)
    return wrapped as Wrapped<unknown, readonly unknown[], unknown> as Wrapped<This, Arguments, Awaited<Result>>
  }

  /**
   * Removes these entries; what loads that began before bring is not kept and given to no later caller. Resolves when no tier and no
   * thread of this process can yield an older value.
   */
  invalidate(keys: KeyOf<S> | readonly KeyOf<S>[]): Promise<void> {
    return this.#loading.invalidate(keys)
  }

  /**
   * As `invalidate`, for all entries that have one of these tags, whoever stored them, in namespaces too; a few atomic operations for
   * each tag, however many entries there are.
   */
  invalidateTags(tags: string | readonly string[]): Promise<void> {
    return this.#loading.invalidateTags(tags)
  }

  /** What is known about an entry, without its value and without counting as a use; `undefined` when there is none. */
  inspect(key: KeyOf<S>): EntryDescription | undefined {
    return describeEntry(this.#handle.engine, this.#keys.encode(key), key)
  }
}

function loadingOf(parts: ViewParts): Loading {
  const { handle, keys, entries, defaults, loads, manualClock, cacheName, namespaceName } = parts
  return new Loading({
    engine: handle.engine,
    entries,
    owner: handle,
    defaults,
    codec: defaults.codec,
    manualClock,
    cache: cacheName,
    namespace: namespaceName,
    queue: queueOf(handle.engine, keys.prefix, loads),
    encode: (key) => keys.encode(key),
  })
}

/** One entry of `setMany`. */
export type Entry = readonly [key: string, value: unknown, options?: EntryOptions]

/** Whole milliseconds of a duration that a caller passed, or OSTRAKA_ERR_INVALID_ARGUMENT. */
export function readDuration(duration: unknown, what: string): number {
  const milliseconds = parseDuration(duration)
  if (milliseconds !== undefined && milliseconds !== Infinity) return milliseconds
  throw invalidArgument(`${what} takes a duration, got ${show(duration)}; use ${durationHint}`)
}
