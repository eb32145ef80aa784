// The duel: what leaves small against what main would give up (docs/slab.md 6). Two hands take part: small's stands at the candidate and does
// not move until main's stands at its oldest record without a use in its last round. Evictor only, unpinned; all it knows is where the hands
// stand, so any thread can go on where another stopped. May touch: records by way of hand.ts.

import { Queue } from '../layout.js'
import type { Attachment } from './attachment.js'
import { isInSegment, KEPT_PER_ENTRY, RECORDS_PER_TURN, segmentDone, walked } from './evict.js'
import { Hand, passed, Ruling, Step, step } from './hand.js'
import { DUEL_MARGIN } from './policy.js'
import type { Shard } from './shard.js'

/** Settles the fate of the candidate that small's hand stands at. `standing` when the turn's bound is used up first. */
export function duel(cache: Attachment, home: Shard, candidate: number): number {
  const settled = settleMain(cache, home)
  if (settled === Step.skipped) return Step.standing
  const wins =
    settled === Step.standing && home.sketch.estimate(candidate) >= home.sketch.estimate(passed.h) + DUEL_MARGIN
  if (!wins) return step(cache, home, Hand.small, Ruling.evict)
  const evicted = step(cache, home, Hand.main, Ruling.evict)
  const { units } = passed
  step(cache, home, Hand.small, Ruling.promote)
  passed.units = units
  return evicted
}

/**
 * Moves main's hand over what has uses left, copying it on. `standing` at the first record that has none; `blocked` when main has nothing to
 * give, or nothing that may be touched yet; `skipped` when the turn's bound is used up.
 */
function settleMain(cache: Attachment, home: Shard): number {
  while (walked.lookedAt < RECORDS_PER_TURN) {
    if (!isInSegment(cache, home, Queue.main)) return Step.blocked
    walked.lookedAt++
    const ruling = walked.kept >= KEPT_PER_ENTRY ? Ruling.settleNow : Ruling.settle
    const outcome = step(cache, home, Hand.main, ruling)
    if (outcome === Step.standing || outcome === Step.blocked) return outcome
    if (outcome === Step.kept) walked.kept++
    else if (outcome === Step.segmentDone) segmentDone(cache, home)
  }
  return Step.skipped
}
