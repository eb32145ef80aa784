// Space for records: a thread's chunks, and extents reserved in the open segment of a queue (docs/slab.md 5). Everything here runs under
// the caller's pin and waits for nobody. May touch: cursors, extent headers, the words that name the open segments.

import { EXTENT_HEADER_BYTES, Shard as Header, Segment, SegmentState } from '../layout.js'
import type { Attachment } from './attachment.js'
import { pin, unpin } from './epoch.js'
import { accepts, addLive, freeSegment, isAged, kindOfState, openSegment } from './segment.js'
import type { Chunk, Shard } from './shard.js'

const HEADER_UNITS = EXTENT_HEADER_BYTES >> 3
/** Each further turn follows another thread's success in opening a segment; a few in a row are a storm. */
const TURNS = 8

/**
 * Unit where a record may be written now; 0 when a caller must make room first, unpinned. `timed`: it has times, which lose precision far
 * from the base of their segment, so a chunk held for days will not do.
 */
export function allocate(
  cache: Attachment,
  home: Shard,
  queue: number,
  units: number,
  timed: boolean,
  world: number,
  claimant: number,
): number {
  if (units > home.chunkedLimit) {
    const wanted = units + HEADER_UNITS
    const unit = reserveExtent(cache, home, queue, wanted, wanted, world, claimant)
    return unit === 0 ? 0 : unit + HEADER_UNITS
  }
  const chunk = home.chunks[queue]
  const usable = isUsable(home, chunk, queue, world) && !(timed && isAged(cache, home, chunk.segment))
  if (!usable || chunk.end - chunk.next < units) {
    giveUpChunk(home, chunk)
    const unit = reserveExtent(cache, home, queue, home.chunkUnits, units + HEADER_UNITS, world, claimant)
    if (unit === 0) return 0
    takeChunk(home, chunk, unit)
  }
  const at = chunk.next
  chunk.next = at + units
  return at
}

function isUsable(home: Shard, chunk: Chunk, queue: number, world: number): boolean {
  return (
    chunk.valid &&
    accepts(home, chunk.segment, queue, world) &&
    home.field(chunk.segment, Segment.generation) === chunk.generation
  )
}

function takeChunk(home: Shard, chunk: Chunk, unit: number): void {
  chunk.segment = home.segmentOf(unit)
  chunk.generation = home.field(chunk.segment, Segment.generation)
  chunk.next = unit + HEADER_UNITS
  chunk.end = unit + home.words[unit << 1]
  chunk.valid = true
}

/** The rest of a chunk that will not be filled counts as live no longer. */
function giveUpChunk(home: Shard, chunk: Chunk): void {
  if (!chunk.valid) return
  chunk.valid = false
  const same = home.field(chunk.segment, Segment.generation) === chunk.generation
  if (same && chunk.end > chunk.next) addLive(home, chunk.segment, chunk.next - chunk.end)
}

/** Leaves all chunks, before this thread detaches. Call unpinned. */
export function dropChunks(cache: Attachment): void {
  for (const home of cache.shards) {
    for (const chunk of home.chunks) {
      pin(cache)
      cache.world()
      giveUpChunk(home, chunk)
      unpin(cache)
    }
  }
}

/**
 * Reserves `wanted` units (at the end of a segment down to `least`) in the queue's open segment, opening another where that one is full,
 * of an older world or too old. Returns the extent's first unit, 0 for none.
 */
function reserveExtent(
  cache: Attachment,
  home: Shard,
  queue: number,
  wanted: number,
  least: number,
  world: number,
  claimant: number,
): number {
  const openWord = (Header.openSmall >> 2) + queue
  for (let turn = 0; turn < TURNS; turn++) {
    const open = Atomics.load(home.words, openWord)
    let room = 0
    if (open > 0 && open <= home.segments && accepts(home, open - 1, queue, world) && !isAged(cache, home, open - 1)) {
      const unit = bite(cache, home, open - 1, wanted, least)
      if (unit !== 0) return unit
      room = home.segmentUnits - (home.field(open - 1, Segment.cursor) >>> 0)
    }
    const fresh = openSegment(cache, home, queue, world, claimant)
    if (fresh < 0) return 0
    if (room > home.segmentUnits - wanted) {
      // The old one has more room left than this record leaves in the new one: it stays the open one, and the new one is for this
      // record alone.
      const unit = bite(cache, home, fresh, wanted, least)
      if (unit !== 0) return unit
    }
    if (Atomics.compareExchange(home.words, openWord, open, fresh + 1) !== open) discard(home, fresh)
  }
  return 0
}

/** Somebody else opened one. Ours has nothing in it, and nobody can have reached it, unless an evictor sealed it meanwhile. */
function discard(home: Shard, index: number): void {
  const seen = home.state(index)
  if (kindOfState(seen) === SegmentState.open) freeSegment(home, index, seen)
}

function bite(cache: Attachment, home: Shard, index: number, wanted: number, least: number): number {
  const at = home.header(index) + (Segment.cursor >> 2)
  let cursor = Atomics.load(home.words, at)
  for (;;) {
    const length = Math.min(wanted, home.segmentUnits - Math.min(cursor, home.segmentUnits))
    if (length < least) return 0
    const now = Atomics.compareExchange(home.words, at, cursor, cursor + length)
    if (now === cursor) {
      const unit = home.start(index) + cursor
      // Both words at once: the walk must not meet half a header.
      home.kernel.store64(unit * 8, length, cache.me + 1)
      addLive(home, index, length)
      cache.owed += length * 2
      return unit
    }
    cursor = now
  }
}
