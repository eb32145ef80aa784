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
import { evict, Goal, isSmallFull } from './evict.js'
import { takeGhost } from './ghost.js'
import { find, Linked, link } from './index.js'
import { spin } from './pause.js'
import { queueOfNew } from './policy.js'
import { markDead, recordUnits, unitsFor } from './record.js'
import { remove } from './remove.js'
import { makeRoom, payUpkeep } from './room.js'
import { addLive, Claimant, queueOfState } from './segment.js'
import type { Shard } from './shard.js'
import { isExpired, timeFlags, writeTimes } from './times.js'

/** Beside the modes of the contract: the live entry is still the record that the draft's stamp was taken of. */
export const UNCHANGED = 3

/** A value about to be written under the attachment's key: staged behind the key's bytes, or in an array of its own. One per thread. */
export class Draft {
  kind = 0
  length = 0
  bytes: Uint8Array | undefined
  /** Ms since origin, Infinity for never; idle time in ms, -1 for none. */
  due = Number.POSITIVE_INFINITY
  idleMs = -1
  mode = 0
  /** With `UNCHANGED`. */
  slot = 0
  location = 0
  generation = 0
  chain: Chain | undefined
  /** Whether the key's ghost was there; asked once, because asking uses it up. */
  returned: boolean | undefined
}

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
  draft.chain = undefined
  draft.returned = undefined
  const outcome = writeInAttempts(cache, home, draft)
  if (outcome === Status.stored) {
    cache.count(Counter.stored)
    cache.countBy(Counter.bytesWritten, draft.length)
    return outcome
  }
  if (cache.maxEntries !== 0) unreserveIfHeld(cache, cache.world())
  if (draft.chain !== undefined) abandonChain(home, draft.chain)
  refuse(cache, home, draft.mode, outcome)
  return outcome
}

function refuse(cache: Attachment, home: Shard, mode: number, outcome: number): void {
  if (outcome === Status.refused) cache.count(Counter.refused)
  else if (outcome === Status.tooLarge) cache.count(Counter.rejectedTooLarge)
  else if (outcome === Status.noRoom) cache.count(Counter.rejectedNoRoom)
  else if (outcome === Status.paused) cache.count(Counter.rejectedPaused)
  // A failed set must not leave the old value; a failed add or compare-and-set never touched it.
  if (outcome < 0 && (mode === Mode.set || mode === Mode.replace)) remove(cache, home)
}

function writeInAttempts(cache: Attachment, home: Shard, draft: Draft): number {
  const segmentBytes = home.segmentBytes
  const keyLength = cache.key.length
  if (keyLength === 0 || keyLength + 64 > segmentBytes || draft.length > largestValue(home)) return Status.tooLarge
  const links = segmentsFor(draft.length, largestInline(home, keyLength, draft), segmentBytes)
  let fruitless = 0
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
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
function largestInline(home: Shard, keyLength: number, draft: Draft): number {
  const times = (draft.due === Number.POSITIVE_INFINITY ? 0 : 4) + (draft.idleMs < 0 ? 0 : 8)
  const room = home.segmentBytes - RECORD_HEADER_BYTES - times - keyLength - 8
  return Math.min(room, VALUE_LENGTH_MASK)
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
  const isCurrent = isFound && found.ahead === 0
  if (draft.mode !== Mode.set && !holds(cache, home, draft, isCurrent)) return Status.refused
  if (!isCurrent) {
    const reservation = reserveIfBounded(cache, world)
    if (reservation === Reservation.full) return Attempt.needsEntry
    if (reservation === Reservation.stale) return Attempt.again
  }
  const queue = isCurrent ? queueOfState(home.state(found.segment)) & 1 : queueForNew(cache, home, draft)
  const at = append(cache, home, queue, draft, world)
  if (at === 0) return Attempt.needsSpace
  const linked = link(cache, home, key, at, world, isFound, draft.mode !== Mode.set)
  if (linked === Linked.added) return Status.stored
  if (linked === Linked.replaced) {
    unreserveIfHeld(cache, world)
    cache.count(Counter.replaced)
    return Status.stored
  }
  // The next attempt writes anew: this space is only this pin's.
  if (draft.chain !== undefined) withdrawChain(cache, home, draft.chain)
  markDead(home, at)
  addLive(home, home.segmentOf(at), -recordUnits(home, at))
  return Attempt.again
}

function holds(cache: Attachment, home: Shard, draft: Draft, isCurrent: boolean): boolean {
  const { found } = cache
  const isLive = isCurrent && !isExpired(cache, home, found.location)
  if (draft.mode === Mode.add) return !isLive
  if (!isLive || draft.mode === Mode.replace) return isLive
  return (
    stampSlot(home, found.slot) === draft.slot &&
    found.location === draft.location &&
    home.field(found.segment, Segment.generation) === draft.generation
  )
}

/** A slot's number over all shards, as stamps name it. */
export function stampSlot(home: Shard, slot: number): number {
  return home.number * home.buckets * SLOTS + home.slotIndex(slot)
}

/** A new key goes where the policy says; an overwritten entry stays in its queue. */
function queueForNew(cache: Attachment, home: Shard, draft: Draft): number {
  if (draft.returned === undefined) {
    draft.returned = takeGhost(home, cache.key)
    if (draft.returned) cache.count(Counter.ghostHits)
  }
  return queueOfNew(cache.policy, draft.returned, isSmallFull(cache, home))
}

/** Below this the call into the engine's copy costs more than a loop. */
const LOOP_WORDS = 96

/** Writes the record into fresh space. Nobody can reach it until it is linked. Returns its location, 0 for no space. */
function append(cache: Attachment, home: Shard, queue: number, draft: Draft, world: number): number {
  const { key } = cache
  const { words } = home
  const { chain } = draft
  const inHead = chain === undefined ? undefined : headValue(chain, draft.bytes as Uint8Array, home.segmentBytes)
  const bytes = inHead ?? draft.bytes
  const length = bytes === undefined ? draft.length : bytes.length
  const flags = timeFlags(draft.due, draft.idleMs) | (chain === undefined ? 0 : RecordFlag.chain)
  const w0 = length | (draft.kind << KIND_SHIFT) | flags
  const keyOffset = RECORD_HEADER_BYTES + ((flags & RecordFlag.expiry) !== 0 ? 4 : 0) + (draft.idleMs < 0 ? 0 : 8)
  const timed = (flags & (RecordFlag.expiry | RecordFlag.idle)) !== 0
  const at = allocate(cache, home, queue, unitsFor(keyOffset, key.length, length), timed, world, Claimant.caller)
  if (at === 0) return 0
  writeTimes(home, at, w0, draft.due, draft.idleMs, draft.idleMs < 0 ? 0 : cache.clock.now())
  // Staged values lie right behind the key, so that both go in whole words; others follow byte by byte.
  const together = key.length + (bytes === undefined ? length : 0)
  const count = (together + 3) >> 2
  const target = (at << 1) + (keyOffset >> 2)
  if (count <= LOOP_WORDS) for (let i = 0; i < count; i++) words[target + i] = key.words[i]
  else words.set(key.words.subarray(0, count), target)
  if (bytes !== undefined) home.buffer.set(bytes, target * 4 + key.length)
  words[at << 1] = w0
  words[(at << 1) + 1] = key.length
  if (chain !== undefined) publishChain(cache, home, chain)
  return at
}
