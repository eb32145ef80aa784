// The contract that both engines fulfil: one object per thread and cache, attached to the shared regions.
// May touch: nothing but types. Everything here is synchronous, never waits for another thread beyond a bounded
// eviction turn, and may be called only from the thread that attached.

/** How a record's value bytes are to be read; part of the layout (see docs/slab.md 1.5). */
export const Kind = {
  bytes: 0,
  ascii: 1,
  utf8: 2,
  utf16: 3,
  number: 4,
  true: 5,
  false: 6,
  null: 7,
  bigint: 8,
  v8: 9,
  json: 10,
  msgpack: 11,
  own: 12,
} as const

/**
 * What a write did. Negative: it could not be kept, which is counted by reason; a `set` has then left nothing under the key, a write
 * with a condition has changed nothing.
 */
export const Status = {
  stored: 1,
  /** `add` found a live entry, or a compare-and-set found another one: nothing changed. */
  refused: 0,
  tooLarge: -1,
  noRoom: -2,
  /** Memory could not be reused because a thread is paused in the middle of an operation. */
  paused: -3,
  closed: -4,
} as const

/** When a write may happen. */
export const Mode = { set: 0, add: 1, replace: 2 } as const

/**
 * Offsets of the words of `Engine.meta` (Int32Array), filled by reads: the kind, the value's length in bytes, and the stamp of
 * the record that was read (slot index, location, segment generation, world), good for `writeIf` and `isCurrent`.
 */
export const Meta = { kind: 0, length: 1, slot: 2, location: 3, generation: 4, world: 5, flags: 6 } as const

export interface WriteOptions {
  /** Milliseconds from now, −1 for none. */
  ttl: number
  /** Milliseconds since last use, −1 for none. */
  idle: number
}

export interface Engine {
  readonly name: 'native' | 'js'
  /** Private to this thread; values that are not strings are left here by reads (up to its length), and given here to writes. */
  readonly scratch: Uint8Array
  readonly meta: Int32Array

  /**
   * The value of a live entry: a string for the string kinds, `undefined` when absent, else the length in bytes, with `meta` filled
   * and, when the length is at most `scratch.length`, the bytes in `scratch`; longer ones are fetched with `readInto`.
   * `touch` false (peek): no effect on frequency or idle time, not counted as hit or miss.
   */
  read(key: string, touch: boolean): string | number | undefined
  /** Copies the value whose length `read` told into `target` (at least that long); returns its length now (nothing copied if longer than target), −1 when absent. */
  readInto(key: string, target: Uint8Array): number
  /** Aligned with keys; one crossing for all. Entries as `read` returns them, except that a value which is no string comes as a copy in a Uint8Array, with its kind in `kinds`. */
  readMany(keys: readonly string[], kinds: Uint8Array): (string | Uint8Array | undefined)[]

  writeString(key: string, value: string, mode: number, ttl: number, idle: number): number
  writeBytes(key: string, bytes: Uint8Array, kind: number, mode: number, ttl: number, idle: number): number
  /** Stores only if the entry is still the one that `meta` described after a `read` of this key. */
  writeIf(
    key: string,
    bytes: Uint8Array,
    kind: number,
    ttl: number,
    idle: number,
    slot: number,
    location: number,
    generation: number,
  ): number
  writeStringIf(
    key: string,
    value: string,
    ttl: number,
    idle: number,
    slot: number,
    location: number,
    generation: number,
  ): number
  /** Adds to a number entry (an absent one counts as 0); NaN when the entry is not a number, undefined when it cannot be kept. Keeps the expiry of an existing entry. */
  increment(key: string, by: number, ttl: number, idle: number): number | undefined

  has(key: string): boolean
  delete(key: string): boolean
  /** Like `read`, and removes exactly the record it read. A value longer than scratch goes to a new Uint8Array in `taken`. */
  take(key: string): string | number | undefined
  readonly taken: Uint8Array | undefined
  /** New expiry (−1: none) for a live entry. */
  touch(key: string, ttl: number, idle: number): boolean
  /** Milliseconds left, Infinity without expiry, −1 when absent. */
  expiresIn(key: string): number
  /** Whether the stamp still names the live record (for near caches). */
  isCurrent(slot: number, location: number, generation: number, world: number): boolean

  /** Keys from `cursor` (0 at first) on, at most about `limit`; returns the next cursor, 0 at the end. Weakly consistent; each live key that stays is seen once. */
  scan(cursor: number, limit: number, prefix: string, into: string[]): number
  clear(): void
  readonly size: number
  /** Counters summed over all threads, indexed as in layout.ts. */
  counters(): Float64Array
  /** Advances a manual clock by milliseconds. */
  advance(milliseconds: number): void
  /** Milliseconds since the cache was created, as expiry sees them. */
  now(): number
  /** Does a bounded amount of upkeep; true when more is left. */
  maintain(): boolean
  /** Asks the kernel for huge pages under the shards; whether it agreed. Only where an engine can ask. */
  adviseHugePages?(): boolean
  /** Leaves the registry. Every later call is the caller's mistake and is guarded by the cache. */
  detach(): void
}
