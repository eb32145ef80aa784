// What a cache counts over all its threads, by name: the one list that stats, samples, marks and metrics are made of. Touches nothing.

/** Cumulative since the cache was made; `clear()` resets nothing. */
export interface Totals {
  /** Reads that found a live entry, `nearHits` included. */
  readonly hits: number
  readonly nearHits: number
  readonly misses: number
  readonly stored: number
  readonly replaced: number
  readonly refused: number
  readonly tooLarge: number
  readonly noRoom: number
  readonly paused: number
  readonly notWanted: number
  readonly deleted: number
  readonly taken: number
  readonly touched: number
  readonly incremented: number
  readonly expired: number
  readonly invalidated: number
  readonly evictedSmall: number
  readonly evictedMain: number
  readonly evictedIndex: number
  readonly promoted: number
  readonly reinserted: number
  readonly ghostHits: number
  readonly bytesWritten: number
  readonly bytesRead: number
  readonly bytesRelocated: number
  readonly clears: number
  readonly tagInvalidations: number
  readonly loads: number
  readonly loadsWaited: number
  readonly loadsFailed: number
  readonly staleServed: number
  readonly fillsRefused: number
  readonly withoutLease: number
  readonly loadMs: number
  readonly waits: number
  readonly waitMs: number
  /** Answers of getOrSet and wrap that needed no loader, and what loading those values had taken. */
  readonly served: number
  readonly savedMs: number
  /** getMany: calls, keys, keys that were there. */
  readonly batches: number
  readonly batchKeys: number
  readonly batchHits: number
  /** scan: calls, entries gone through, keys given. */
  readonly scans: number
  readonly scanned: number
  readonly scanHits: number
  readonly slow: number
  readonly timed: number
}

export type TotalName = keyof Totals

/** What came between two reads. A total that is smaller than before is of a cache that was made anew: all of it has come since. */
export function totalsSince(now: Totals, before: Totals | undefined): Totals {
  if (before === undefined) return now
  const difference = Object.entries(now).map(([name, value]: [string, number]) => {
    const earlier = before[name as TotalName]
    return [name, value >= earlier ? value - earlier : value]
  })
  return Object.fromEntries(difference) as unknown as Totals
}

export function evictedOf({ evictedSmall, evictedMain, evictedIndex }: Totals): number {
  return evictedSmall + evictedMain + evictedIndex
}

/** 0 before there was any. */
export function shareOf(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

/** Answers without a loader, stale ones included, of all that was asked for. */
export function overallHitRatioOf({ hits, misses, staleServed }: Totals): number {
  return shareOf(Math.min(hits + staleServed, hits + misses), hits + misses)
}

/** Attempts to store something: the denominator of what was dropped. */
export function writesOf({ stored, refused, tooLarge, noRoom, paused, notWanted }: Totals): number {
  return stored + refused + tooLarge + noRoom + paused + notWanted
}
