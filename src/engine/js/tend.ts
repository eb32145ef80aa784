// What an owner does for a shard: short turns of upkeep ahead of its writers (docs/slab.md 6). Unpinned and bounded; a turn holds the
// evictor's lock for some tens of microseconds, so that a caller who needs room meanwhile hardly waits. May touch: what eviction turns touch.

import { Tended } from '../engine.js'
import { Shard as Header } from '../layout.js'
import type { Attachment } from './attachment.js'
import { evict, Goal, isUntidy, Turn, UNITS_PER_TURN } from './evict.js'
import { freeTarget } from './segment.js'

/** One short turn of upkeep: free segments for the writers, `ahead` more than they begin to evict at, then tidying. */
export function tend(cache: Attachment, number: number, ahead: number): number {
  cache.clock.publish()
  const home = cache.shards[number]
  if (home === undefined) return Tended.done
  const wanted = Math.min(freeTarget(home) + ahead, home.segments >> 2)
  const short = home.words[Header.freeSegments >> 2] < wanted || Atomics.load(home.words, Header.drained >> 2) !== 0
  if (short) return tended(evict(cache, home, Goal.ahead, wanted))
  if (!isUntidy(home)) return Tended.done
  const turn = evict(cache, home, Goal.compact, UNITS_PER_TURN)
  return turn === Turn.reached && isUntidy(home) ? Tended.more : tended(turn)
}

/** One short turn of emptying segments in which nothing counts any more: expired as a whole, or cleared. */
export function reclaim(cache: Attachment, number: number): number {
  const home = cache.shards[number]
  if (home === undefined) return Tended.done
  const turn = evict(cache, home, Goal.reclaim, UNITS_PER_TURN)
  return turn === Turn.reached ? Tended.more : tended(turn)
}

function tended(turn: number): number {
  if (turn === Turn.exhausted) return Tended.more
  return turn === Turn.busy || turn === Turn.blocked ? Tended.inTheWay : Tended.done
}
