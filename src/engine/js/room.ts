// Making room for a write that found none, and the upkeep that writers pay in small pieces. Unpinned and bounded: gives way while another
// thread evicts, never waits for one. May touch: what eviction turns touch.

import { Status } from '../engine.js'
import { Shard as Header } from '../layout.js'
import { hasPlace } from './accounting.js'
import type { Attachment } from './attachment.js'
import { evict, Goal, isUntidy, Turn } from './evict.js'
import { giveWay } from './pause.js'
import { reapAll } from './registry.js'
import { freeSegments, freeTarget, isInTransit } from './segment.js'
import type { Shard } from './shard.js'

const TURNS = 64
/** Turns that find nothing to evict before the write is refused. */
const TURNS_OF_NOTHING = 8
/** The first turn without success after which the dead are looked for: they may hold segments, places or the evictor's lock. */
const REAPING_TURN = 2
const LATER_REAPING = 32

/** `stored` when there is room, else the status that the write is refused with. */
export function makeRoom(cache: Attachment, home: Shard, goal: number, amount: number): number {
  let outcome: number = Turn.nothing
  for (let turn = 0; turn < TURNS; turn++) {
    outcome = evict(cache, home, goal, amount)
    if (outcome === Turn.reached) return Status.stored
    if (outcome === Turn.exhausted) continue
    if (turn === REAPING_TURN || turn === LATER_REAPING) reapAll(cache)
    if (outcome === Turn.nothing) {
      // With several shards the entry bound may be held by the others.
      if (goal === Goal.entry && evictElsewhere(cache, home)) return Status.stored
      // Segments on their way to become somebody's large value, or free again, are room to come.
      if (turn > TURNS_OF_NOTHING && !(goal === Goal.free && isInTransit(home))) return Status.noRoom
    }
    // Another evictor, or a thread that left meanwhile, may have made room for us too.
    if (goal === Goal.entry ? hasPlace(cache) : freeSegments(home) >= amount) return Status.stored
    giveWay(turn)
  }
  return outcome === Turn.nothing ? Status.noRoom : Status.paused
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
  else if (isUntidy(home)) evict(cache, home, Goal.compact, cache.owed)
  cache.owed = 0
}

/** Does a bounded amount of upkeep; true when more is left. */
export function maintain(cache: Attachment): boolean {
  cache.clock.now()
  reapAll(cache)
  let more = false
  for (const home of cache.shards) {
    const wanted = freeTarget(home)
    const short = freeSegments(home) < wanted || Atomics.load(home.words, Header.drained >> 2) !== 0
    if (short && evict(cache, home, Goal.free, wanted) === Turn.exhausted) more = true
  }
  return more
}
