// What `cache.stats()` tells: one documented, versioned shape, made from the counters that all threads keep in shared memory.
// Reads the engine's counters; touches nothing else.
import type { Engine } from '../engine/engine.js'
import { Counter, UNIT } from '../engine/layout.js'
import type { LoadQueue } from '../loading/queue.js'
import type { OwnerStatus, Supervisor } from '../owners/supervisor.js'
import type { NearStats } from './near.js'

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

export function ownersStats(supervisor: Supervisor | undefined, reason: string): OwnersStats {
  const threads = supervisor?.status() ?? []
  return { count: threads.length, reason, failure: supervisor?.failure, threads }
}

/** What a handle knows that the counters do not say. */
export interface StatsContext {
  readonly name: string
  readonly engineReason: string
  readonly maxBytes: number
  readonly maxEntries: number
  readonly sharedBytes: number
  readonly notWanted: number
  readonly near: NearStats | undefined
  readonly queue: LoadQueue
  readonly owners: OwnersStats
}

export function readStats(engine: Engine, context: StatsContext): CacheStats {
  const counters = engine.counters()
  const count = (index: number) => counters[index] ?? 0
  const hits = count(Counter.hits)
  const misses = count(Counter.misses)
  return {
    version: 1,
    name: context.name,
    engine: engine.name,
    engineReason: context.engineReason,
    size: engine.size,
    maxBytes: context.maxBytes,
    maxEntries: context.maxEntries === 0 ? undefined : context.maxEntries,
    sharedBytes: context.sharedBytes,
    hits,
    misses,
    hitRatio: hits + misses === 0 ? 0 : hits / (hits + misses),
    sets: {
      stored: count(Counter.stored),
      replaced: count(Counter.replaced),
      refused: count(Counter.refused),
      tooLarge: count(Counter.rejectedTooLarge),
      noRoom: count(Counter.rejectedNoRoom),
      paused: count(Counter.rejectedPaused),
      notWanted: context.notWanted,
    },
    loads: {
      started: count(Counter.loads),
      waited: count(Counter.loadsWaited),
      failed: count(Counter.loadsFailed),
      staleServed: count(Counter.staleServed),
      refused: count(Counter.fillsRefused),
      withoutLease: count(Counter.leasesRefused),
      queueFull: context.queue.refused,
      running: context.queue.running,
      queued: context.queue.waiting,
      tagInvalidations: count(Counter.tagInvalidations),
      invalidated: count(Counter.invalidated),
    },
    deleted: count(Counter.deleted),
    taken: count(Counter.taken),
    touched: count(Counter.touched),
    incremented: count(Counter.incremented),
    expired: count(Counter.expired),
    evicted: count(Counter.evictedSmall) + count(Counter.evictedMain) + count(Counter.evictedIndex),
    clears: count(Counter.cleared),
    bytesWritten: count(Counter.bytesWritten),
    bytesRead: count(Counter.bytesRead),
    near: context.near,
    owners: context.owners,
    upkeep: {
      evictedFromSmall: count(Counter.evictedSmall),
      evictedFromMain: count(Counter.evictedMain),
      evictedFromIndex: count(Counter.evictedIndex),
      promoted: count(Counter.promoted),
      reinserted: count(Counter.reinserted),
      ghostHits: count(Counter.ghostHits),
      bytesRelocated: count(Counter.unitsRelocated) * UNIT,
      segmentsOpened: count(Counter.segmentsOpened),
      segmentsFreed: count(Counter.segmentsFreed),
      segmentsCompacted: count(Counter.compacted),
      linkRetries: count(Counter.linkRetries),
      graceBlocked: count(Counter.graceBlocked),
      evictorBusy: count(Counter.evictorBusy),
      threadsReaped: count(Counter.threadsReaped),
      readersExpelled: count(Counter.readersExpelled),
    },
  }
}
