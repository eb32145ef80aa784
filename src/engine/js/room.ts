// Making room for a write that found none, and the upkeep that writers pay in small pieces. Unpinned and bounded: gives way while another
// thread evicts, never waits for one. May touch: what eviction turns touch.

import { Status } from '../engine.js'
import { Shard as Header } from '../layout.js'
import type { Attachment } from './attachment.js'
import { evict, Goal, lookIntoEvictor, Turn } from './evict.js'
import { giveWay } from './pause.js'
import { freeSegments, freeTarget } from './segment.js'
import type { Shard } from './shard.js'

const TURNS = 64
/** Turns that find nothing to evict before the write is refused. */
const TURNS_OF_NOTHING = 8
/** Every so many turns that meet another evictor its life is looked into. */
const BUSY_TURNS = 16

/** `stored` when there is room, else the status that the write is refused with. */
export function makeRoom(cache: Attachment, home: Shard, goal: number, amount: number): number {
  let blocked = false
  for (let turn = 0; turn < TURNS; turn++) {
    const outcome = evict(cache, home, goal, amount)
    if (outcome === Turn.reached) return Status.stored
    if (outcome === Turn.exhausted) continue
    if (outcome === Turn.busy) {
      if (turn % BUSY_TURNS === BUSY_TURNS - 1) lookIntoEvictor(cache, home)
      giveWay()
      // The other evictor may have made room for us too.
      const free = Atomics.load(home.words, Header.freeSegments >> 2)
      if (goal === Goal.entry || free >= amount) return Status.stored
      continue
    }
    if (outcome === Turn.blocked) blocked = true
    // With several shards the entry bound may be held by the others.
    else if (goal === Goal.entry && evictElsewhere(cache, home)) return Status.stored
    else if (goal === Goal.free && freeSegments(home) >= amount) return Status.stored
    else if (turn > TURNS_OF_NOTHING) return Status.noRoom
    giveWay()
  }
  return blocked ? Status.paused : Status.noRoom
}

function evictElsewhere(cache: Attachment, home: Shard): boolean {
  const { shards } = cache
  for (let step = 1; step < shards.length; step++) {
    const other = shards[(home.number + step) % shards.length]
    if (evict(cache, other, Goal.entry, 1) === Turn.reached) return true
  }
  return false
}

/** A caller's share of the upkeep, in proportion to the space it took. */
export function payUpkeep(cache: Attachment, home: Shard): void {
  if (home.words[Header.freeSegments >> 2] < freeTarget(home)) evict(cache, home, Goal.share, cache.owed)
  cache.owed = 0
}

/** Does a bounded amount of upkeep; true when more is left. */
export function maintain(cache: Attachment): boolean {
  cache.clock.now()
  let more = false
  for (const home of cache.shards) {
    const wanted = freeTarget(home)
    const short = freeSegments(home) < wanted || Atomics.load(home.words, Header.drained >> 2) !== 0
    if (short && evict(cache, home, Goal.free, wanted) === Turn.exhausted) more = true
  }
  return more
}
