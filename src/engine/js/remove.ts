// Looking at the live member of the attachment's key under a writer's pin: delete, touch, the times of an entry.
// May touch: the index by way of index.ts. Unpinned callers only.

import { Status } from '../engine.js'
import { Counter, EVICTOR_RESERVE } from '../layout.js'
import type { Attachment } from './attachment.js'
import { pin, unpin } from './epoch.js'
import { Goal } from './evict.js'
import { bump, find, unlink } from './index.js'
import { spin } from './pause.js'
import { moveWithTimes } from './relocate.js'
import { makeRoom, payUpkeep } from './room.js'
import { Claimant, queueOfState } from './segment.js'
import type { Shard } from './shard.js'
import { expiresAt, idleOf, isExpired } from './times.js'

/** What a look for the live member found; `changed`: begin again. */
const Look = { absent: 0, live: 1, changed: 2 } as const

/** Leaves the live member in `cache.found`. Pinned unexpellably. */
export function lookForLive(cache: Attachment, home: Shard, world: number): number {
  const { found } = cache
  if ((world & 1) === 1 || !find(home, cache.key, world, found)) return Look.absent
  if (found.ahead !== 0) return found.ahead > 0 ? Look.changed : Look.absent
  return isExpired(cache, home, found.location) ? Look.absent : Look.live
}

/** Unlinks the live entry. True for exactly one of all callers that race for it. */
export function remove(cache: Attachment, home: Shard): boolean {
  for (;;) {
    pin(cache)
    const world = cache.world()
    const look = lookForLive(cache, home, world)
    const removed = look === Look.live && unlink(cache, home, cache.found, world)
    unpin(cache)
    if (removed) return true
    if (look === Look.absent) return false
    spin()
  }
}

/** Drops an entry that a reader saw expired, so that its slot and `size` do not wait for the hand. */
export function removeExpired(cache: Attachment, home: Shard): void {
  pin(cache)
  const world = cache.world()
  const { found } = cache
  if (find(home, cache.key, world, found) && found.ahead === 0 && isExpired(cache, home, found.location)) {
    if (unlink(cache, home, found, world)) cache.count(Counter.expired)
  }
  unpin(cache)
}

/** Expiry (ms since origin, Infinity for none) and idle time (-1 for none) of the live entry; false when absent. */
export function timesOf(cache: Attachment, home: Shard, into: { due: number; idleMs: number }): boolean {
  for (;;) {
    pin(cache)
    const look = lookForLive(cache, home, cache.world())
    if (look === Look.live) {
      const { location } = cache.found
      const w0 = home.words[location << 1]
      into.due = expiresAt(home, location, w0)
      into.idleMs = idleOf(home, location, w0)
    }
    unpin(cache)
    if (look !== Look.changed) return look === Look.live
    spin()
  }
}

const TOUCH_ATTEMPTS = 4
const Touch = { no: 0, yes: 1, changed: 2, noSpace: 3 } as const

/** Gives the live entry another expiry and idle time, by copying its record. False when absent, or no space could be made. */
export function touchTimes(cache: Attachment, home: Shard, due: number, idleMs: number): boolean {
  if (cache.owed !== 0) payUpkeep(cache, home)
  for (let fruitless = 0; fruitless < TOUCH_ATTEMPTS; ) {
    // The last attempt may take what is left for the evictor: an entry in use is not given up for want of a copy of it.
    const claimant = fruitless + 1 < TOUCH_ATTEMPTS ? Claimant.caller : Claimant.evictor
    pin(cache)
    const outcome = touchPinned(cache, home, due, idleMs, claimant)
    unpin(cache)
    if (outcome === Touch.yes) cache.count(Counter.touched)
    if (outcome <= Touch.yes) return outcome === Touch.yes
    if (outcome === Touch.changed) spin()
    else if (makeRoom(cache, home, Goal.free, EVICTOR_RESERVE + 1) !== Status.stored) fruitless++
    else if (claimant === Claimant.evictor) fruitless++
  }
  return false
}

function touchPinned(cache: Attachment, home: Shard, due: number, idleMs: number, claimant: number): number {
  const world = cache.world()
  const look = lookForLive(cache, home, world)
  if (look !== Look.live) return look === Look.changed ? Touch.changed : Touch.no
  const { found } = cache
  const queue = queueOfState(home.state(found.segment)) & 1
  if (moveWithTimes(cache, home, found, cache.key, queue, world, claimant, due, idleMs)) {
    bump(home, found.slot)
    return Touch.yes
  }
  const same = home.kernel.highOf(found.slot, found.low) === found.location
  return same ? Touch.noSpace : Touch.changed
}
