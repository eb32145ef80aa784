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
  /** By a codec module of the user's. */
  module: 13,
  /** No value: a load is under way, or its outcome is kept for those who wait. Reads never hand it out; `lookUp` tells of it. */
  marker: 31,
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

/** When a write may happen. `fill`: the key is still bound to the lease that the load took (only `writeEntry`). */
export const Mode = { set: 0, add: 1, replace: 2, fill: 3 } as const

/** What a turn of `tend` or `reclaim` left: nothing for now; more to do; or somebody else is in the way, so later. */
export const Tended = { done: 0, more: 1, inTheWay: 2 } as const

/** How a lease stands or ended; 0: it runs. */
export const Lease = { running: 0, filled: 2, failed: 3, abandoned: 4, nothing: 5 } as const

/** What `lookUp` leaves in `found`. */
export const Found = { state: 0, freshFor: 1, endsIn: 2, cost: 3, lease: 4 } as const
/** `stale`: past its soft expiry, and not yet past its last one. `failed`, `nothing`: outcomes of loads, kept for those who wait. */
export const FoundState = { absent: 0, fresh: 1, stale: 2, failed: 3, nothing: 4 } as const

/** Of `acquireLease`, beside tokens, which are positive. */
export const Acquired = { running: 0, present: -1, full: -2 } as const
/** Bytes of an error that `endLease` keeps; what is longer is cut. */
export const MAX_OUTCOME_BYTES = 16 * 1024
/** How long the outcome of a load stays for those who wait, in ms. */
export const OUTCOME_MS = 2000

/**
 * Offsets of the words of `Engine.meta` (Int32Array), filled by reads: the kind, the value's length in bytes, and the stamp of
 * the record that was read (slot index, location, segment generation, world), good for `writeIf` and `isCurrent`.
 */
export const Meta = { kind: 0, length: 1, slot: 2, location: 3, generation: 4, world: 5, flags: 6 } as const
/** Bits of `Meta.flags`: it ends by time; it has tags, whose generations are part of whether it is current. */
export const MetaFlag = { ends: 1, tagged: 2 } as const

export interface WriteOptions {
  /** Milliseconds from now, −1 for none. */
  ttl: number
  /** Milliseconds since last use, −1 for none. */
  idle: number
}

/** What `writeEntry` stores beside key and value. Times are ms from now, −1 for none. */
export interface EntryFields {
  /** Until its very end. */
  ttl: number
  /** Since its last use. */
  idle: number
  /** While it is fresh; from then to `ttl` only `lookUp` finds it. What is above `ttl` is as much as `ttl`. */
  soft: number
  /** What the load took, in ms; −1: not said. */
  cost: number
  /** Of `tagStamp()`, taken before the load or the write began. */
  stamp: number
  /** Of `tagCounter()`; empty for none. */
  tags: Uint32Array
  /** The token, with `Mode.fill`. */
  lease: number
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

  /**
   * As the other writes, with all that an entry can have. With `Mode.fill` it is stored only if the key is still bound to the lease:
   * nothing was set, deleted, taken or cleared, no tag of it or of what it replaces was invalidated, and the lease has not ended.
   */
  writeEntry(key: string, value: string | Uint8Array, kind: number, mode: number, fields: EntryFields): number

  has(key: string): boolean
  /** Also removes what is stale and refuses the fill of a load that is under way; true only if there was a fresh entry. As `take`. */
  delete(key: string): boolean
  /** Like `read`, and removes exactly the record it read. A value longer than scratch goes to a new Uint8Array in `taken`. */
  take(key: string): string | number | undefined
  readonly taken: Uint8Array | undefined
  /** New expiry (−1: none) for a live entry. */
  touch(key: string, ttl: number, idle: number): boolean
  /** Milliseconds left, Infinity without expiry, −1 when absent. */
  expiresIn(key: string): number

  /** As `read(key, true)`, and finds what is stale too; `found` says what it is. A value longer than scratch that is no string comes in `taken`. The bytes of a failed load's outcome are those of its error. */
  lookUp(key: string): string | number | undefined
  /** {state, ms it is fresh, ms until its end, cost (−1: not said), token of the lease that runs for it or whose outcome this is (0: none)}; `Infinity` for no end. */
  readonly found: Float64Array
  /**
   * Asks for the lease of a key whose value is absent or stale; with `early` also of a fresh one that has an end. A token: the caller
   * loads, and ends the lease in any case. `Acquired.running`: another load runs, its token is in `found`. `Acquired.present`: nothing is
   * to be loaded. `Acquired.full`: no lease can be given. At the end of `timeoutMs` the lease ends by itself, and what it loaded is refused.
   */
  acquireLease(key: string, timeoutMs: number, early?: boolean): number
  /**
   * Ends a lease that this thread holds and wakes those who wait for it. After a `Mode.fill` that was stored: `filled`. `failed` keeps
   * `outcome` for those who wait in other threads, and leaves a stale value; `nothing` leaves no value at all. Without effect when it has ended already.
   */
  endLease(key: string, token: number, state: number, outcome: Uint8Array | undefined): void
  /** `Lease.running`, or how it ended: `abandoned` also when nothing is known of it any more, its time is over or its thread is proven dead. */
  leaseState(token: number): number
  /** What to wait on for a lease: `Atomics.waitAsync(leaseWords, leaseWord(token), leaseValue(token))`. Look at `leaseState` in between: a death wakes nobody. */
  readonly leaseWords: Int32Array
  leaseWord(token: number): number
  leaseValue(token: number): number

  /** The stamp that entries written from data of this moment carry: what is invalidated after it makes them absent. */
  tagStamp(): number
  /** The generation that a tag (1 to 65,535 bytes) shares with few others. */
  tagCounter(tag: string): number
  /** Makes every entry with one of these tags absent, unless its stamp is taken after this call. Cost: a few atomic operations. */
  invalidateTags(counters: Uint32Array): void
  /** Index of this thread's line in the registry: its own until it detaches. */
  readonly line: number
  /** Adds to one of this thread's counters, for what happens above the engine. */
  count(counter: number, by: number): void
  /** Whether this thread counts what it does from now on. */
  setCounting(counting: boolean): void
  /** Whether the keys of what this thread evicts, or finds expired or invalidated, are kept for `takeDepartures`. */
  watchDepartures(watched: boolean): void
  /** Appends why each left (the index of its counter) and its key, by turns; how many were lost since the last time, as nobody took them. */
  takeDepartures(into: (number | string)[]): number

  /** Whether the stamp still names the live record (for near caches). */
  isCurrent(slot: number, location: number, generation: number, world: number): boolean

  /** Keys from `cursor` (0 at first) on, at most about `limit`; returns the next cursor, 0 at the end. Weakly consistent; each live key that stays is seen once. With `all` also keys whose value is stale, or is being loaded. */
  scan(cursor: number, limit: number, prefix: string, into: string[], all?: boolean): number
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
  /**
   * An owner's turn on a shard, some tens of microseconds: advances the clock word, frees segments until there are `ahead` more than callers
   * begin to evict at, then tidies. Answers with `Tended`.
   */
  tend(shard: number, ahead: number): number
  /** An owner's turn of giving back what has expired or was cleared by whole segments. Answers with `Tended`. */
  reclaim(shard: number): number
  /** Looks into every attached thread, some microseconds each, and heals what the dead have left. */
  reap(): void
  /** Asks the kernel for huge pages under the shards; whether it agreed. Only where an engine can ask. */
  adviseHugePages?(): boolean
  /** Leaves the registry. Every later call is the caller's mistake and is guarded by the cache. */
  detach(): void
}
