// The thread registry: claiming a line, proving a thread dead, and healing what it left (docs/slab.md 3). A thread is dead only when
// that is proven: slow, stopped, debugged or starved threads are alive, and nothing is taken from them.
// May touch: registry lines, the reaper lock, and whatever a dead thread left half done.

import { threadId } from 'node:worker_threads'
import { Control, Counter, EngineId, Shard as Header, Segment, SegmentState, THREADS, Thread } from '../layout.js'
import { type Attachment, lineWord } from './attachment.js'
import { advanceEpoch } from './epoch.js'
import { isAlive, osThreadId, threadStart } from './host.js'
import { settleIntent } from './intent.js'
import { abandonLeasesOf } from './lease.js'
import { freeSegment, kindOfState, ownerOfState } from './segment.js'
import type { Shard } from './shard.js'

const HIGH_WATER = Control.threadsEnd >> 2
const REAPER = Control.reaper >> 2

/**
 * The number of a line that now belongs to the calling thread; -1 when all belong to the living. The dead are reaped first: where workers
 * are replaced, the new one gives back what the old one held.
 */
export function claimLine(cache: Attachment): number {
  reapAll(cache)
  const mine = claimFreeLine(cache)
  if (mine >= 0) return mine
  for (let thread = 0; thread < THREADS; thread++) reapIfDead(cache, thread)
  return claimFreeLine(cache)
}

/** Looks into every line in use, some microseconds each. Call unpinned. True when somebody dead was found. */
export function reapAll(cache: Attachment): boolean {
  const lines = highWater(cache)
  let found = false
  for (let thread = 0; thread < lines; thread++) if (reapIfDead(cache, thread)) found = true
  return found
}

function claimFreeLine(cache: Attachment): number {
  const { control } = cache
  const id = osThreadId()
  const start = threadStart(id)
  for (let thread = 0; thread < THREADS; thread++) {
    const line = lineWord(thread)
    if (Atomics.load(control, line + (Thread.id >> 2)) !== 0) continue
    if (Atomics.compareExchange(control, line + (Thread.id >> 2), 0, id) !== 0) continue
    Atomics.store(control, line + (Thread.startLow >> 2), start | 0)
    Atomics.store(control, line + (Thread.startHigh >> 2), Math.floor(start / 2 ** 32))
    Atomics.store(control, line + (Thread.nodeThread >> 2), threadId + 1)
    Atomics.store(control, line + (Thread.engine >> 2), EngineId.js)
    Atomics.store(control, line + (Thread.exited >> 2), 0)
    raiseHighWater(control, thread + 1)
    return thread
  }
  return -1
}

function raiseHighWater(control: Int32Array, lines: number): void {
  let seen = Atomics.load(control, HIGH_WATER)
  while (seen < lines) {
    const now = Atomics.compareExchange(control, HIGH_WATER, seen, lines)
    if (now === seen) return
    seen = now
  }
}

/** Lines ever used. */
export function highWater(cache: Attachment): number {
  return Math.min(Atomics.load(cache.control, HIGH_WATER), THREADS)
}

/** Gives this thread's line back. What identifies it goes first, so that the next owner is never judged by it. */
export function releaseLine(cache: Attachment): void {
  abandonLeasesOf(cache, cache.me)
  Atomics.store(cache.control, cache.line + (Thread.pin >> 2), 0)
  forgetIdentity(cache.control, cache.line)
}

function forgetIdentity(control: Int32Array, line: number): void {
  Atomics.store(control, line + (Thread.startLow >> 2), 0)
  Atomics.store(control, line + (Thread.startHigh >> 2), 0)
  Atomics.store(control, line + (Thread.nodeThread >> 2), 0)
  Atomics.store(control, line + (Thread.exited >> 2), 0)
  Atomics.store(control, line + (Thread.id >> 2), 0)
}

/** True only with proof. */
function isDead(cache: Attachment, thread: number): boolean {
  const { control } = cache
  const line = lineWord(thread)
  const id = Atomics.load(control, line + (Thread.id >> 2))
  if (id === 0) return false
  if (Atomics.load(control, line + (Thread.exited >> 2)) !== 0) return true
  const low = Atomics.load(control, line + (Thread.startLow >> 2)) >>> 0
  return !isAlive(id, low + (Atomics.load(control, line + (Thread.startHigh >> 2)) >>> 0) * 2 ** 32)
}

/**
 * Heals what a dead thread left and frees its line. False when it is not proven dead, or somebody else is at it. Call unpinned. A thread
 * that has no line yet stands in the reaper lock by its own id.
 */
export function reapIfDead(cache: Attachment, thread: number): boolean {
  // While the constructor claims a line, `me` is not set yet.
  const me = (cache as Partial<Attachment>).me
  if (thread === me || !isDead(cache, thread)) return false
  const reaper = me === undefined ? THREADS + osThreadId() : me + 1
  if (!lockReaper(cache, reaper)) return false
  // Looked at again under the lock: another reaper may have freed the line, and a new thread may own it.
  const dead = isDead(cache, thread)
  if (dead) heal(cache, thread)
  if (dead && me !== undefined) cache.count(Counter.threadsReaped)
  Atomics.store(cache.control, REAPER, 0)
  return dead
}

function lockReaper(cache: Attachment, reaper: number): boolean {
  const holder = Atomics.compareExchange(cache.control, REAPER, 0, reaper)
  if (holder === 0) return true
  const gone = holder <= THREADS ? isDead(cache, holder - 1) : !isAlive(holder - THREADS, 0)
  return gone && Atomics.compareExchange(cache.control, REAPER, holder, reaper) === holder
}

/** Every step is safe to repeat: the reaper may die as well. */
function heal(cache: Attachment, thread: number): void {
  const { control } = cache
  const line = lineWord(thread)
  settleIntent(cache, thread)
  for (const home of cache.shards) healShard(cache, home, thread)
  abandonLeasesOf(cache, thread)
  Atomics.store(control, Control.drift >> 2, 1)
  Atomics.store(control, line + (Thread.inflight >> 2), 0)
  const sequence = Atomics.load(control, line + (Thread.sequence >> 2))
  if ((sequence & 1) === 1) Atomics.store(control, line + (Thread.sequence >> 2), sequence + 1)
  Atomics.store(control, line + (Thread.pin >> 2), 0)
  Atomics.store(control, line + (Thread.invalidating >> 2), 0)
  forgetIdentity(control, line)
}

/** Segments that the dead had taken but not published, and the evictor's lock that it held. */
function healShard(cache: Attachment, home: Shard, thread: number): void {
  const heldLock = Atomics.load(home.words, Header.evictor >> 2) === thread + 1
  for (let index = 0; index < home.segments; index++) {
    const seen = home.state(index)
    const kind = kindOfState(seen)
    const unpublished = kind === SegmentState.opening || kind === SegmentState.building
    if (unpublished && ownerOfState(seen) === thread + 1) freeSegment(home, index, seen)
    // It may have died between closing a segment and stamping the epoch of that: a later stamp is always right.
    if (heldLock && kind === SegmentState.sealed) home.setField(index, Segment.epoch, advanceEpoch(cache))
  }
  if (heldLock) Atomics.compareExchange(home.words, Header.evictor >> 2, thread + 1, 0)
}
