// When a record ends: its expiry and its idle time (docs/slab.md 5). Pinned callers only. Times are ms since the cache's origin, Infinity
// for never. May touch: the fields of times in records; `noteUse` writes one under a pin that is never expelled.

import { NEVER_DEAD, RECORD_HEADER_BYTES, RecordFlag } from '../layout.js'
import type { Attachment } from './attachment.js'
import { decodeExpiry, encodeExpiry } from './expiry.js'
import { idleWord } from './record.js'
import { raiseDeadBy } from './segment.js'
import type { Shard } from './shard.js'

const { expiry, idle } = RecordFlag
const TIMES = expiry | idle
/** The last use is written again only after this part of the idle time, so that a hot entry is not written on each hit. */
const IDLE_RESOLUTION = 64
const MAX_U32 = 2 ** 32 - 1
const MAX_I32 = 2 ** 31 - 1
const MIN_I32 = -(2 ** 31)

export const hasTimes = (w0: number): boolean => (w0 & TIMES) !== 0
export const hasIdle = (w0: number): boolean => (w0 & idle) !== 0

export function isExpired(cache: Attachment, home: Shard, location: number): boolean {
  const w0 = home.words[location << 1]
  return (w0 & TIMES) !== 0 && cache.clock.isDue(endOf(home, location, w0))
}

/** The earlier of both ends. */
export function endOf(home: Shard, location: number, w0: number): number {
  const end = expiresAt(home, location, w0)
  if ((w0 & idle) === 0) return end
  return Math.min(end, lastUse(home, location, w0) + idleOf(home, location, w0))
}

export function expiresAt(home: Shard, location: number, w0: number): number {
  if ((w0 & expiry) === 0) return Number.POSITIVE_INFINITY
  const word = home.words[(location << 1) + (RECORD_HEADER_BYTES >> 2)]
  return home.base(home.segmentOf(location)) + decodeExpiry(word)
}

/** Idle time in ms, -1 for none. */
export function idleOf(home: Shard, location: number, w0: number): number {
  return (w0 & idle) === 0 ? -1 : home.words[(location << 1) + idleWord(w0)] >>> 0
}

export function lastUse(home: Shard, location: number, w0: number): number {
  return home.base(home.segmentOf(location)) + home.words[(location << 1) + idleWord(w0) + 1]
}

/** Notes a use. If the record is being copied on at this moment the note may be lost, and the entry ends a little early. */
export function noteUse(cache: Attachment, home: Shard, location: number): void {
  const w0 = home.words[location << 1]
  if ((w0 & idle) === 0) return
  const at = (location << 1) + idleWord(w0) + 1
  const now = since(home.base(home.segmentOf(location)), cache.clock.exact())
  if (now - home.words[at] > Math.floor(idleOf(home, location, w0) / IDLE_RESOLUTION))
    Atomics.store(home.words, at, now)
}

/** A time of use as it is kept: signed ms after the segment's base, before it for a record that was copied on. */
function since(base: number, time: number): number {
  return Math.min(Math.max(MIN_I32, time - base), MAX_I32)
}

/** Flags for these times. */
export function timeFlags(due: number, idleMs: number): number {
  return (due === Number.POSITIVE_INFINITY ? 0 : expiry) | (idleMs < 0 ? 0 : idle)
}

/** Writes the fields of times of a new record and keeps its segment's latest expiry. */
export function writeTimes(home: Shard, location: number, w0: number, due: number, idleMs: number, used: number): void {
  const segment = home.segmentOf(location)
  let deadBy = NEVER_DEAD
  if ((w0 & TIMES) !== 0) {
    const base = home.base(segment)
    if ((w0 & expiry) !== 0) {
      deadBy = encodeExpiry(Math.max(0, due - base))
      home.words[(location << 1) + (RECORD_HEADER_BYTES >> 2)] = deadBy
    }
    if ((w0 & idle) !== 0) {
      const at = (location << 1) + idleWord(w0)
      home.words[at] = Math.min(idleMs, MAX_U32)
      home.words[at + 1] = since(base, used)
    }
  }
  raiseDeadBy(home, segment, deadBy)
}
