// Whether a record is to be seen, and when it ends: expiry, idle time, soft expiry (docs/slab.md 5, 7). Pinned callers only. Times are ms since the cache's origin, Infinity
// for never. May touch: the fields of times in records; `noteUse` writes one under a pin that is never expelled.

import { NEVER_DEAD, RECORD_HEADER_BYTES, RecordFlag } from '../layout.js'
import type { Attachment } from './attachment.js'
import { decodeExpiry, encodeExpiry } from './expiry.js'
import { idleWord, isMarker, softWord } from './record.js'
import { raiseDeadBy } from './segment.js'
import type { Shard } from './shard.js'
import { areTagsValid } from './tags.js'

const { expiry, idle, soft, tags } = RecordFlag
const TIMES = expiry | idle
/** A record with none of these is simply there: markers have an expiry. */
const CONDITIONS = TIMES | soft | tags
/** The last use is written again only after this part of the idle time, so that a hot entry is not written on each hit. */
const IDLE_RESOLUTION = 64
const MAX_U32 = 2 ** 32 - 1
const MAX_I32 = 2 ** 31 - 1
const MIN_I32 = -(2 ** 31)

/** How a record of the present world stands. `stale`: past its soft expiry only. `gone`: expired, or a tag of it was invalidated. */
export const Standing = { fresh: 0, stale: 1, gone: 2, marker: 3 } as const

export const hasConditions = (w0: number): boolean => (w0 & CONDITIONS) !== 0
/** Whether it ends by time. */
export const hasEnd = (w0: number): boolean => (w0 & (TIMES | soft)) !== 0
export const hasIdle = (w0: number): boolean => (w0 & idle) !== 0

export function standing(cache: Attachment, home: Shard, location: number): number {
  const w0 = home.words[location << 1]
  return (w0 & CONDITIONS) === 0 ? Standing.fresh : standingOf(cache, home, location, w0)
}

/** As `standing`, for a record with conditions. */
export function standingOf(cache: Attachment, home: Shard, location: number, w0: number): number {
  if (isMarker(w0)) return Standing.marker
  if ((w0 & (idle | soft | tags)) === 0) {
    return cache.clock.isDue(expiresAt(home, location, w0)) ? Standing.gone : Standing.fresh
  }
  if ((w0 & tags) !== 0 && !areTagsValid(cache, home, location, w0)) return Standing.gone
  if ((w0 & (TIMES | soft)) === 0) return Standing.fresh
  if ((w0 & (soft | idle)) === soft) {
    // It is never fresh for longer than it is there.
    if (!cache.clock.isDue(softAt(home, location, w0))) return Standing.fresh
    return cache.clock.isDue(expiresAt(home, location, w0)) ? Standing.gone : Standing.stale
  }
  if (cache.clock.isDue(endOf(home, location, w0))) return Standing.gone
  return (w0 & soft) !== 0 && cache.clock.isDue(softAt(home, location, w0)) ? Standing.stale : Standing.fresh
}

/** Whether its last end has come; it may be absent for another reason too. */
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

/** End of being fresh, Infinity for none of its own. */
export function softAt(home: Shard, location: number, w0: number): number {
  if ((w0 & soft) === 0) return Number.POSITIVE_INFINITY
  return home.base(home.segmentOf(location)) + decodeExpiry(home.words[(location << 1) + softWord(w0)])
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

/** What a record says of its time: ms since origin, Infinity for never; idle time in ms, -1 for none. */
export interface Times {
  due: number
  idleMs: number
  softDue: number
}

/** Flags for these times. */
export function timeFlags(times: Times): number {
  const ends = times.due === Number.POSITIVE_INFINITY ? 0 : expiry
  const softens = times.softDue === Number.POSITIVE_INFINITY ? 0 : soft
  return ends | (times.idleMs < 0 ? 0 : idle) | softens
}

/** Writes the fields of times of a new record and keeps its segment's latest expiry. */
export function writeTimes(home: Shard, location: number, w0: number, times: Times, used: number): void {
  const segment = home.segmentOf(location)
  let deadBy = NEVER_DEAD
  if ((w0 & (TIMES | soft)) !== 0) {
    const base = home.base(segment)
    if ((w0 & expiry) !== 0) {
      deadBy = encodeExpiry(Math.max(0, times.due - base))
      home.words[(location << 1) + (RECORD_HEADER_BYTES >> 2)] = deadBy
    }
    if ((w0 & idle) !== 0) {
      const at = (location << 1) + idleWord(w0)
      home.words[at] = Math.min(times.idleMs, MAX_U32)
      home.words[at + 1] = since(base, used)
    }
    if ((w0 & soft) !== 0) {
      home.words[(location << 1) + softWord(w0)] = encodeExpiry(Math.max(0, times.softDue - base))
    }
  }
  raiseDeadBy(home, segment, deadBy)
}

/** The times of a record. */
export function timesInto(home: Shard, location: number, into: Times): void {
  const w0 = home.words[location << 1]
  into.due = expiresAt(home, location, w0)
  into.idleMs = idleOf(home, location, w0)
  into.softDue = softAt(home, location, w0)
}
