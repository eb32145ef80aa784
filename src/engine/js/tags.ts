// Tags: each belongs to one of a fixed number of generations, and an entry is there as long as none of its tags' generations is later
// than its own stamp (docs/slab.md 7). Two tags on one generation only drop too much. May touch: the generations, their stamp, the world
// word when the stamp's numbers begin a new era.

import { Control, Counter, TAG_ERA, Thread } from '../layout.js'
import type { Attachment } from './attachment.js'
import { tagCount, tagsWord } from './record.js'
import type { Shard } from './shard.js'

const STAMP = Control.tagStamp >> 2
const INVALIDATING = Thread.invalidating >> 2

/** What is invalidated from now on is later than this. */
export function tagStamp(cache: Attachment): number {
  return Atomics.load(cache.control, STAMP) >>> 0
}

/** Whether a generation is not later than a stamp, in wrapping order. */
export function isTagValid(cache: Attachment, counter: number, stamp: number): boolean {
  return ((cache.control[cache.tags + (counter & cache.tagMask)] - stamp) | 0) <= 0
}

/** Whether the tags of a record that has some are valid. Plain loads: the world word is loaded atomically before them. Pinned. */
export function areTagsValid(cache: Attachment, home: Shard, location: number, w0: number): boolean {
  const { words } = home
  const { control, tags, tagMask } = cache
  const at = (location << 1) + tagsWord(w0)
  const stamp = words[at + 1]
  const end = at + 2 + tagCount(home, location, w0)
  for (let i = at + 2; i < end; i++) if (((control[tags + (words[i] & tagMask)] - stamp) | 0) > 0) return false
  return true
}

/** Makes what has one of these tags, and a stamp of before, absent for everybody. */
export function invalidateTags(cache: Attachment, counters: ArrayLike<number>): void {
  cache.count(Counter.tagInvalidations)
  // Near caches trust a stamp only while nobody is between here and the end.
  Atomics.store(cache.control, cache.line + INVALIDATING, 1)
  const stamp = (Atomics.add(cache.control, STAMP, 1) + 1) | 0
  if ((stamp & (TAG_ERA - 1)) === 0) beginEra(cache, stamp)
  for (let i = 0; i < counters.length; i++) {
    raise(cache.control, cache.tags + (counters[i] & cache.tagMask), stamp)
  }
  Atomics.store(cache.control, cache.line + INVALIDATING, 0)
}

function raise(control: Int32Array, at: number, stamp: number): void {
  let seen = Atomics.load(control, at)
  while (((stamp - seen) | 0) > 0) {
    const now = Atomics.compareExchange(control, at, seen, stamp)
    if (now === seen) return
    seen = now
  }
}

/**
 * Half of the numbers that compare as earlier are used up: generations that stood still since the last era begin to follow, and what has an
 * older stamp goes, so that no living entry is ever compared across the wrap.
 */
function beginEra(cache: Attachment, stamp: number): void {
  const { control } = cache
  const oldest = (stamp - TAG_ERA) | 0
  for (let at = cache.tags; at <= cache.tags + cache.tagMask; at++) {
    let seen = Atomics.load(control, at)
    while ((stamp - seen) >>> 0 > TAG_ERA) {
      const now = Atomics.compareExchange(control, at, seen, oldest)
      if (now === seen) break
      seen = now
    }
  }
  Atomics.add(control, Control.world >> 2, 2)
}
