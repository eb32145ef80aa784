// Copying a live record to another place and moving its slot's location there: what an evictor does to keep an entry, and what touch()
// does to give it another expiry (records are immutable). May touch: new space of this thread, the slot. Pinned callers only.

import { KEY_LENGTH_MASK, RECORD_HEADER_BYTES, RecordFlag } from '../layout.js'
import { allocate } from './allocate.js'
import type { Attachment, Found } from './attachment.js'
import { memberLow } from './index.js'
import type { Key } from './keys.js'
import { keyBytes, keyWord, markDead, markObserved, recordUnits, timeBytes, unitsFor, valueBytes } from './record.js'
import { addEntries, addLive } from './segment.js'
import type { Shard } from './shard.js'
import { expiresAt, hasIdle, idleOf, lastUse, timeFlags, writeTimes } from './times.js'

const TIMES = RecordFlag.expiry | RecordFlag.idle

/** As `moveWithTimes`, with the times that the record has. */
export function relocate(
  cache: Attachment,
  home: Shard,
  old: Found,
  key: Key,
  queue: number,
  world: number,
  claimant: number,
): boolean {
  const w0 = home.words[old.location << 1]
  const due = expiresAt(home, old.location, w0)
  return moveWithTimes(cache, home, old, key, queue, world, claimant, due, idleOf(home, old.location, w0))
}

/** True when the entry now lives in its new place; false when there is no space or it changed meanwhile. */
export function moveWithTimes(
  cache: Attachment,
  home: Shard,
  old: Found,
  key: Key,
  queue: number,
  world: number,
  claimant: number,
  due: number,
  idleMs: number,
): boolean {
  const { words } = home
  const from = old.location
  const oldW0 = words[from << 1]
  const keyLength = keyBytes(words[(from << 1) + 1])
  const w0 = (oldW0 & ~TIMES) | timeFlags(due, idleMs)
  const shift = timeBytes(w0) - timeBytes(oldW0)
  const offset = keyWord(home, from, oldW0) * 4 + shift
  const units = unitsFor(offset, keyLength, valueBytes(w0))
  if (units + 1 > home.segmentUnits) return false
  const at = allocate(cache, home, queue, units, (w0 & TIMES) !== 0, world, claimant)
  if (at === 0) return false
  const used = hasIdle(oldW0) ? lastUse(home, from, oldW0) : cache.clock.now()
  writeTimes(home, at, w0, due, idleMs, used)
  // The other options, key and value follow the times unchanged; all of them start on a whole word.
  const source = (from << 1) + ((RECORD_HEADER_BYTES + timeBytes(oldW0)) >> 2)
  const target = (at << 1) + ((RECORD_HEADER_BYTES + timeBytes(w0)) >> 2)
  const length = (offset + keyLength + valueBytes(w0) - RECORD_HEADER_BYTES - timeBytes(w0) + 3) >> 2
  copyWords(words, source, target, length)
  Atomics.store(words, at << 1, w0)
  Atomics.store(words, (at << 1) + 1, keyLength & KEY_LENGTH_MASK)
  markObserved(home, from)
  const moved = home.kernel.cas64(old.slot, old.low, from, memberLow(key.tag), at) === 1
  if (moved) {
    addEntries(cache, home, old.segment, -1)
    addEntries(cache, home, home.segmentOf(at), 1)
  }
  // The chain, if any, goes with the copy that is linked, so only the units of the other one are dead.
  const dead = moved ? from : at
  markDead(home, dead)
  addLive(home, home.segmentOf(dead), -recordUnits(home, dead))
  return moved
}

/** Below this the call into the engine's copy costs more than a loop. */
const LOOP_WORDS = 64

function copyWords(words: Int32Array, source: number, target: number, length: number): void {
  if (length <= LOOP_WORDS) for (let i = 0; i < length; i++) words[target + i] = words[source + i]
  else words.copyWithin(target, source, source + length)
}
