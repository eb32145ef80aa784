// Storing: set, add, replace, compare-and-set (docs/slab.md 4, 5). A write runs in short pinned attempts. What needs time (evicting, waiting
// for another evictor) happens between them, unpinned and bounded; then the write is refused, counted by reason, and leaves no old value.
// May touch: this thread's space, the index by way of index.ts.

import { Mode, Status } from '../engine.js'
import {
  Counter,
  EVICTOR_RESERVE,
  Shard as Header,
  KIND_SHIFT,
  MAX_VALUE_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_LEASE,
  RecordFlag,
  Segment,
  SLOTS,
  VALUE_LENGTH_MASK,
} from '../layout.js'
import { Reservation, reserveIfBounded, unreserveIfHeld } from './accounting.js'
import { allocate } from './allocate.js'
import type { Attachment } from './attachment.js'
import { abandonChain, buildChain, type Chain, headValue, publishChain, segmentsFor, withdrawChain } from './chain.js'
import { pin, unpin } from './epoch.js'
import { evict, Goal, isSmallFull, learnAsEvictor } from './evict.js'
import { fingerprint } from './hash.js'
import { displaceIfFull, find, Linked, link } from './index.js'
import { isLeaseLive, leaseOf } from './lease.js'
import { spin } from './pause.js'
import { queueOfNew } from './policy.js'
import { costWord, hasLease, markDead, recordUnits, tagCount, tagsWord, timeBytes, unitsFor } from './record.js'
import { writeLease } from './relocate.js'
import { remove } from './remove.js'
import { makeRoom, payUpkeep } from './room.js'
import { areSamplesDue, SampleKind, sample } from './samples.js'
import { addLive, Claimant, queueOfState } from './segment.js'
import type { Shard } from './shard.js'
import { areTagsValid, isTagValid } from './tags.js'
import { Standing, standing, type Times, timeFlags, writeTimes } from './times.js'

/** Beside the modes of the contract: the live entry is still the record that the draft's stamp was taken of. */
export const UNCHANGED = 4

/** What few entries have beside key, value and times. */
export interface Extra {
  /** Ms, -1 for none. */
  readonly cost: number
  readonly stamp: number
  /** Counters of tags. */
  readonly tags: ArrayLike<number>
  /** Token of the lease that the record carries, 0 for none; with `Mode.fill` of the one that it ends. */
  readonly lease: number
}

/** A value about to be written under the attachment's key: staged behind the key's bytes, or in an array of its own. One per thread. */
export class Draft implements Times {
  kind = 0
  length = 0
  bytes: Uint8Array | undefined
  /** Ms since origin, Infinity for never; idle time in ms, -1 for none. */
  due = Number.POSITIVE_INFINITY
  idleMs = -1
  /** End of being fresh, as `due`. */
  softDue = Number.POSITIVE_INFINITY
  extra: Extra | undefined
  mode = 0
  /** With `UNCHANGED`. */
  slot = 0
  location = 0
  generation = 0
  chain: Chain | undefined
  /** Whether the key's ghost was there; asked once, because asking uses it up. */
  returned: boolean | undefined
}

const TIMES = RecordFlag.expiry | RecordFlag.idle | RecordFlag.soft
/** Pinned attempts of one write; each further one follows other threads' successes on the same key or buckets. */
const ATTEMPTS = 256
const FRUITLESS = 3
/** Attempts to take a large value's segments all together, where other threads take theirs at the same time. */
const CHAIN_ATTEMPTS = 16
/** Outcomes of one attempt beside the contract's status, which are at most 1. */
const Attempt = { again: 2, needsSpace: 3, needsEntry: 4 } as const

/** Visible to every thread when it returns `stored`. Unpinned; may run bounded eviction turns. Returns a status of the contract. */
export function write(cache: Attachment, home: Shard, draft: Draft): number {
  if (cache.owed !== 0) payUpkeep(cache, home)
  if (areSamplesDue(home)) learnAsEvictor(cache, home)
  draft.chain = undefined
  draft.returned = undefined
  const outcome = writeInAttempts(cache, home, draft)
  if (outcome === Status.stored) {
    cache.count(Counter.stored)
    cache.countBy(Counter.bytesWritten, draft.length)
    if (draft.returned !== undefined) sample(home, cache.key.h, cache.key.length, draft.length, SampleKind.stored)
    return outcome
  }
  if (cache.maxEntries !== 0) unreserveIfHeld(cache, cache.world())
  if (draft.chain !== undefined) abandonChain(home, draft.chain)
  refuse(cache, home, draft.mode, outcome)
  return outcome
}

function refuse(cache: Attachment, home: Shard, mode: number, outcome: number): void {
  if (outcome === Status.refused) cache.count(mode === Mode.fill ? Counter.fillsRefused : Counter.refused)
  else if (outcome === Status.tooLarge) cache.count(Counter.rejectedTooLarge)
  else if (outcome === Status.noRoom) cache.count(Counter.rejectedNoRoom)
  else if (outcome === Status.paused) cache.count(Counter.rejectedPaused)
  // A failed set must not leave the old value; a failed add or compare-and-set never touched it.
  if (outcome < 0 && (mode === Mode.set || mode === Mode.replace)) remove(cache, home)
}

function writeInAttempts(cache: Attachment, home: Shard, draft: Draft): number {
  const segmentBytes = home.segmentBytes
  const keyLength = cache.key.length
  let fruitless = 0
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const fixed = keyLength + optionBytes(draft)
    if (keyLength === 0 || fixed + 64 > segmentBytes || draft.length > largestValue(home)) return Status.tooLarge
    const links = segmentsFor(draft.length, largestInline(home, fixed), segmentBytes)
    if (links > 0 && draft.chain === undefined) {
      const refusal = chainWithRoom(cache, home, draft, links)
      if (refusal !== Status.stored) return refusal
    }
    pin(cache)
    const outcome = attemptPinned(cache, home, draft)
    unpin(cache)
    if (outcome <= Status.stored) return outcome
    if (outcome === Attempt.again) {
      if (attempt > 4) spin()
      continue
    }
    const goal = outcome === Attempt.needsEntry ? Goal.entry : Goal.free
    const refusal = makeRoom(cache, home, goal, EVICTOR_RESERVE + 1)
    if (refusal !== Status.stored && ++fruitless >= FRUITLESS) return refusal
  }
  return Status.noRoom
}

/** The largest value that this shard takes: chains may hold half of its segments. */
function largestValue(home: Shard): number {
  return Math.min((home.segments >> 1) * home.segmentBytes, MAX_VALUE_BYTES)
}

/** Value bytes that fit into one record of a segment. */
function largestInline(home: Shard, fixed: number): number {
  return Math.min(home.segmentBytes - RECORD_HEADER_BYTES - fixed - 8, VALUE_LENGTH_MASK)
}

function outgrows(home: Shard, keyLength: number, draft: Draft): boolean {
  return draft.length > largestInline(home, keyLength + optionBytes(draft))
}

/** Bytes between header and key. */
function optionBytes(draft: Draft): number {
  const times = timeBytes(timeFlags(draft))
  return draft.extra === undefined ? times : times + extraBytes(draft)
}

function extraBytes({ extra, mode }: Draft): number {
  if (extra === undefined) return 0
  const tags = extra.tags.length === 0 ? 0 : 8 + 4 * extra.tags.length
  return (extra.cost < 0 ? 0 : 4) + tags + (keepsLease(extra, mode) ? 8 : 0)
}

/** A fill has the lease to show; what it stores is bound to none. */
function keepsLease(extra: Extra, mode: number): boolean {
  return extra.lease !== 0 && mode !== Mode.fill
}

function chainWithRoom(cache: Attachment, home: Shard, draft: Draft, links: number): number {
  const { key } = cache
  const value = draft.bytes ?? key.bytes.slice(key.length, key.length + draft.length)
  let refusal: number = Status.stored
  // The chains that earlier values left: memory that this process has already, unlike a fresh segment's.
  if (home.words[Header.drained >> 2] !== 0) evict(cache, home, Goal.share, 0)
  for (let attempt = 0; attempt < CHAIN_ATTEMPTS; attempt++) {
    draft.chain = buildChain(cache, home, value, links)
    if (draft.chain !== undefined) {
      draft.bytes = value
      return Status.stored
    }
    refusal = makeRoom(cache, home, Goal.free, links + EVICTOR_RESERVE + 1)
    if (refusal === Status.noRoom) return refusal
  }
  return refusal === Status.stored ? Status.noRoom : refusal
}

function attemptPinned(cache: Attachment, home: Shard, draft: Draft): number {
  const world = cache.world()
  if ((world & 1) === 1) return Status.closed
  const { key, found } = cache
  const isFound = find(home, key, world, found)
  if (isFound && found.ahead > 0) return Attempt.again
  if (draft.mode !== Mode.set && !holds(cache, home, draft, isFound && found.ahead === 0)) return Status.refused
  // With the tags that it inherits it may have become one that takes a chain.
  if (draft.mode === UNCHANGED && draft.chain === undefined && outgrows(home, key.length, draft)) return Attempt.again
  const adds = !(isFound && found.counts)
  if (adds) {
    const reservation = reserveIfBounded(cache, world)
    if (reservation === Reservation.full) {
      return !isFound && displaceIfFull(cache, home, key, world) ? Attempt.again : Attempt.needsEntry
    }
    if (reservation === Reservation.stale) return Attempt.again
  }
  const queue = adds ? queueForNew(cache, home, draft) : queueOfState(home.state(found.segment)) & 1
  const at = append(cache, home, queue, draft, world)
  if (at === 0) return Attempt.needsSpace
  const linked = link(cache, home, key, at, world, isFound, draft.mode !== Mode.set, true)
  if (linked === Linked.added) return Status.stored
  if (linked === Linked.replaced) {
    unreserveIfHeld(cache, world)
    cache.count(Counter.replaced)
    return Status.stored
  }
  // The next attempt writes anew: this space is only this pin's.
  if (draft.chain !== undefined) withdrawChain(cache, home, draft.chain)
  discard(home, at)
  return Attempt.again
}

/** Gives up a record that was written and never linked. */
export function discard(home: Shard, at: number): void {
  markDead(home, at)
  addLive(home, home.segmentOf(at), -recordUnits(home, at))
}

function holds(cache: Attachment, home: Shard, draft: Draft, isCurrent: boolean): boolean {
  const { found } = cache
  if (draft.mode === Mode.fill) return isCurrent && isBound(cache, home, draft)
  const isLive = isCurrent && standing(cache, home, found.location) === Standing.fresh
  if (draft.mode === Mode.add) return !isLive
  if (!isLive || draft.mode === Mode.replace) return isLive
  inheritTags(home, found.location, draft)
  return (
    stampSlot(home, found.slot) === draft.slot &&
    found.location === draft.location &&
    home.field(found.segment, Segment.generation) === draft.generation
  )
}

/** Whether the key is still bound to the draft's lease, and nothing that its data come from was invalidated since its stamp. */
function isBound(cache: Attachment, home: Shard, { extra }: Draft): boolean {
  const { location } = cache.found
  const [w0, w1] = [home.words[location << 1], home.words[(location << 1) + 1]]
  if (extra === undefined || !hasLease(w1) || leaseOf(home, location) !== extra.lease) return false
  if (!isLeaseLive(cache, extra.lease)) return false
  if ((w0 & RecordFlag.tags) !== 0 && !areTagsValid(cache, home, location, w0)) return false
  for (let i = 0; i < extra.tags.length; i++) if (!isTagValid(cache, extra.tags[i], extra.stamp)) return false
  return true
}

/** What comes from an entry by compare-and-set goes when that would go. */
function inheritTags(home: Shard, location: number, draft: Draft): void {
  const w0 = home.words[location << 1]
  if ((w0 & RecordFlag.tags) === 0) return
  const at = (location << 1) + tagsWord(w0)
  const tags = home.words.slice(at + 2, at + 2 + tagCount(home, location, w0))
  draft.extra = { cost: -1, lease: 0, stamp: home.words[at + 1], tags }
}

/** A slot's number over all shards, as stamps name it. */
export function stampSlot(home: Shard, slot: number): number {
  return home.number * home.buckets * SLOTS + home.slotIndex(slot)
}

/** A new key goes where the policy says; an overwritten entry stays in its queue. */
function queueForNew(cache: Attachment, home: Shard, draft: Draft): number {
  if (draft.returned === undefined) {
    home.sketch.add(cache.key.h, 1)
    const { h, tag } = cache.key
    draft.returned = home.ghosts.take(h, fingerprint(h, tag), home.words[Header.ghostLimit >> 2])
    if (draft.returned) cache.count(Counter.ghostHits)
  }
  const mode = home.mode()
  return queueOfNew(mode, draft.returned, isSmallFull(cache, home, mode))
}

/** Below this the call into the engine's copy costs more than a loop. */
const LOOP_WORDS = 96

/** Writes the record into fresh space. Nobody can reach it until it is linked. Returns its location, 0 for no space. */
export function append(cache: Attachment, home: Shard, queue: number, draft: Draft, world: number): number {
  const { key } = cache
  const { words } = home
  const { chain, extra } = draft
  const inHead = chain === undefined ? undefined : headValue(chain, draft.bytes as Uint8Array, home.segmentBytes)
  const bytes = inHead ?? draft.bytes
  const length = bytes === undefined ? draft.length : bytes.length
  let flags = timeFlags(draft) | (chain === undefined ? 0 : RecordFlag.chain)
  let keyOffset = RECORD_HEADER_BYTES + timeBytes(flags)
  if (extra !== undefined) {
    flags |= (extra.cost < 0 ? 0 : RecordFlag.cost) | (extra.tags.length === 0 ? 0 : RecordFlag.tags)
    keyOffset += extraBytes(draft)
  }
  const w0 = length | (draft.kind << KIND_SHIFT) | flags
  const timed = (flags & TIMES) !== 0
  const at = allocate(cache, home, queue, unitsFor(keyOffset, key.length, length), timed, world, Claimant.caller)
  if (at === 0) return 0
  writeTimes(home, at, w0, draft, draft.idleMs < 0 ? 0 : cache.clock.now())
  const leased = extra !== undefined && writeExtra(words, at << 1, w0, keyOffset >> 2, extra, draft.mode)
  // Staged values lie right behind the key, so that both go in whole words; others follow byte by byte.
  const together = key.length + (bytes === undefined ? length : 0)
  const count = (together + 3) >> 2
  const target = (at << 1) + (keyOffset >> 2)
  if (count <= LOOP_WORDS) for (let i = 0; i < count; i++) words[target + i] = key.words[i]
  else words.set(key.words.subarray(0, count), target)
  if (bytes !== undefined) home.buffer.set(bytes, target * 4 + key.length)
  words[at << 1] = w0
  words[(at << 1) + 1] = leased ? key.length | RECORD_LEASE : key.length
  if (chain !== undefined) publishChain(cache, home, chain)
  return at
}

/** True when the record carries a lease. */
function writeExtra(words: Int32Array, at: number, w0: number, key: number, extra: Extra, mode: number): boolean {
  if ((w0 & RecordFlag.cost) !== 0) words[at + costWord(w0)] = Math.min(extra.cost, MAX_COST)
  if ((w0 & RecordFlag.tags) !== 0) {
    const tags = at + tagsWord(w0)
    words[tags] = extra.tags.length
    words[tags + 1] = extra.stamp
    for (let i = 0; i < extra.tags.length; i++) words[tags + 2 + i] = extra.tags[i]
  }
  const leased = keepsLease(extra, mode)
  if (leased) writeLease(words, at + key, extra.lease)
  return leased
}

const MAX_COST = 2 ** 32 - 1
