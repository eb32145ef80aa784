// What `cache.stats()` tells: one documented, versioned shape, made from the counters that all threads keep in shared memory.
// Reads the engine's counters and what the cache observes of itself; touches nothing else.
import type { Engine } from '../engine/engine.js'
import { Counter } from '../engine/layout.js'
import type { LoadQueue } from '../loading/queue.js'
import type { CachePolicy } from '../options/cache-options.js'
import type { OwnerStatus } from '../owners/supervisor.js'
import { type LatencySummary, summaryOf, type TimedKind, timedKinds } from '../stats/histogram.js'
import type { StatsLevel } from '../stats/level.js'
import type { Observed } from '../stats/observed.js'
import type { Occupancy } from '../stats/occupancy.js'
import type { ShardPolicy } from '../stats/policy.js'
import { evictedOf, overallHitRatioOf, shareOf, type Totals, writesOf } from '../stats/totals.js'
import type { NearStats } from './near.js'
import type { ThreadOwners } from './thread-owners.js'

/** A snapshot, over all threads unless it says otherwise. The counters only grow; `clear()` does not reset them. */
export interface CacheStats {
  /** Version of this shape. Fields may be added under the same version; none changes its meaning. */
  readonly version: 1
  readonly name: string
  /** The engine of this thread, and why it is this one. */
  readonly engine: 'native' | 'js'
  readonly engineReason: string
  /** Live entries now. */
  readonly size: number
  readonly maxBytes: number
  /** Undefined: bounded by bytes alone. */
  readonly maxEntries: number | undefined
  /** Shared memory in use or set aside: index, records, sketches, everything. Never more than `maxBytes`. */
  readonly sharedBytes: number
  /** Reads that found a live entry, near hits included. */
  readonly hits: number
  readonly misses: number
  /** hits / (hits + misses), 0 before the first read. */
  readonly hitRatio: number
  readonly sets: {
    readonly stored: number
    /** … of these, how many took the place of a live entry. */
    readonly replaced: number
    /** `add` found an entry, or `update` met another writer and tried again. */
    readonly refused: number
    /** Not kept, and nothing left under the key: the value is too large, */
    readonly tooLarge: number
    /** no room could be made, */
    readonly noRoom: number
    /** a thread that is paused in the middle of an operation keeps memory from being reused, */
    readonly paused: number
    /** or, in this handle, `ttl: 0` said not to keep it. */
    readonly notWanted: number
  }
  /** Of getOrSet, getOrSetMany and wrap. */
  readonly loads: {
    /** Loaders that were called. */
    readonly started: number
    /** Callers that waited for a load which another one had begun. */
    readonly waited: number
    /** Loads that ended with an error or at their hard timeout. */
    readonly failed: number
    /** Callers who got a value past its ttl. */
    readonly staleServed: number
    /** Values of loads that were not kept, because something was set, deleted or invalidated meanwhile, or they came too late. */
    readonly refused: number
    /** Loads without a lease, since too many ran in the process: their values were not kept. */
    readonly withoutLease: number
    /** In this thread: loads refused because too many waited for their turn, */
    readonly queueFull: number
    /** loads that run now, */
    readonly running: number
    /** and loads that wait for their turn. */
    readonly queued: number
    readonly tagInvalidations: number
    /** Entries dropped because one of their tags had been invalidated. */
    readonly invalidated: number
  }
  readonly deleted: number
  readonly taken: number
  readonly touched: number
  readonly incremented: number
  readonly expired: number
  /** Removed to make room. */
  readonly evicted: number
  readonly clears: number
  /** Bytes of records. */
  readonly bytesWritten: number
  readonly bytesRead: number
  /** This thread's near cache; undefined when it is off. */
  readonly near: NearStats | undefined
  /** The cache's own threads (docs/owners.md). */
  readonly owners: OwnersStats
  /** How much is counted and timed, in all threads. */
  readonly level: StatsLevel
  /** Hits by the tier that answered, over all threads; their sum is `hits`. */
  readonly tiers: { readonly near: { readonly hits: number }; readonly memory: { readonly hits: number } }
  /** What was timed, in milliseconds, over all threads; undefined: nothing was. */
  readonly latency: Readonly<Record<TimedKind, LatencySummary | undefined>>
  /** What the shared memory is full of, and the most live bytes that anybody who looked ever saw. */
  readonly memory: Occupancy & { readonly peakLiveBytes: number }
  /** What decides what is kept, shard by shard: the option, the mode in force, what the others would give, and which changes led there. */
  readonly policy: { readonly option: CachePolicy; readonly shards: readonly ShardPolicy[] }
  /** Values that were not kept, by reason, over all threads, of so many `attempts` to store one. */
  readonly drops: {
    readonly attempts: number
    readonly tooLarge: number
    readonly noRoom: number
    readonly paused: number
    readonly notWanted: number
  }
  /** What the cache was worth. */
  readonly worth: {
    /** What the loads that did not have to run would have taken, as they did when they ran, less what the hits took. */
    readonly timeSavedSeconds: number
    /** Calls of getOrSet and wrap that were answered without a load of their own. */
    readonly queriesAvoided: number
    /** Lookups answered without a loader, stale values included, of all lookups. */
    readonly overallHitRatio: number
  }
  /** Calls of `getMany`, their keys, and how many of these were there. */
  readonly batches: { readonly calls: number; readonly keys: number; readonly hits: number }
  /** Calls of `scan` that came to their end, the entries they went through, and the keys they gave. */
  readonly scans: { readonly calls: number; readonly entries: number; readonly matches: number }
  /** Upkeep, for those who look for the cause of something. */
  readonly upkeep: {
    readonly evictedFromSmall: number
    readonly evictedFromMain: number
    /** Removed because both places of a key in the index were full. */
    readonly evictedFromIndex: number
    readonly promoted: number
    readonly reinserted: number
    readonly ghostHits: number
    readonly bytesRelocated: number
    readonly segmentsOpened: number
    readonly segmentsFreed: number
    readonly segmentsCompacted: number
    readonly linkRetries: number
    readonly graceBlocked: number
    readonly evictorBusy: number
    readonly threadsReaped: number
    readonly readersExpelled: number
  }
}

export interface OwnersStats {
  /** How many there are to be, */
  readonly count: number
  /** and why so many: a sentence for people. */
  readonly reason: string
  /** Why the last one that this thread started came to nothing. */
  readonly failure: string | undefined
  readonly threads: readonly OwnerStatus[]
}

export function ownersStats(owners: ThreadOwners | undefined, reason: string): OwnersStats {
  const threads = owners?.status() ?? []
  return { count: threads.length, reason, failure: owners?.failure, threads }
}

/** What a handle knows that the counters do not say. */
export interface StatsContext {
  readonly name: string
  readonly engineReason: string
  readonly maxBytes: number
  readonly maxEntries: number
  readonly policy: CachePolicy
  readonly sharedBytes: number
  readonly notWanted: number
  readonly near: NearStats | undefined
  readonly queue: LoadQueue
  readonly owners: OwnersStats
  readonly observed: Observed
}

export function readStats(engine: Engine, context: StatsContext): CacheStats {
  const { observed } = context
  const totals = observed.totals(engine)
  const { hits, misses } = totals
  const latency = latencyOf(observed)
  return {
    version: 1,
    name: context.name,
    engine: engine.name,
    engineReason: context.engineReason,
    size: engine.size,
    maxBytes: context.maxBytes,
    maxEntries: context.maxEntries === 0 ? undefined : context.maxEntries,
    sharedBytes: context.sharedBytes,
    policy: { option: context.policy, shards: observed.policy() },
    hits,
    misses,
    hitRatio: shareOf(hits, hits + misses),
    sets: {
      stored: totals.stored,
      replaced: totals.replaced,
      refused: totals.refused,
      tooLarge: totals.tooLarge,
      noRoom: totals.noRoom,
      paused: totals.paused,
      notWanted: context.notWanted,
    },
    loads: {
      started: totals.loads,
      waited: totals.loadsWaited,
      failed: totals.loadsFailed,
      staleServed: totals.staleServed,
      refused: totals.fillsRefused,
      withoutLease: totals.withoutLease,
      queueFull: context.queue.refused,
      running: context.queue.running,
      queued: context.queue.waiting,
      tagInvalidations: totals.tagInvalidations,
      invalidated: totals.invalidated,
    },
    deleted: totals.deleted,
    taken: totals.taken,
    touched: totals.touched,
    incremented: totals.incremented,
    expired: totals.expired,
    evicted: evictedOf(totals),
    clears: totals.clears,
    bytesWritten: totals.bytesWritten,
    bytesRead: totals.bytesRead,
    near: context.near,
    owners: context.owners,
    level: observed.level,
    tiers: { near: { hits: totals.nearHits }, memory: { hits: hits - totals.nearHits } },
    latency,
    memory: memoryOf(observed),
    drops: dropsOf(totals),
    worth: worthOf(totals, latency.get?.p50 ?? 0),
    batches: { calls: totals.batches, keys: totals.batchKeys, hits: totals.batchHits },
    scans: { calls: totals.scans, entries: totals.scanned, matches: totals.scanHits },
    upkeep: upkeepOf(engine, totals),
  }
}

function latencyOf(observed: Observed): CacheStats['latency'] {
  const all = timedKinds.map((name, kind) => [name, summaryOf(observed.histograms.read(kind))])
  return Object.fromEntries(all) as CacheStats['latency']
}

function memoryOf(observed: Observed): CacheStats['memory'] {
  const now = observed.occupancy()
  return { ...now, peakLiveBytes: observed.peakBytes }
}

function dropsOf(totals: Totals): CacheStats['drops'] {
  const { tooLarge, noRoom, paused, notWanted } = totals
  return { attempts: writesOf(totals), tooLarge, noRoom, paused, notWanted }
}

function worthOf(totals: Totals, hitMs: number): CacheStats['worth'] {
  const { savedMs, served, loadsWaited, staleServed } = totals
  return {
    timeSavedSeconds: Math.max(0, savedMs - served * hitMs) / 1000,
    queriesAvoided: served + loadsWaited + staleServed,
    overallHitRatio: overallHitRatioOf(totals),
  }
}

function upkeepOf(engine: Engine, totals: Totals): CacheStats['upkeep'] {
  const counters = engine.counters()
  const count = (index: number) => counters[index] ?? 0
  return {
    evictedFromSmall: totals.evictedSmall,
    evictedFromMain: totals.evictedMain,
    evictedFromIndex: totals.evictedIndex,
    promoted: totals.promoted,
    reinserted: totals.reinserted,
    ghostHits: totals.ghostHits,
    bytesRelocated: totals.bytesRelocated,
    segmentsOpened: count(Counter.segmentsOpened),
    segmentsFreed: count(Counter.segmentsFreed),
    segmentsCompacted: count(Counter.compacted),
    linkRetries: count(Counter.linkRetries),
    graceBlocked: count(Counter.graceBlocked),
    evictorBusy: count(Counter.evictorBusy),
    threadsReaped: count(Counter.threadsReaped),
    readersExpelled: count(Counter.readersExpelled),
  }
}
