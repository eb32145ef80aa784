// Loading: finding what is fresh, stale or an outcome; taking a key's lease; ending it (docs/slab.md 8). A lease binds the key's member
// itself: a marker where there is no value, a copy of the value where there is one. Whatever replaces or removes that member refuses the
// load's value. May touch: the lease table and the index by way of their files. Unpinned callers only.

import {
  Acquired,
  Found as Answer,
  FoundState,
  Kind,
  Lease,
  MAX_OUTCOME_BYTES,
  Meta,
  OUTCOME_MS,
  Status,
} from '../engine.js'
import {
  BUCKET_BYTES,
  BUCKET_SLOTS,
  Counter,
  EVICTOR_RESERVE,
  Queue,
  RecordFlag,
  SLOT_BYTES,
  SLOTS,
} from '../layout.js'
import type { Attachment } from './attachment.js'
import { copyValue, valueStart } from './chain.js'
import { pin, pinRead, unpin, unpinRead } from './epoch.js'
import { Goal } from './evict.js'
import { bump, examine, find, firstBucketOf, Linked, link, secondBucketOf, unlink } from './index.js'
import { claimLease, finishLease, isLeaseLive, leaseOf, leaseState, sweepLeases } from './lease.js'
import { spin } from './pause.js'
import { locate, noteUseOf, type ReadTarget, takeValue } from './read.js'
import { costWord, hasLease, isMarker, isSound, valueBytes } from './record.js'
import { type Changes, moveTo } from './relocate.js'
import { removeExpired, removeIfGone } from './remove.js'
import { makeRoom, payUpkeep } from './room.js'
import { SampleKind, sample } from './samples.js'
import { Claimant, queueOfState } from './segment.js'
import type { Shard } from './shard.js'
import { expiresAt, hasEnd, hasIdle, Standing, softAt, standing, timesInto } from './times.js'
import { append, Draft, discard } from './write.js'

/** A lease runs for at most so long, in ms: about six days. */
const MAX_LEASE_MS = 2 ** 29
/** A pair of buckets that holds so many markers takes no more: entries need places too, and a marker is no victim. */
const CROWD = SLOTS
/** Attempts to take a lease; each further one follows other threads' successes on the same key or buckets. */
const ATTEMPTS = 64
const FRUITLESS = 3
/** Bytes that a marker's record has beside its key, at most. */
const MARKER_BYTES = 64

/** As a reader's `read` in read.ts, for all that a key may be bound to; `answer` is the contract's `found`. */
export interface LookUpTarget extends ReadTarget {
  readonly found: Float64Array
  taken: Uint8Array | undefined
}

export function lookUp(cache: Attachment, home: Shard, target: LookUpTarget): string | number | undefined {
  const { found } = target
  for (;;) {
    pinRead(cache)
    const outcome = lookPinned(cache, home, target)
    const { location } = cache.found
    const w0 = home.words[location << 1]
    if (!unpinRead(cache) || outcome === Look.changed) {
      spin()
      continue
    }
    target.taken = long
    const isFresh = found[Answer.state] === FoundState.fresh
    cache.count(isFresh ? Counter.hits : Counter.misses)
    const { h, length } = cache.key
    if (isFresh) sample(home, h, length, target.meta[Meta.length], SampleKind.hit)
    else sample(home, h, length, 0, SampleKind.miss)
    if (outcome === Look.gone) removeExpired(cache, home)
    if (isFresh && hasIdle(w0)) noteUseOf(cache, home, location)
    return value
  }
}

/** The value that `lookPinned` took; one variable, as lookups do not nest. */
let value: string | number | undefined
/** Its bytes, where they do not fit into scratch. */
let long: Uint8Array | undefined

const Look = { done: 0, changed: 1, gone: 2 } as const

function lookPinned(cache: Attachment, home: Shard, target: LookUpTarget): number {
  const { found } = target
  value = undefined
  long = undefined
  found.fill(0)
  found[Answer.cost] = -1
  const world = cache.world()
  const location = (world & 1) === 1 ? 0 : locate(cache, home, cache.key)
  cache.found.location = location
  if (location === 0) return Look.done
  const ahead = (home.worldOf(location) - world) | 0
  if (ahead !== 0) return ahead > 0 ? Look.changed : Look.done
  const w0 = home.words[location << 1]
  if (hasLease(home.words[(location << 1) + 1])) {
    const token = leaseOf(home, location)
    if (isLeaseLive(cache, token)) found[Answer.lease] = token
  }
  const stands = standing(cache, home, location)
  if (stands === Standing.gone) return Look.gone
  if (stands === Standing.marker) {
    takeOutcome(cache, home, location, target)
    return Look.done
  }
  found[Answer.state] = stands === Standing.fresh ? FoundState.fresh : FoundState.stale
  const due = expiresAt(home, location, w0)
  const now = hasEnd(w0) ? cache.clock.exact() : 0
  found[Answer.freshFor] = Math.max(0, Math.min(due, softAt(home, location, w0)) - now)
  found[Answer.endsIn] = Math.max(0, due - now)
  if ((w0 & RecordFlag.cost) !== 0) found[Answer.cost] = home.words[(location << 1) + costWord(w0)] >>> 0
  value = takeValue(cache, home, target)
  if (typeof value === 'number' && value > target.scratch.length) {
    long = new Uint8Array(value)
    copyValue(home, location, long, value)
  }
  bump(home, cache.found.slot)
  return Look.done
}

/** A marker with a value tells how its load ended: the state, and the bytes of an error. */
function takeOutcome(cache: Attachment, home: Shard, location: number, target: LookUpTarget): void {
  const { found, scratch } = target
  const length = valueBytes(home.words[location << 1]) - 1
  if (length < 0 || length > scratch.length || !isSound(home, location)) return
  if (cache.clock.isDue(expiresAt(home, location, home.words[location << 1]))) return
  const start = valueStart(home, location)
  const failed = home.buffer[start] === Lease.failed
  found[Answer.state] = failed ? FoundState.failed : FoundState.nothing
  found[Answer.lease] = leaseOf(home, location)
  if (!failed) return
  for (let i = 0; i < length; i++) scratch[i] = home.buffer[start + 1 + i]
  value = length
}

/** Why an attempt did not end in a lease, beside `Acquired`; tokens are positive, so all of these are not. */
const Attempt = { again: -10, needsSpace: -11, needsLine: -12 } as const

/** What one request for a lease remembers between its attempts; one object, as requests do not nest. */
const request = { token: 0, deadline: 0, early: false, running: 0 }
const draft = new Draft()

/** The contract's `acquireLease`. */
export function acquire(
  cache: Attachment,
  home: Shard,
  timeoutMs: number,
  early: boolean,
  found: Float64Array,
): number {
  if (cache.owed !== 0) payUpkeep(cache, home)
  request.token = 0
  request.deadline = cache.clock.exact() + Math.min(Math.max(0, Math.floor(timeoutMs)), MAX_LEASE_MS)
  request.early = early
  const outcome = acquireInAttempts(cache, home)
  // Claimed and then not needed.
  if (outcome <= 0 && request.token !== 0) finishLease(cache, request.token, Lease.abandoned)
  if (outcome === Acquired.full) cache.count(Counter.leasesRefused)
  found[Answer.lease] = outcome > 0 ? outcome : outcome === Acquired.running ? request.running : 0
  return outcome
}

function acquireInAttempts(cache: Attachment, home: Shard): number {
  const { length } = cache.key
  if (length === 0 || length + MARKER_BYTES > home.segmentBytes) return Acquired.full
  let fruitless = 0
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    pin(cache)
    const outcome = acquirePinned(cache, home)
    unpin(cache)
    if (outcome === Acquired.running) {
      // It may be overdue, or its thread dead: then it is over now, and the key is to be had.
      if (leaseState(cache, request.running) === Lease.running) return outcome
    } else if (outcome >= Acquired.full) {
      return outcome
    } else if (outcome === Attempt.again) {
      if (attempt > 4) spin()
    } else if (outcome === Attempt.needsLine) {
      if (!sweepLeases(cache)) return Acquired.full
    } else if (makeRoom(cache, home, Goal.free, EVICTOR_RESERVE + 1) !== Status.stored && ++fruitless >= FRUITLESS) {
      return Acquired.full
    }
  }
  return Acquired.full
}

function acquirePinned(cache: Attachment, home: Shard): number {
  const world = cache.world()
  if ((world & 1) === 1) return Acquired.full
  const { key, found } = cache
  const isFound = find(home, key, world, found)
  if (isFound && found.ahead > 0) return Attempt.again
  if (!isFound || found.ahead < 0) {
    if (!isFound && isCrowded(cache, home, world)) return Acquired.full
    return hasLine(cache) ? bindMarker(cache, home, world, isFound) : Attempt.needsLine
  }
  const { location } = found
  const w0 = home.words[location << 1]
  const stands = standing(cache, home, location)
  if (stands === Standing.fresh && !(request.early && hasEnd(w0))) return Acquired.present
  if (hasLease(home.words[(location << 1) + 1])) {
    request.running = leaseOf(home, location)
    if (isLeaseLive(cache, request.running)) return Acquired.running
    // Overdue, or over already.
    finishLease(cache, request.running, Lease.abandoned)
  }
  if (stands === Standing.gone) {
    removeIfGone(cache, home, world)
    return Attempt.again
  }
  if (!hasLine(cache)) return Attempt.needsLine
  return stands === Standing.marker ? bindMarker(cache, home, world, true) : bindValue(cache, home, world)
}

function hasLine(cache: Attachment): boolean {
  if (request.token === 0) request.token = claimLease(cache, request.deadline)
  return request.token !== 0
}

/** Whether the key's buckets hold as many markers as they may. */
function isCrowded(cache: Attachment, home: Shard, world: number): boolean {
  const { victim } = cache
  let markers = 0
  for (const bucket of [firstBucketOf(home, cache.key), secondBucketOf(home, cache.key)]) {
    for (let at = bucket + BUCKET_SLOTS; at < bucket + BUCKET_BYTES; at += SLOT_BYTES) {
      if (examine(home, at, world, victim) && isMarker(home.words[victim.location << 1])) markers++
    }
  }
  return markers >= CROWD
}

function bindMarker(cache: Attachment, home: Shard, world: number, isFound: boolean): number {
  const outcome = putMarker(cache, home, world, isFound, request.token, request.deadline, undefined)
  return outcome === Put.done ? request.token : outcome === Put.noSpace ? Attempt.needsSpace : Attempt.again
}

const Put = { done: 0, noSpace: 1, changed: 2 } as const

/** Makes a marker the key's member: in place of `cache.found` if that is one, else if there is none. */
function putMarker(
  cache: Attachment,
  home: Shard,
  world: number,
  isFound: boolean,
  lease: number,
  due: number,
  bytes: Uint8Array | undefined,
): number {
  draft.kind = Kind.marker
  draft.bytes = bytes
  draft.length = bytes === undefined ? 0 : bytes.length
  draft.due = due
  draft.extra = { cost: -1, stamp: 0, tags: [], lease }
  const at = append(cache, home, Queue.small, draft, world)
  if (at === 0) return Put.noSpace
  if (link(cache, home, cache.key, at, world, isFound, true, false) !== Linked.again) return Put.done
  discard(home, at)
  return Put.changed
}

/** What a copy under a lease says; one object, as copies do not nest. */
const leased: Changes = { due: 0, idleMs: 0, softDue: 0, lease: 0 }

/** Binds the lease to the value that is there, by a copy of it. */
function bindValue(cache: Attachment, home: Shard, world: number): number {
  const { found, key } = cache
  const queue = queueOfState(home.state(found.segment)) & 1
  timesInto(home, found.location, leased)
  leased.lease = request.token
  if (moveTo(cache, home, found, key, queue, world, Claimant.caller, leased)) return request.token
  return home.kernel.highOf(found.slot, found.low) === found.location ? Attempt.needsSpace : Attempt.again
}

/** The contract's `endLease`. The outcome first, then the lease: who is woken finds it. */
export function endLease(
  cache: Attachment,
  home: Shard,
  token: number,
  state: number,
  outcome: Uint8Array | undefined,
): void {
  if (state !== Lease.filled && leaseState(cache, token) === Lease.running) unbind(cache, home, token, state, outcome)
  finishLease(cache, token, state)
}

const UNBIND_ATTEMPTS = 16

/** The key's member is no longer bound: a marker goes or becomes the outcome, a value goes unless it may still be served. */
function unbind(cache: Attachment, home: Shard, token: number, state: number, outcome: Uint8Array | undefined): void {
  const bytes = state === Lease.abandoned ? undefined : outcomeBytes(cache, home, state, outcome)
  let mayAdd = false
  for (let attempt = 0; attempt < UNBIND_ATTEMPTS; attempt++) {
    pin(cache)
    const world = cache.world()
    const { found } = cache
    const isFound = find(home, cache.key, world, found)
    let done = true
    if (isFound ? found.ahead === 0 && isBoundTo(home, found.location, token) : mayAdd) {
      const isValue = isFound && !isMarker(home.words[found.location << 1])
      if (isValue && state !== Lease.nothing && standing(cache, home, found.location) !== Standing.gone) {
        // Stale at worst: the lease in it means nothing any more.
      } else if (isValue || bytes === undefined) {
        if (isFound && !unlink(cache, home, found, world)) done = false
        else if (isValue && bytes !== undefined) {
          mayAdd = true
          done = false
        }
      } else {
        const due = cache.clock.exact() + OUTCOME_MS
        const put = putMarker(cache, home, world, isFound, token, due, bytes)
        // Without space for it there is none, and the next caller loads.
        if (put === Put.noSpace && isFound) unlink(cache, home, found, world)
        done = put !== Put.changed
      }
    }
    unpin(cache)
    if (done) return
  }
}

function isBoundTo(home: Shard, location: number, token: number): boolean {
  return hasLease(home.words[(location << 1) + 1]) && leaseOf(home, location) === token
}

/** The state and the bytes of an error; these are left out where they are too many. */
function outcomeBytes(cache: Attachment, home: Shard, state: number, outcome: Uint8Array | undefined): Uint8Array {
  const room = Math.min(MAX_OUTCOME_BYTES, home.segmentBytes - cache.key.length - MARKER_BYTES - 1)
  const length = outcome === undefined || outcome.length > room ? 0 : outcome.length
  const bytes = new Uint8Array(1 + length)
  bytes[0] = state
  if (length > 0) bytes.set(outcome as Uint8Array, 1)
  return bytes
}
