// What a cache tells about itself, in the form that reports print. May touch: the public cache API.
import type { Cache } from '../index.js'

export interface Observation {
  readonly engine: 'native' | 'js'
  readonly engineReason: string
  readonly maxBytes: number
  /** 0: bounded by bytes alone. */
  readonly maxEntries: number
  /** Shared memory set aside: index, records, ghosts, everything. */
  readonly sharedBytes: number
  readonly entries: number
  readonly evictions: number
  readonly expired: number
  /** Why sets returned false, in sets. */
  readonly refused: { readonly tooLarge: number; readonly noRoom: number; readonly paused: number }
  /** Shared memory for each live entry; NaN while the cache is not full by bytes, as room for entries to come is none of their cost. */
  readonly bytesPerEntry: number
  /** Mean bytes of key and value, of up to 10,000 live entries; NaN without entries. */
  readonly payloadPerEntry: number
}

const inspected = 10_000

/** About 1 µs for each of the entries looked at. */
export function observe(cache: Cache): Observation {
  const { engine, engineReason, maxBytes, maxEntries, sharedBytes, size, evicted, expired, sets } = cache.stats()
  return {
    engine,
    engineReason,
    maxBytes,
    maxEntries: maxEntries ?? 0,
    sharedBytes,
    entries: size,
    evictions: evicted,
    expired,
    refused: { tooLarge: sets.tooLarge, noRoom: sets.noRoom, paused: sets.paused },
    bytesPerEntry: size === 0 || evicted === 0 || maxEntries !== undefined ? Number.NaN : sharedBytes / size,
    payloadPerEntry: payload(cache),
  }
}

function payload(cache: Cache): number {
  let bytes = 0
  let seen = 0
  for (const key of cache.scan()) {
    const entry = cache.inspect(key)
    if (entry === undefined) continue
    bytes += entry.keyBytes + entry.valueBytes
    if (++seen === inspected) break
  }
  return bytes / seen
}
