// Segments: taking a free one, closing it, giving it back (docs/slab.md 5).
//
//   FREE ─▶ OPENING|me, cleared ─▶ OPEN|queue ─▶ SEALED ─grace─▶ walked by a hand ─▶ DRAINED ─grace─▶ generation + 1 ─▶ FREE
//     └───▶ BUILDING|me ─▶ CHAIN ─────────────────────────────────────────────────────────▲
//
// Nothing but these headers says which segments are free or in which order they were opened, so a death leaves no list to repair.
// May touch: segment headers, bytes of segments that nobody can reach.

import {
  Counter,
  EVICTOR_RESERVE,
  Shard as Header,
  Queue,
  SEGMENT_OPEN_MS,
  SEGMENT_OWNER_SHIFT,
  SEGMENT_QUEUE_SHIFT,
  SEGMENT_STATE_MASK,
  Segment,
  SegmentState,
} from '../layout.js'
import type { Attachment } from './attachment.js'
import { advanceEpoch, waitForGrace } from './epoch.js'
import { smallTarget } from './policy.js'
import type { Shard } from './shard.js'

/** Who asks for space: an evictor may take the last free segments, so that it can always copy what it keeps. */
export const Claimant = { caller: 0, evictor: 1 } as const

/** Segments' worth of dead records that a log may hold beside as much as is live in it. */
const DEAD_SEGMENTS = 2

export const packState = (state: number, queue: number): number => state | (queue << SEGMENT_QUEUE_SHIFT)
export const kindOfState = (word: number): number => word & SEGMENT_STATE_MASK
export const queueOfState = (word: number): number => (word >>> SEGMENT_QUEUE_SHIFT) & 15
/** Thread index + 1, 0 for none. */
export const ownerOfState = (word: number): number => word >>> SEGMENT_OWNER_SHIFT

/** FREE segments that upkeep keeps ahead of the writers. */
export function freeTarget(home: Shard): number {
  return EVICTOR_RESERVE + Math.max(1, home.segments >> 6)
}

export function freeSegments(home: Shard): number {
  let free = 0
  for (let index = 0; index < home.segments; index++) {
    if (kindOfState(home.state(index)) === SegmentState.free) free++
  }
  return free
}

/** Whether segments are neither free nor in use: taken and not yet published, or waiting for their second grace. */
export function isInTransit(home: Shard): boolean {
  for (let index = 0; index < home.segments; index++) {
    const kind = kindOfState(home.state(index))
    if (kind === SegmentState.opening || kind === SegmentState.building || kind === SegmentState.drained) return true
  }
  return false
}

/**
 * A segment that now belongs to this thread in that state (OPENING or BUILDING); -1 when none may be taken. Its units up to the cursor
 * may hold anything, the others are zeros.
 */
export function takeFreeSegment(cache: Attachment, home: Shard, state: number, claimant: number): number {
  const free = freeSegments(home)
  const keep = claimant === Claimant.caller ? Math.min(EVICTOR_RESERVE, home.segments >> 2) : 0
  const mine = state | ((cache.me + 1) << SEGMENT_OWNER_SHIFT)
  for (let index = 0; free > keep && index < home.segments; index++) {
    const seen = home.state(index)
    if (kindOfState(seen) !== SegmentState.free || !casState(home, index, seen, mine)) continue
    Atomics.store(home.words, Header.freeSegments >> 2, free - 1)
    cache.count(Counter.segmentsOpened)
    return index
  }
  Atomics.store(home.words, Header.freeSegments >> 2, free)
  return -1
}

export function casState(home: Shard, index: number, seen: number, next: number): boolean {
  const at = home.header(index) + (Segment.state >> 2)
  return Atomics.compareExchange(home.words, at, seen, next) === seen
}

/** Opens a segment for a queue, without making it the one that everybody appends to; -1 when none is free. */
export function openSegment(cache: Attachment, home: Shard, queue: number, world: number, claimant: number): number {
  const index = takeFreeSegment(cache, home, SegmentState.opening, claimant)
  if (index < 0) return -1
  const now = cache.clock.now()
  // Not when it was freed: a chain overwrites all of it anyway, and here the memory comes into the processor's caches right before it
  // is written.
  const used = Math.min(home.field(index, Segment.cursor) >>> 0, home.segmentUnits)
  const from = home.start(index) * 2
  if (used > 0) home.words.fill(0, from, from + used * 2)
  home.setField(index, Segment.cursor, 0)
  home.setField(index, Segment.world, world)
  home.setField(index, Segment.baseLow, now | 0)
  home.setField(index, Segment.baseHigh, Math.floor(now / 2 ** 32))
  home.setField(index, Segment.liveUnits, 0)
  home.setField(index, Segment.liveEntries, 0)
  home.setField(index, Segment.deadBy, 0)
  home.setField(index, Segment.sequence, Atomics.add(home.words, Header.sequence >> 2, 1))
  home.setField(index, Segment.state, packState(SegmentState.open, queue))
  if (queue === Queue.small && home.words[Header.evictedOnce >> 2] === 0) noteSmallShare(home)
  noteDeadShare(cache, home)
  return index
}

/**
 * Notes whether so much of the log is dead that writers should compact although there are free segments. A log that ran through all free
 * memory before it came back would make every write touch memory that has long left the processor's caches, and the process as large as
 * `maxBytes` for any cache that overwrites.
 */
export function noteDeadShare(cache: Attachment, home: Shard): void {
  const world = cache.world()
  let held = 0
  let live = 0
  for (let index = 0; index < home.segments; index++) {
    const kind = kindOfState(home.state(index))
    if (kind !== SegmentState.open && kind !== SegmentState.sealed) continue
    held += Math.min(home.field(index, Segment.cursor) >>> 0, home.segmentUnits)
    if (home.field(index, Segment.world) === world) live += Math.max(0, home.field(index, Segment.liveUnits))
  }
  const untidy = held - live > live + DEAD_SEGMENTS * home.segmentUnits
  Atomics.store(home.words, Header.untidy >> 2, untidy ? 1 : 0)
}

/** While nothing was evicted yet: notes when small holds its share of the segments. */
function noteSmallShare(home: Shard): void {
  const openInSmall = packState(SegmentState.open, Queue.small)
  let inSmall = 0
  for (let index = 0; index < home.segments; index++) if (home.state(index) === openInSmall) inSmall++
  if (inSmall > smallTarget(home.mode(), home.segments)) Atomics.store(home.words, Header.smallFull >> 2, 1)
}

/** Stops appends to a segment: when grace of its epoch is over, nobody writes into it any more. False when it is not to be sealed. */
export function sealSegment(cache: Attachment, home: Shard, index: number): boolean {
  const seen = home.state(index)
  if (kindOfState(seen) !== SegmentState.open) return kindOfState(seen) === SegmentState.sealed
  const queue = queueOfState(seen)
  Atomics.compareExchange(home.words, (Header.openSmall >> 2) + queue, index + 1, 0)
  if (!casState(home, index, seen, packState(SegmentState.sealed, queue))) return false
  home.setField(index, Segment.epoch, advanceEpoch(cache))
  return true
}

/** Hands an emptied segment over to its second grace period. */
export function drainSegment(cache: Attachment, home: Shard, index: number): void {
  home.setField(index, Segment.epoch, advanceEpoch(cache))
  home.setField(index, Segment.state, packState(SegmentState.drained, 0))
  Atomics.add(home.words, Header.drained >> 2, 1)
}

/** Frees the drained segments whose second grace is over. Evictor only, unpinned. */
export function freeDrained(cache: Attachment, home: Shard): void {
  const drained = Header.drained >> 2
  if (home.words[drained] === 0) return
  Atomics.store(home.words, drained, 0)
  let freed = 0
  let left = 0
  for (let index = 0; index < home.segments; index++) {
    const seen = home.state(index)
    if (kindOfState(seen) !== SegmentState.drained) continue
    // After one that is blocked the others would only wait again.
    if (left === 0 && waitForGrace(cache, home.field(index, Segment.epoch))) {
      freeSegment(home, index, seen)
      freed++
    } else {
      left++
    }
  }
  if (left > 0) Atomics.add(home.words, drained, left)
  if (freed === 0) return
  cache.countBy(Counter.segmentsFreed, freed)
  Atomics.store(home.words, Header.freeSegments >> 2, freeSegments(home))
}

/**
 * Makes a segment FREE that nobody can reach. Its cursor goes on to say how much of it is to be cleared before records come into it again.
 * Dying half-way leaves it where it was.
 */
export function freeSegment(home: Shard, index: number, seen: number): void {
  if (kindOfState(seen) === SegmentState.building) home.setField(index, Segment.cursor, home.segmentUnits)
  Atomics.add(home.words, home.header(index) + (Segment.generation >> 2), 1)
  casState(home, index, seen, SegmentState.free)
}

/** Whether the segment still takes records of this world in this queue. */
export function accepts(home: Shard, index: number, queue: number, world: number): boolean {
  return home.state(index) === packState(SegmentState.open, queue) && home.field(index, Segment.world) === world
}

export function isAged(cache: Attachment, home: Shard, index: number): boolean {
  return cache.clock.now() - home.base(index) > SEGMENT_OPEN_MS
}

/** Advisory: how much of a segment is live. */
export function addLive(home: Shard, index: number, units: number): void {
  Atomics.add(home.words, home.header(index) + (Segment.liveUnits >> 2), units)
}

/** Advisory, kept with maxEntries only: entries of a segment and of its queue. */
export function addEntries(cache: Attachment, home: Shard, index: number, by: number): void {
  if (cache.maxEntries === 0) return
  const queue = queueOfState(home.state(index)) & 1
  Atomics.add(home.words, home.header(index) + (Segment.liveEntries >> 2), by)
  Atomics.add(home.words, (Header.smallEntries >> 2) + queue, by)
}

/** A record with this expiry (an unsigned word) was appended: the segment is dead as a whole no earlier than that. */
export function raiseDeadBy(home: Shard, index: number, expiry: number): void {
  const at = home.header(index) + (Segment.deadBy >> 2)
  let seen = home.words[at]
  while (seen >>> 0 < expiry) {
    const now = Atomics.compareExchange(home.words, at, seen, expiry | 0)
    if (now === seen) return
    seen = now
  }
}
