// Looking at the live member of the attachment's key under a writer's pin: delete, touch, the times of an entry.
// May touch: the index by way of index.ts. Unpinned callers only.

import { Status } from '../engine.js'
import { Counter, EVICTOR_RESERVE } from '../layout.js'
import type { Attachment } from './attachment.js'
import { departed } from './departures.js'
import { pin, unpin } from './epoch.js'
import { Goal } from './evict.js'
import { bump, find, isLeased, unlink } from './index.js'
import { leaseOf } from './lease.js'
import { spin } from './pause.js'
import { type Changes, moveTo } from './relocate.js'
import { makeRoom, payUpkeep } from './room.js'
import { Claimant, queueOfState } from './segment.js'
import type { Shard } from './shard.js'
import { isExpired, Standing, standing, type Times, timesInto } from './times.js'

/** What a look for the present member found; `changed`: begin again. `hidden`: one that reads do not see (stale, gone, a marker). */
export const Look = { absent: 0, live: 1, changed: 2, hidden: 3 } as const

/** Leaves the present member in `cache.found`. Pinned unexpellably. */
export function lookForMember(cache: Attachment, home: Shard, world: number): number {
  const { found } = cache
  if ((world & 1) === 1 || !find(home, cache.key, world, found)) return Look.absent
  if (found.ahead !== 0) return found.ahead > 0 ? Look.changed : Look.absent
  return standing(cache, home, found.location) === Standing.fresh ? Look.live : Look.hidden
}

/** Unlinks the member, seen or not, so that no load's value comes after this. True for exactly one of all callers that race for a live one. */
export function remove(cache: Attachment, home: Shard): boolean {
  for (;;) {
    pin(cache)
    const world = cache.world()
    const look = lookForMember(cache, home, world)
    const removed = (look === Look.live || look === Look.hidden) && unlink(cache, home, cache.found, world)
    unpin(cache)
    if (removed) return look === Look.live
    if (look === Look.absent) return false
    spin()
  }
}

/** Drops an entry that a reader saw gone, so that its slot and `size` do not wait for the hand; not one that a load is bound to. */
export function removeExpired(cache: Attachment, home: Shard): void {
  pin(cache)
  const world = cache.world()
  const { found } = cache
  if (find(home, cache.key, world, found) && found.ahead === 0) removeIfGone(cache, home, world)
  unpin(cache)
}

/** Unlinks `cache.found` if it is expired or invalidated. Pinned. */
export function removeIfGone(cache: Attachment, home: Shard, world: number): void {
  const { found } = cache
  const { location } = found
  if (standing(cache, home, location) !== Standing.gone || isLeased(cache, home, location)) return
  const why = isExpired(cache, home, location) ? Counter.expired : Counter.invalidated
  if (unlink(cache, home, found, world)) departed(cache, home, why, location)
}

/** The times of the live entry; false when absent. */
export function timesOf(cache: Attachment, home: Shard, into: Times): boolean {
  for (;;) {
    pin(cache)
    const look = lookForMember(cache, home, cache.world())
    if (look === Look.live) timesInto(home, cache.found.location, into)
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
  const look = lookForMember(cache, home, world)
  if (look !== Look.live) return look === Look.changed ? Touch.changed : Touch.no
  const { found } = cache
  const queue = queueOfState(home.state(found.segment)) & 1
  changeTimes(cache, home, found.location, due, idleMs)
  if (moveTo(cache, home, found, cache.key, queue, world, claimant, touched)) {
    bump(home, found.slot)
    return Touch.yes
  }
  const same = home.kernel.highOf(found.slot, found.low) === found.location
  return same ? Touch.noSpace : Touch.changed
}

/** What `touch` makes of a record; one object, as touches do not nest. */
const touched: Changes = { due: 0, idleMs: 0, softDue: 0, lease: 0 }

/** Of an entry with grace the new time is that of being fresh, and its grace stays as long as it was. */
function changeTimes(cache: Attachment, home: Shard, location: number, due: number, idleMs: number): void {
  timesInto(home, location, touched)
  const softens = touched.softDue !== Number.POSITIVE_INFINITY
  touched.due = softens ? due + (touched.due - touched.softDue) : due
  touched.softDue = softens ? due : Number.POSITIVE_INFINITY
  touched.idleMs = idleMs
  touched.lease = isLeased(cache, home, location) ? leaseOf(home, location) : 0
}
