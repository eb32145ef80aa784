// The hand between records: walking a sealed segment one record at a time (docs/slab.md 6). Only the shard's evictor moves a hand; each step
// is safe to repeat after a death in its middle. May touch: the hands, slots and records by way of index.ts and relocate.ts.

import {
  Counter,
  Hand as Field,
  HAND_BYTES,
  HANDS,
  Queue,
  RECORD_DEAD,
  Segment,
  SegmentState,
  SLOT_STATE_MASK,
  SlotState,
} from '../layout.js'
import type { Attachment } from './attachment.js'
import { fullLength, retireOrphan } from './chain.js'
import { departed } from './departures.js'
import { pin, unpin, waitForGrace } from './epoch.js'
import { fingerprint } from './hash.js'
import { findHolder, isLeased, setMarks, unlink } from './index.js'
import { hasChain, keyBytes, keyWord, recordUnits } from './record.js'
import { relocate } from './relocate.js'
import { unitsOf } from './samples.js'
import { Claimant, drainSegment, kindOfState, queueOfState } from './segment.js'
import type { Shard } from './shard.js'
import { isExpired, Standing, standing } from './times.js'
import { Verdict, verdictOn } from './verdict.js'

export const Hand = { small: 0, main: 1, compaction: 2 } as const

/**
 * What a step came to. `evicted`: a live entry of the present world less; `dropped`: one that did not count any more; `standing`: the hand
 * stands at a record whose fate another one decides, and has not moved on.
 */
export const Step = { skipped: 0, kept: 1, evicted: 2, dropped: 3, segmentDone: 4, blocked: 5, standing: 6 } as const

/**
 * Who decides about the record that a hand stands at: the policy; the policy, but the first that main would give up is to be stood at
 * (`settle`), or the first of all (`settleNow`); or nobody, for it goes, or goes to main as new there.
 */
export const Ruling = { policy: 0, settle: 1, settleNow: 2, evict: 3, promote: 4 } as const

/** Units of zeros passed in one step, where a writer died before it wrote its extent's header. */
const HOLE_STEP = 512

const handWord = (hand: number): number => (HANDS + HAND_BYTES * hand) >> 2

/** Segment + 1 that a hand stands in, 0 for none. */
export function handSegment(home: Shard, hand: number): number {
  return home.words[handWord(hand) + (Field.segment >> 2)]
}

/** Puts a hand into a segment (index + 1; 0: nowhere). Position 0 stands for "its grace is not over yet". */
export function placeHand(home: Shard, hand: number, segment: number, position: number, end: number): void {
  const at = handWord(hand)
  // Nowhere first, so that a death in between cannot leave a new segment with an old position.
  Atomics.store(home.words, at + (Field.segment >> 2), 0)
  Atomics.store(home.words, at + (Field.position >> 2), position)
  Atomics.store(home.words, at + (Field.extentEnd >> 2), end)
  Atomics.store(home.words, at + (Field.segment >> 2), segment)
}

/** Moves a hand by one record. Evictor only, unpinned. The units passed, and where it stands the hash, are left in `passed`. */
export function step(cache: Attachment, home: Shard, hand: number, ruling: number): number {
  const index = handSegment(home, hand) - 1
  passed.units = 0
  if (kindOfState(home.state(index)) !== SegmentState.sealed) {
    placeHand(home, hand, 0, 0, 0)
    return Step.segmentDone
  }
  const at = handWord(hand)
  let position = home.words[at + (Field.position >> 2)]
  let end = home.words[at + (Field.extentEnd >> 2)]
  if (position === 0) {
    if (!waitForGrace(cache, home.field(index, Segment.epoch))) return Step.blocked
    position = home.start(index)
    end = position
    // The end first: from now on it lies in this segment whenever the position does.
    Atomics.store(home.words, at + (Field.extentEnd >> 2), end)
    Atomics.store(home.words, at + (Field.position >> 2), position)
  }
  return walk(cache, home, hand, index, position, end, ruling)
}

/** Units of the last step, and the hash of the record that a hand stands at; one object, so that a step allocates nothing. */
export const passed = { units: 0, h: 0 }

function walk(
  cache: Attachment,
  home: Shard,
  hand: number,
  index: number,
  from: number,
  extentEnd: number,
  ruling: number,
): number {
  const limit = home.start(index) + Math.min(home.field(index, Segment.cursor) >>> 0, home.segmentUnits)
  let position = from
  let end = extentEnd
  for (let holes = 0; position < limit; ) {
    if (position === end) {
      const length = home.words[position << 1]
      if (length > 0 && position + length <= limit) {
        end = position + length
        position++
        continue
      }
      end = ++position
      if (++holes < HOLE_STEP) continue
      placeHand(home, hand, index + 1, position, end)
      passed.units = holes
      return Step.skipped
    }
    const w1 = home.words[(position << 1) + 1]
    const units = recordUnits(home, position)
    if (keyBytes(w1) === 0 || position + units > end) {
      position = end
      continue
    }
    passed.units = units
    const outcome = (w1 & RECORD_DEAD) !== 0 ? Step.skipped : decide(cache, home, hand, position, ruling)
    const at = handWord(hand)
    // The position first: after a death in between it lies beyond the old end, and the next evictor goes back to that, where an extent
    // starts. The other way round it would take the next extent's header for a record.
    Atomics.store(home.words, at + (Field.position >> 2), outcome === Step.standing ? position : position + units)
    if (end !== extentEnd) Atomics.store(home.words, at + (Field.extentEnd >> 2), end)
    return outcome
  }
  drainSegment(cache, home, index)
  placeHand(home, hand, 0, 0, 0)
  return Step.segmentDone
}

function decide(cache: Attachment, home: Shard, hand: number, location: number, ruling: number): number {
  pin(cache)
  const at = location << 1
  const keyAt = location * 8 + keyWord(home, location, home.words[at]) * 4
  cache.handKey.load(home.buffer, keyAt, keyBytes(home.words[at + 1]))
  const outcome = decidePinned(cache, home, hand, location, ruling)
  unpin(cache)
  return outcome
}

function decidePinned(cache: Attachment, home: Shard, hand: number, location: number, ruling: number): number {
  const world = cache.world()
  const { handKey, victim } = cache
  if (!findHolder(home, handKey, location, world, victim)) {
    if (hasChain(home.words[location << 1])) retireOrphan(cache, home, handKey, location, world)
    return Step.skipped
  }
  const state = victim.low & SLOT_STATE_MASK
  if (state === SlotState.busy) {
    // Grace is over, so its writer cannot be at it any more: it died before the commit.
    home.kernel.cas64(victim.slot, victim.low, location, 0, 0)
    return Step.skipped
  }
  if (state !== SlotState.member || victim.ahead > 0) return Step.skipped
  if (victim.ahead < 0) return unlink(cache, home, victim, world) ? Step.dropped : Step.skipped
  if (isLeased(cache, home, location)) return carryOn(cache, home, world)
  return standing(cache, home, location) < Standing.gone
    ? applyVerdict(cache, home, hand, location, ruling, world)
    : drop(cache, home, world)
}

/** What is over: expired, invalidated, or a marker whose load runs no more. */
function drop(cache: Attachment, home: Shard, world: number): number {
  const { victim } = cache
  const { counts, location } = victim
  const why = isExpired(cache, home, location) ? Counter.expired : Counter.invalidated
  if (!unlink(cache, home, victim, world)) return Step.skipped
  if (!counts) return Step.dropped
  departed(cache, home, why, location)
  return Step.evicted
}

/** A load holds it, so it is no victim. Only where there is no space left to copy it to does it go, and its load's value is refused. */
function carryOn(cache: Attachment, home: Shard, world: number): number {
  const { victim } = cache
  const queue = queueOfState(home.state(victim.segment)) & 1
  const units = recordUnits(home, victim.location)
  if (relocate(cache, home, victim, cache.handKey, queue, world, Claimant.evictor)) {
    cache.countBy(Counter.unitsRelocated, units)
    return Step.skipped
  }
  return drop(cache, home, world)
}

function applyVerdict(
  cache: Attachment,
  home: Shard,
  hand: number,
  location: number,
  ruling: number,
  world: number,
): number {
  const { handKey, victim } = cache
  const { segment, slot } = victim
  const queue = queueOfState(home.state(segment)) & 1
  const units = recordUnits(home, location)
  const chained = hasChain(home.words[location << 1])
  const weight = chained ? unitsOf(handKey.length, fullLength(home, location)) : units
  const verdict = verdictOn(cache, home, hand, handKey.h, slot, units, weight, ruling)
  if (verdict === Verdict.wait) {
    passed.h = handKey.h
    return Step.standing
  }
  if (verdict >= 0) {
    const to = hand === Hand.compaction ? queue : Queue.main
    if (relocate(cache, home, victim, handKey, to, world, Claimant.evictor)) {
      setMarks(home, slot, verdict)
      cache.countBy(Counter.unitsRelocated, units)
      cache.count(hand === Hand.small ? Counter.promoted : Counter.reinserted)
      return Step.kept
    }
    // No space to copy to, or the entry changed under the hand: evicting what is still there is the way out.
  }
  if (verdict === Verdict.evictToGhost) home.ghosts.insert(handKey.h, fingerprint(handKey.h, handKey.tag))
  if (!unlink(cache, home, victim, world)) return Step.skipped
  departed(cache, home, queue === Queue.small ? Counter.evictedSmall : Counter.evictedMain, location)
  return Step.evicted
}
