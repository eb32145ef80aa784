// Copying a live record to another place and moving its slot's location there: what an evictor does to keep an entry, and what touch()
// does to give it another expiry (records are immutable). May touch: new space of this thread, the slot. Pinned callers only.

import { RECORD_HEADER_BYTES, RECORD_LEASE, RecordFlag } from '../layout.js'
import { lineOf, sequenceOf } from '../lease-token.js'
import { allocate } from './allocate.js'
import type { Attachment, Found } from './attachment.js'
import { isLeased, memberLow } from './index.js'
import type { Key } from './keys.js'
import { leaseOf } from './lease.js'
import {
  hasLease,
  hasOptions,
  keyBytes,
  keyWord,
  markDead,
  markObserved,
  recordUnits,
  timeBytes,
  unitsFor,
  valueBytes,
} from './record.js'
import { addEntries, addLive } from './segment.js'
import type { Shard } from './shard.js'
import { hasIdle, lastUse, type Times, timeFlags, timesInto, writeTimes } from './times.js'

const TIMES = RecordFlag.expiry | RecordFlag.idle | RecordFlag.soft

/** What a copy says that its original may not. */
export interface Changes extends Times {
  /** Token of its lease, 0 for none. */
  lease: number
}

/** Of the copy that is being made; one object, as relocations do not nest. */
const same: Changes = { due: 0, idleMs: 0, softDue: 0, lease: 0 }

/** As `moveTo`, with all that the record has; a lease only if it still runs. */
export function relocate(
  cache: Attachment,
  home: Shard,
  old: Found,
  key: Key,
  queue: number,
  world: number,
  claimant: number,
): boolean {
  timesInto(home, old.location, same)
  same.lease = isLeased(cache, home, old.location) ? leaseOf(home, old.location) : 0
  return moveTo(cache, home, old, key, queue, world, claimant, same)
}

/** True when the entry now lives in its new place; false when there is no space or it changed meanwhile. */
export function moveTo(
  cache: Attachment,
  home: Shard,
  old: Found,
  key: Key,
  queue: number,
  world: number,
  claimant: number,
  changes: Changes,
): boolean {
  const { words } = home
  const from = old.location
  const oldW0 = words[from << 1]
  const oldW1 = words[(from << 1) + 1]
  const keyLength = keyBytes(oldW1)
  const w0 = (oldW0 & ~TIMES) | timeFlags(changes)
  const oldTimes = (RECORD_HEADER_BYTES + timeBytes(oldW0)) >> 2
  const times = (RECORD_HEADER_BYTES + timeBytes(w0)) >> 2
  const oldKey = keyWord(home, from, oldW0)
  // Cost and tags: between the times and the lease.
  const fixed = oldKey - oldTimes - (hasLease(oldW1) ? 2 : 0)
  // Nobody would look for a lease in a record without any other option. It has no end any more: its load is not needed.
  const lease = hasOptions(w0) ? changes.lease : 0
  const keyAt = times + fixed + (lease === 0 ? 0 : 2)
  const units = unitsFor(keyAt * 4, keyLength, valueBytes(w0))
  if (units + 1 > home.segmentUnits) return false
  const at = allocate(cache, home, queue, units, (w0 & TIMES) !== 0, world, claimant)
  if (at === 0) return false
  const used = hasIdle(oldW0) ? lastUse(home, from, oldW0) : cache.clock.now()
  writeTimes(home, at, w0, changes, used)
  const source = from << 1
  const target = at << 1
  copyWords(words, source + oldTimes, target + times, fixed)
  if (lease !== 0) writeLease(words, target + keyAt, lease)
  copyWords(words, source + oldKey, target + keyAt, (keyLength + valueBytes(w0) + 3) >> 2)
  Atomics.store(words, target, w0)
  Atomics.store(words, target + 1, keyLength | (lease === 0 ? 0 : RECORD_LEASE))
  markObserved(home, from)
  const moved = home.rebind(old.slot, old.low, from, memberLow(key.tag), at)
  if (moved && old.counts) {
    addEntries(cache, home, old.segment, -1)
    addEntries(cache, home, home.segmentOf(at), 1)
  }
  // The chain, if any, goes with the copy that is linked, so only the units of the other one are dead.
  const dead = moved ? from : at
  markDead(home, dead)
  addLive(home, home.segmentOf(dead), -recordUnits(home, dead))
  return moved
}

/** The last two words before the key. */
export function writeLease(words: Int32Array, key: number, token: number): void {
  words[key - 2] = lineOf(token)
  words[key - 1] = sequenceOf(token)
}

/** Below this the call into the engine's copy costs more than a loop. */
const LOOP_WORDS = 64

function copyWords(words: Int32Array, source: number, target: number, length: number): void {
  if (length <= LOOP_WORDS) for (let i = 0; i < length; i++) words[target + i] = words[source + i]
  else words.copyWithin(target, source, source + length)
}
