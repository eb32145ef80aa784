// What left the cache without anybody asking for it: evicted, expired, invalidated. Counted always; where somebody watches, the keys are
// kept too, in a bounded list of this thread's own that its caller empties. May touch: the victim's key, while the caller is pinned.

import type { Attachment } from './attachment.js'
import { decodeKey } from './keys.js'
import { keyBytes, keyWord } from './record.js'
import type { Shard } from './shard.js'

/** Departures that are kept until they are asked for. What comes on top is counted as lost. */
const MOST = 1024

export class Departures {
  /** Whether keys are kept. */
  watched = false
  /** Why it left (the counter that counted it) and its key, by turns. */
  list: (number | string)[] = []
  lost = 0

  watch(watched: boolean): void {
    this.watched = watched
    this.list = []
  }

  /** Appends all to `into`; how many were lost since the last time. */
  take(into: (number | string)[]): number {
    for (const part of this.list) into.push(part)
    this.list = []
    const { lost } = this
    this.lost = 0
    return lost
  }
}

/** Counts an entry that this thread has just unlinked, and tells of it. Pinned still, so that its key can be read. */
export function departed(cache: Attachment, home: Shard, why: number, location: number): void {
  cache.count(why)
  if (cache.departures.watched) keep(cache.departures, home, why, location)
}

function keep(departures: Departures, home: Shard, why: number, location: number): void {
  if (departures.list.length >= 2 * MOST) {
    departures.lost++
    return
  }
  const at = location << 1
  const start = location * 8 + keyWord(home, location, home.words[at]) * 4
  departures.list.push(why, decodeKey(home.buffer, start, start + keyBytes(home.words[at + 1])))
}
