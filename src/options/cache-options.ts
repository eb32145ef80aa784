// The options of createCache as users write them, and the settings they become. Types and defaults only; touches nothing.

import type { StatsLevel } from '../stats/level.js'
import type { Codec } from './codec.js'
import type { Duration, Size } from './units.js'

/** How `get` hands out structured values. */
export type NearValues = 'frozen' | 'reference' | 'copy'

/** The near cache: decoded values, kept by each thread for itself. */
export interface NearOptions {
  /** Most entries a thread keeps. Default 10,000. */
  maxEntries?: number | undefined
  /** Most bytes (as encoded) a thread keeps. Default '8mb'. */
  maxBytes?: Size | undefined
  /** Values longer than this (as encoded) are not kept near. Default '64kb'. */
  maxValueBytes?: Size | undefined
  /**
   * 'frozen' (default): plain objects and arrays come deep-frozen and shared within the thread; what cannot be frozen comes as a
   * fresh copy. 'reference': shared within the thread and not frozen, so a change is seen by this thread's other callers.
   * 'copy': a fresh copy every time.
   */
  values?: NearValues | undefined
}

/** Bounds on the loads that a thread runs for a cache or a namespace. */
export interface LoadsOptions {
  /** Most loads that run at once. Default 256. */
  concurrency?: number | undefined
  /** Most loads that wait for their turn; one more is refused with OSTRAKA_ERR_LOAD_QUEUE_FULL. Default 65,536. */
  queue?: number | undefined
}

/** The modes of the eviction policy, and 'adaptive', the default, which chooses among them. */
export const cachePolicies = [
  'adaptive',
  's3-fifo',
  'balanced',
  'frequency',
  'recency',
  'clock',
  'scan',
  'light',
] as const
export type CachePolicy = (typeof cachePolicies)[number]

export interface CacheOptions {
  /** The name under which every thread of the process finds this cache. Default 'default'. */
  name?: string | undefined
  /** Bound on all shared memory: index, records, sketches, open segments. Default '64mb'. */
  maxBytes?: Size | undefined
  /** Bound on the number of entries, never exceeded. Default: none. */
  maxEntries?: number | undefined
  /** Assumed mean size of an entry, key and value together, by which the index is sized when there is no `maxEntries`. Default 256. */
  entryBytes?: Size | undefined
  /** Partitions of the memory: a power of two, or 'auto'. */
  shards?: number | 'auto' | undefined
  /**
   * Threads of the cache's own that do its upkeep: 0 (the callers do it) to 32. 'auto' (default): one, started when there is upkeep to do;
   * none where the cache is below 16 MiB, has one core, or is a repeatable one (`seed`, a manual clock).
   */
  owners?: number | 'auto' | undefined
  /** Which implementation works on the memory in this thread. The environment variable OSTRAKA_ENGINE overrides it. */
  engine?: 'auto' | 'native' | 'js' | undefined
  /** How long entries live that are set without a `ttl` of their own. 0 keeps nothing. Default: for ever. */
  ttl?: Duration | undefined
  /** Entries not used for so long expire. Default: never. */
  idle?: Duration | undefined
  /** Shortens every `ttl` by a random share of up to this much (0 to 1), so that entries set together do not expire together. */
  ttlJitter?: number | undefined
  /** The near cache of this thread, or `false` for none. */
  near?: NearOptions | false | undefined
  /** How many loads this thread runs at once, and how many wait. */
  loads?: LoadsOptions | undefined
  /**
   * How structured values are written. 'auto' keeps every supported type; 'json', 'msgpack' (with the package msgpackr) and 'v8' are for
   * records that other programs read, and refuse what they would lose; a module of your own (a file URL, absolute path or package name) exports `encode(value)` and `decode(bytes)` and answers for its types itself.
   */
  codec?: 'auto' | 'json' | 'msgpack' | 'v8' | { readonly module: string } | undefined
  /** What is kept when the cache is full: docs/cache.md, 'What is kept'. 'adaptive' changes among the other modes as it learns; any of them by name fixes it. */
  policy?: CachePolicy | undefined
  /** Asks the kernel for huge pages under the shared memory: fewer address misses in a large cache. Native engine on Linux. Default false. */
  hugePages?: boolean | undefined
  /**
   * How much the cache observes of itself at first; `cache.statsLevel` changes it while it runs. Default 'sampled': everything is counted, and about
   * one operation in 256 timed.
   */
  stats?: StatsLevel | undefined
  /** 'manual': time stands still until `cache.advance(…)`, in all threads. For tests. */
  clock?: 'system' | 'manual' | undefined
  /** Seed of the hash functions, for repeatable tests. Default: random for each cache. */
  seed?: number | bigint | undefined
}

/** What differs from the cache in a namespace; whatever is left out is as there. */
export interface NamespaceOptions {
  /** How long entries live that are set without a `ttl` of their own. */
  ttl?: Duration | undefined
  /** Entries not used for so long expire. */
  idle?: Duration | undefined
  /** Shortens every `ttl` by a random share of up to this much (0 to 1). */
  ttlJitter?: number | undefined
  /** How structured values are written. Default: as in the cache, whose module, if it has one, cannot be exchanged for another here. */
  codec?: 'auto' | 'json' | 'msgpack' | 'v8' | undefined
  /** The near cache of this namespace in this thread: with bounds of its own, or `false` for none. Default: within the cache's bounds. */
  near?: NearOptions | false | undefined
  /** How many loads of this namespace this thread runs at once, and how many wait: bounds of its own beside the cache's. */
  loads?: LoadsOptions | undefined
}

/** What holds for entries that are set without options of their own. */
export interface EntryDefaults {
  /** Milliseconds, −1 for none. */
  readonly ttl: number
  /** Milliseconds, −1 for none. */
  readonly idle: number
  readonly ttlJitter: number
  readonly codec: Codec
}

/** What all threads of a cache share, fixed by the thread that creates it. */
export interface SharedSettings extends EntryDefaults {
  readonly maxBytes: number
  /** 0 = no bound. */
  readonly maxEntries: number
  readonly entryBytes: number
  readonly shards: number | 'auto'
  readonly owners: number | 'auto'
  readonly policy: CachePolicy
  readonly hugePages: boolean
  readonly stats: StatsLevel
  readonly clock: 'system' | 'manual'
  /** Undefined: the creator draws one at random. */
  readonly seed: bigint | undefined
}

export interface NearSettings {
  readonly maxEntries: number
  readonly maxBytes: number
  readonly maxValueBytes: number
  readonly values: NearValues
}

export interface CacheSettings {
  readonly name: string
  readonly shared: SharedSettings
  /** The shared options that the caller named; the others take what an existing cache has. */
  readonly given: ReadonlySet<keyof SharedSettings>
  readonly engine: 'auto' | 'native' | 'js'
  readonly near: NearSettings | undefined
  readonly loads: LoadBounds
}

export interface LoadBounds {
  readonly concurrency: number
  readonly queue: number
}

export const defaultName = 'default'

export const defaultShared: SharedSettings = {
  maxBytes: 64 * 2 ** 20,
  maxEntries: 0,
  entryBytes: 256,
  shards: 'auto',
  owners: 'auto',
  ttl: -1,
  idle: -1,
  ttlJitter: 0,
  codec: 'auto',
  policy: 'adaptive',
  hugePages: false,
  stats: 'sampled',
  clock: 'system',
  seed: undefined,
}

export const defaultNear: NearSettings = {
  maxEntries: 10_000,
  maxBytes: 8 * 2 ** 20,
  maxValueBytes: 64 * 2 ** 10,
  values: 'frozen',
}

/** Beyond a thousand loads at once a cache has no more leases to give, so the default stays far below it. */
export const defaultLoads: LoadBounds = { concurrency: 256, queue: 65_536 }
