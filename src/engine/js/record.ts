// The header of a record: what its two words say and where its parts lie (docs/slab.md 1.5). Pinned callers only; everything is
// clamped, because an expelled reader may look at bytes that have become something else.
// May touch: record bytes, read-only, and the two flags of the second word.

import { Kind } from '../engine.js'
import {
  KEY_LENGTH_MASK,
  KIND_MASK,
  KIND_SHIFT,
  RECORD_DEAD,
  RECORD_HEADER_BYTES,
  RECORD_LEASE,
  RECORD_OBSERVED,
  RecordFlag,
  VALUE_LENGTH_MASK,
} from '../layout.js'
import type { Key } from './keys.js'
import type { Shard } from './shard.js'

const { expiry, idle, chain, namespace, soft, cost, tags } = RecordFlag
/** Flags that put fields between header and key. */
const OPTIONS = expiry | idle | namespace | soft | cost | tags

export const hasChain = (w0: number): boolean => (w0 & chain) !== 0
export const kindOf = (w0: number): number => (w0 >>> KIND_SHIFT) & KIND_MASK
export const valueBytes = (w0: number): number => w0 & VALUE_LENGTH_MASK
export const keyBytes = (w1: number): number => w1 & KEY_LENGTH_MASK
export const hasOptions = (w0: number): boolean => (w0 & OPTIONS) !== 0
export const hasLease = (w1: number): boolean => (w1 & RECORD_LEASE) !== 0
export const isMarker = (w0: number): boolean => ((w0 >>> KIND_SHIFT) & KIND_MASK) === Kind.marker

/** Bytes of expiry, idle and soft fields alone. They come first, and change with the segment that a record lies in. */
export function timeBytes(w0: number): number {
  return ((w0 & expiry) !== 0 ? 4 : 0) + ((w0 & idle) !== 0 ? 8 : 0) + ((w0 & soft) !== 0 ? 4 : 0)
}

/** Word offset of the idle fields within the record. */
export function idleWord(w0: number): number {
  return (RECORD_HEADER_BYTES >> 2) + ((w0 & expiry) !== 0 ? 1 : 0)
}

export function softWord(w0: number): number {
  return idleWord(w0) + ((w0 & idle) !== 0 ? 2 : 0)
}

export function costWord(w0: number): number {
  return softWord(w0) + ((w0 & soft) !== 0 ? 1 : 0)
}

/** Word offset of the number of tags; their stamp and their counters follow. */
export function tagsWord(w0: number): number {
  return costWord(w0) + ((w0 & cost) !== 0 ? 1 : 0) + ((w0 & namespace) !== 0 ? 1 : 0)
}

/** Number of tags of a record that has some; beyond any segment at most, when the record makes no sense. */
export function tagCount(shard: Shard, location: number, w0: number): number {
  return Math.min(shard.words[(location << 1) + tagsWord(w0)] >>> 0, 2 * shard.segmentUnits)
}

/** Words before the key, header included; beyond any segment when the record makes no sense. */
export function keyWord(shard: Shard, location: number, w0: number): number {
  if ((w0 & OPTIONS) === 0) return RECORD_HEADER_BYTES >> 2
  let words = tagsWord(w0)
  if ((w0 & tags) !== 0) words += 2 + tagCount(shard, location, w0)
  // A lease comes only with one of the flags tested above.
  return hasLease(shard.words[(location << 1) + 1]) ? words + 2 : words
}

/** Whole units of a record with so many bytes before the key. */
export function unitsFor(keyOffset: number, keyLength: number, valueLength: number): number {
  return (keyOffset + keyLength + valueLength + 7) >>> 3
}

export function recordUnits(shard: Shard, location: number): number {
  const at = location << 1
  const w0 = shard.words[at]
  return unitsFor(keyWord(shard, location, w0) * 4, keyBytes(shard.words[at + 1]), valueBytes(w0))
}

/** Whether the record lies within its segment. Only a broken memory, or one that was reused under an expelled pin, fails this. */
export function isSound(shard: Shard, location: number): boolean {
  const segment = shard.segmentOf(location)
  if (location < shard.firstUnit || segment >= shard.segments) return false
  return location + recordUnits(shard, location) <= shard.start(segment) + shard.segmentUnits
}

/** Full comparison of the key, word by word. */
export function keyEquals(shard: Shard, location: number, key: Key): boolean {
  const { words } = shard
  const at = location << 1
  const length = key.length
  if ((words[at + 1] & KEY_LENGTH_MASK) !== length) return false
  const mine = key.words
  const from = at + keyWord(shard, location, words[at])
  const whole = length >> 2
  for (let i = 0; i < whole; i++) if (words[from + i] !== mine[i]) return false
  const rest = length & 3
  return rest === 0 || ((words[from + whole] ^ mine[whole]) & ((1 << (rest << 3)) - 1)) === 0
}

/** Whoever is about to take a member's word away notes in its record that it had been linked (docs/slab.md 4). */
export function markObserved(shard: Shard, location: number): void {
  const at = (location << 1) + 1
  if ((shard.words[at] & RECORD_OBSERVED) === 0) Atomics.or(shard.words, at, RECORD_OBSERVED)
}

export function markDead(shard: Shard, location: number): void {
  Atomics.or(shard.words, (location << 1) + 1, RECORD_DEAD)
}
