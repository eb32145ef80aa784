// Eviction turns: who may evict, what for, and which segment the hand works on (docs/slab.md 6). A turn is bounded, runs unpinned between
// short pins, and keeps its whole state in shared memory, so that any thread can go on where another stopped or died.
// May touch: the evictor's lock and hints of the shard; records by way of hand.ts.

import {
  Counter,
  HAND_BYTES,
  HANDS,
  Shard as Header,
  NEVER_DEAD,
  Queue,
  Segment,
  SegmentState,
  THREADS,
} from '../layout.js'
import { collectDrift, size } from './accounting.js'
import type { Attachment } from './attachment.js'
import { duel } from './duel.js'
import { decodeExpiry } from './expiry.js'
import { Hand, handSegment, passed, placeHand, Ruling, Step, step } from './hand.js'
import { type PolicyMode, queueToEvict, Rule, smallTarget } from './policy.js'
import { reapIfDead } from './registry.js'
import {
  freeDrained,
  freeTarget,
  kindOfState,
  noteDeadShare,
  ownerOfState,
  queueOfState,
  sealSegment,
} from './segment.js'
import type { Shard } from './shard.js'
import { learn } from './tournament.js'

/**
 * What a turn is to reach: one live entry less, so many FREE segments, so many units looked at (or enough FREE segments), so many
 * units looked at in segments that are mostly dead, where nothing live goes; of an owner's short turns, so many FREE segments, or so many
 * units looked at in segments in which nothing lives.
 */
export const Goal = { entry: 0, free: 1, share: 2, compact: 3, ahead: 4, reclaim: 5 } as const

/** What an owner's turn looks at, at most: 32 KiB. */
export const UNITS_PER_TURN = 4096

/** `busy`: another thread is the evictor. `blocked`: a thread stays pinned. `exhausted`: the turn's bound was used up, with progress. */
export const Turn = { reached: 0, busy: 1, blocked: 2, exhausted: 3, nothing: 4 } as const

export const RECORDS_PER_TURN = 4096
/** Records kept in one search for an entry to evict; the next goes whatever its frequency, so that no set walks a whole hot cache. */
export const KEPT_PER_ENTRY = 512
/** Of a segment that compaction empties first, at most so many eighths are live. */
const COMPACTABLE_EIGHTHS = 4
const NO_HAND = -1

/**
 * What the present turn has done so far: records looked at and kept since the last eviction, units, and whether a victim is being looked for
 * in small, where the search then goes on whatever small gives to main meanwhile. One object, as turns do not nest.
 */
export const walked = { lookedAt: 0, kept: 0, units: 0, inSmall: false }

/** One bounded eviction turn. Call unpinned. */
export function evict(cache: Attachment, home: Shard, goal: number, amount: number): number {
  if (Atomics.compareExchange(home.words, Header.evictor >> 2, 0, cache.me + 1) !== 0) {
    cache.count(Counter.evictorBusy)
    return Turn.busy
  }
  const turn = evictLocked(cache, home, goal, amount)
  Atomics.store(home.words, Header.evictor >> 2, 0)
  return turn
}

/** Hands samples on to the miniatures, unless another thread evicts. Unpinned. */
export function learnAsEvictor(cache: Attachment, home: Shard): void {
  if (Atomics.compareExchange(home.words, Header.evictor >> 2, 0, cache.me + 1) !== 0) return
  learn(cache, home)
  Atomics.store(home.words, Header.evictor >> 2, 0)
}

function evictLocked(cache: Attachment, home: Shard, goal: number, amount: number): number {
  collectDrift(cache)
  freeDrained(cache, home)
  learn(cache, home)
  walked.lookedAt = 0
  walked.kept = 0
  walked.units = 0
  walked.inSmall = false
  let blocked = false
  while (walked.lookedAt < RECORDS_PER_TURN) {
    const free = home.words[Header.freeSegments >> 2]
    if ((goal === Goal.free || goal === Goal.ahead) && free >= amount) return Turn.reached
    if (goal === Goal.ahead && walked.units >= UNITS_PER_TURN) return Turn.exhausted
    if (goal === Goal.share && (walked.units >= amount || free >= freeTarget(home))) return Turn.reached
    if ((goal === Goal.compact || goal === Goal.reclaim) && walked.units >= amount) return Turn.reached
    const hand = handToMove(cache, home, goal, blocked)
    if (hand === NO_HAND) return blocked ? Turn.blocked : Turn.nothing
    // Compaction copies all that lives; only a search for an entry has to end with one.
    const mustEvict = walked.kept >= KEPT_PER_ENTRY && (goal === Goal.entry || hand !== Hand.compaction)
    walked.lookedAt++
    let outcome = step(cache, home, hand, mustEvict ? Ruling.evict : Ruling.policy)
    if (outcome === Step.standing) outcome = duel(cache, home, passed.h)
    // The bound was used up before the duel was settled: its candidate still stands there.
    if (outcome === Step.standing) return Turn.exhausted
    walked.units += passed.units
    if (outcome === Step.kept) walked.kept++
    else if (outcome === Step.evicted || outcome === Step.dropped) {
      walked.kept = 0
      walked.inSmall = false
    }
    if (outcome === Step.evicted && goal === Goal.entry) return Turn.reached
    if (outcome === Step.segmentDone) {
      segmentDone(cache, home)
      if (goal === Goal.compact && !isUntidy(home)) return Turn.reached
    }
    if (outcome === Step.blocked) {
      // Once: the other queue's hand may be able to go on.
      if (blocked) return Turn.blocked
      blocked = true
    }
  }
  return Turn.exhausted
}

export function segmentDone(cache: Attachment, home: Shard): void {
  freeDrained(cache, home)
  noteDeadShare(cache, home)
}

/** The hand whose turn it is, standing in a segment. `other`: the one that would be taken first is blocked. */
function handToMove(cache: Attachment, home: Shard, goal: number, other: boolean): number {
  if (goal === Goal.compact) return other ? NO_HAND : handToCompact(cache, home)
  if (goal === Goal.reclaim) return other ? NO_HAND : handToReclaim(cache, home)
  const evictedOnce = Header.evictedOnce >> 2
  if (home.words[evictedOnce] === 0) Atomics.store(home.words, evictedOnce, 1)
  if (goal === Goal.entry) return handForEntry(cache, home, other)
  const inUse = home.words[Header.handInUse >> 2]
  if (!other && handSegment(home, inUse) !== 0) return inUse
  const chosen = choose(cache, home, other ? inUse : NO_HAND)
  if (chosen !== NO_HAND) home.words[Header.handInUse >> 2] = chosen
  return chosen
}

function handToCompact(cache: Attachment, home: Shard): number {
  if (handSegment(home, Hand.compaction) !== 0) return Hand.compaction
  survey(cache, home)
  const hand = enterDead(cache, home)
  // What is dead lies scattered over segments that are mostly live.
  if (hand === NO_HAND) Atomics.store(home.words, Header.untidy >> 2, 0)
  return hand
}

/** The compaction hand, in a segment of which nothing lives any more. */
function handToReclaim(cache: Attachment, home: Shard): number {
  if (handSegment(home, Hand.compaction) !== 0) return Hand.compaction
  survey(cache, home)
  return surveyed.live === 0 ? enterDead(cache, home) : NO_HAND
}

export function isUntidy(home: Shard): boolean {
  return home.words[Header.untidy >> 2] !== 0
}

function handForEntry(cache: Attachment, home: Shard, other: boolean): number {
  if (Atomics.load(home.words, Header.countedWorld >> 2) !== cache.world()) survey(cache, home)
  // Advisory counters may dip below zero for a moment.
  const small = Math.max(0, home.words[Header.smallEntries >> 2])
  const main = Math.max(0, home.words[Header.mainEntries >> 2])
  const mode = home.mode()
  const wanted = walked.inSmall && small > 0 ? Queue.small : queueToEvict(mode, small, main)
  walked.inSmall = wanted === Queue.small && mode.rule === Rule.duel
  const first = other ? 1 - wanted : wanted
  if (isInSegment(cache, home, first)) return first
  if (isInSegment(cache, home, 1 - first)) return 1 - first
  return handSegment(home, Hand.compaction) !== 0 ? Hand.compaction : NO_HAND
}

/** Whether a queue's hand stands in a segment, after entering the oldest of its queue if it stood in none. */
export function isInSegment(cache: Attachment, home: Shard, queue: number): boolean {
  if (handSegment(home, queue) === 0) {
    survey(cache, home)
    enterOldest(cache, home, queue)
  }
  return handSegment(home, queue) !== 0
}

/** For the byte bound: the dead first, then the policy's queue. */
function choose(cache: Attachment, home: Shard, not: number): number {
  survey(cache, home)
  if (not !== Hand.compaction) {
    if (handSegment(home, Hand.compaction) !== 0) return Hand.compaction
    const hand = enterDead(cache, home)
    if (hand !== NO_HAND) return hand
  }
  const first = queueToEvict(home.mode(), surveyed.segments[0], surveyed.segments[1])
  for (const queue of [first, 1 - first]) {
    if (queue === not) continue
    if (handSegment(home, queue) === 0) enterOldest(cache, home, queue)
    if (handSegment(home, queue) !== 0) return queue
  }
  return NO_HAND
}

/** The compaction hand in the segment that the last survey found most worth emptying, if any is. */
function enterDead(cache: Attachment, home: Shard): number {
  if (surveyed.dead < 0) return NO_HAND
  enter(cache, home, Hand.compaction, surveyed.dead)
  cache.count(Counter.compacted)
  return handSegment(home, Hand.compaction) !== 0 ? Hand.compaction : NO_HAND
}

function enterOldest(cache: Attachment, home: Shard, queue: number): void {
  if (surveyed.oldest[queue] >= 0) enter(cache, home, queue, surveyed.oldest[queue])
}

function enter(cache: Attachment, home: Shard, hand: number, index: number): void {
  if (sealSegment(cache, home, index)) placeHand(home, hand, index + 1, 0, 0)
}

/** What the segment headers said all together at the last survey: OPEN and SEALED segments of each queue, the oldest of each that no hand
 * stands in, and the one with the least live (-1: none). One object, as surveys do not nest. */
const surveyed = { segments: [0, 0], oldest: [-1, -1], sequence: [0, 0], entries: [0, 0], dead: -1, live: 0, free: 0 }

/** Reads all segment headers: once per segment walked, so a few nanoseconds per record. */
function survey(cache: Attachment, home: Shard): void {
  const world = cache.world()
  surveyed.dead = -1
  surveyed.live = COMPACTABLE_EIGHTHS + 1
  surveyed.free = 0
  for (let queue = 0; queue < 2; queue++) {
    surveyed.segments[queue] = 0
    surveyed.oldest[queue] = -1
    surveyed.entries[queue] = 0
  }
  for (let index = 0; index < home.segments; index++) surveySegment(cache, home, index, world)
  const { words } = home
  words[Header.freeSegments >> 2] = surveyed.free
  words[Header.queueSegments >> 2] = surveyed.segments[Queue.small]
  words[(Header.queueSegments >> 2) + 1] = surveyed.segments[Queue.main]
  if (cache.maxEntries !== 0) {
    words[Header.smallEntries >> 2] = surveyed.entries[Queue.small]
    words[Header.mainEntries >> 2] = surveyed.entries[Queue.main]
    words[Header.countedWorld >> 2] = world
  }
  const entries = cache.maxEntries !== 0 ? cache.maxEntries : size(cache)
  const capacity = Math.floor(entries / cache.shards.length)
  words[Header.ghostLimit >> 2] = capacity - Math.floor(capacity / 10)
}

function surveySegment(cache: Attachment, home: Shard, index: number, world: number): void {
  const { words } = home
  const header = home.header(index)
  let seen = words[header + (Segment.state >> 2)]
  let kind = kindOfState(seen)
  if (kind === SegmentState.opening || kind === SegmentState.building) {
    // Its owner is not pinned while it builds, so nothing else would ever have asked whether it lives.
    const owner = ownerOfState(seen)
    if (owner > 0 && owner <= THREADS && reapIfDead(cache, owner - 1)) {
      seen = words[header + (Segment.state >> 2)]
      kind = kindOfState(seen)
    }
  }
  if (kind === SegmentState.free) surveyed.free++
  if (kind !== SegmentState.open && kind !== SegmentState.sealed) return
  const queue = queueOfState(seen) & 1
  const isCurrent = words[header + (Segment.world >> 2)] === world
  surveyed.segments[queue]++
  if (isCurrent) surveyed.entries[queue] += words[header + (Segment.liveEntries >> 2)]
  if (isUnderHand(home, index)) return
  const sequence = words[header + (Segment.sequence >> 2)]
  if (surveyed.oldest[queue] < 0 || ((sequence - surveyed.sequence[queue]) | 0) < 0) {
    surveyed.oldest[queue] = index
    surveyed.sequence[queue] = sequence
  }
  const live = isCurrent ? liveEighths(cache, home, index, seen) : 0
  if (live < surveyed.live) {
    surveyed.live = live
    surveyed.dead = index
  }
}

function isUnderHand(home: Shard, index: number): boolean {
  const { words } = home
  const at = HANDS >> 2
  const stride = HAND_BYTES >> 2
  return words[at] === index + 1 || words[at + stride] === index + 1 || words[at + 2 * stride] === index + 1
}

/** Live eighths of what a segment holds: 0 when it is expired as a whole, 8 where emptying it first would gain nothing. */
function liveEighths(cache: Attachment, home: Shard, index: number, seen: number): number {
  const cursor = home.field(index, Segment.cursor)
  const deadBy = home.field(index, Segment.deadBy) >>> 0
  if (cursor > 0 && deadBy !== NEVER_DEAD && deadBy !== 0) {
    if (cache.clock.now() > home.base(index) + decodeExpiry(deadBy)) return 0
  }
  if (cursor * 2 <= home.segmentUnits) return 8
  if (home.words[(Header.openSmall >> 2) + queueOfState(seen)] === index + 1) return 8
  // Rounded up: what is a little more than half live would be copied again and again.
  return Math.min(8, Math.ceil((Math.max(0, home.field(index, Segment.liveUnits)) * 8) / cursor))
}

/** Whether small has its share while nothing has been evicted yet. */
export function isSmallFull(cache: Attachment, home: Shard, mode: PolicyMode): boolean {
  if (home.words[Header.evictedOnce >> 2] !== 0) return false
  if (cache.maxEntries === 0) return home.words[Header.smallFull >> 2] !== 0
  return home.words[Header.smallEntries >> 2] >= smallTarget(mode, Math.floor(cache.maxEntries / cache.shards.length))
}
