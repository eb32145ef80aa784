// What becomes of the record that a hand stands at: the rules of the modes (docs/slab.md 6). Evictor only, pinned. May touch: marks, sketch
// and bar, which are advice.

import { Shard as Header, Queue } from '../layout.js'
import type { Attachment } from './attachment.js'
import { Hand, Ruling } from './hand.js'
import { marksOf, setMarks } from './index.js'
import { mainTakes, OLDEST, PROMOTE_AT, Rule, worthOf } from './policy.js'
import type { Shard } from './shard.js'

/** Fate of a record under the hand: evict it, with or without a ghost, wait for another one's fate, or (0 to 15) keep it with these marks. */
export const Verdict = { evict: -1, evictToGhost: -2, wait: -3 } as const

/** How fast the bar of worth moves while records as large as the cache are looked at, in 256ths of an octave: e^8. */
const BAR_GAIN = 2955
/** The share of what is looked at that stays. */
const RETAINED = 0.3

/**
 * The bar that a record of this size meets. Where none was ever set, or it is no number: what such a record is worth that was asked for once.
 */
const barFor = (bar: number, units: number): number => (bar !== 0 && Number.isFinite(bar) ? bar : worthOf(1, 0, units))

/** Whether a record of this worth and size stays. */
export function stays(worth: number, bar: number, units: number): boolean {
  return worth > barFor(bar, units)
}

/** The bar after a record of this worth and size was looked at. */
export function movedBar(worth: number, bar: number, units: number, capacity: number): number {
  const from = barFor(bar, units)
  const step = (BAR_GAIN * units) / capacity
  return worth > from ? from + step * (1 - RETAINED) : from - step * RETAINED
}

/** `units`: of its record; `weight`: with all that its value takes elsewhere. */
export function verdictOn(
  cache: Attachment,
  home: Shard,
  hand: number,
  h: number,
  slot: number,
  units: number,
  weight: number,
  ruling: number,
): number {
  if (ruling === Ruling.evict) return hand === Hand.small ? Verdict.evictToGhost : Verdict.evict
  if (ruling === Ruling.promote) return 0
  const marks = marksOf(home, slot)
  if (hand === Hand.compaction) return marks
  const mode = home.mode()
  if (mode.rule === Rule.worth) return byWorth(home, hand, h, weight, marks)
  const frequency = marks & 3
  if (hand === Hand.main) return inMain(cache, home, h, slot, units, frequency, mode.rule, ruling)
  if (mode.rule === Rule.uses) return frequency >= PROMOTE_AT ? 0 : Verdict.evictToGhost
  home.sketch.add(h, frequency)
  if (frequency >= PROMOTE_AT) return 0
  const [small, main] = fullness(cache, home)
  if (mainTakes(mode, small, main)) return 0
  // The sketch knows of its uses now.
  setMarks(home, slot, 0)
  return Verdict.wait
}

/** How full the queues are in the unit of the bound that evicts: entries or segments. */
function fullness(cache: Attachment, home: Shard): [number, number] {
  const at = (cache.maxEntries !== 0 ? Header.smallEntries : Header.queueSegments) >> 2
  // Advisory counters may dip below zero for a moment.
  return [Math.max(0, home.words[at + Queue.small]), Math.max(0, home.words[at + Queue.main])]
}

/** Main is a CLOCK of two bits. */
function inMain(
  cache: Attachment,
  home: Shard,
  h: number,
  slot: number,
  units: number,
  frequency: number,
  rule: number,
  ruling: number,
): number {
  const spent = isPassSpent(cache, home, units, frequency > 0)
  if (frequency > 0 && !spent && ruling !== Ruling.settleNow) {
    if (rule === Rule.duel) home.sketch.add(h, 1)
    return frequency - 1
  }
  if (rule === Rule.duel) {
    home.sketch.add(h, frequency)
    if (frequency > 0) setMarks(home, slot, 0)
  }
  return ruling === Ruling.policy ? Verdict.evict : Verdict.wait
}

/**
 * Stays while its frequency per byte, faded with each round without a use, is above the bar, which rises with what stays and sinks with what
 * goes: neither sizes nor frequencies need a scale.
 */
function byWorth(home: Shard, hand: number, h: number, weight: number, marks: number): number {
  const frequency = marks & 3
  let age = marks >> 2
  if (frequency > 0) {
    age = 0
    home.sketch.add(h, frequency)
  } else if (hand === Hand.main) {
    age = Math.min(OLDEST, age + 1)
  }
  const worth = worthOf(home.sketch.estimate(h), age, weight)
  const bar = home.doubles[Header.bar >> 3]
  const keeps = stays(worth, bar, weight)
  home.doubles[Header.bar >> 3] = movedBar(worth, bar, weight, home.segments * home.segmentUnits)
  if (keeps) return age << 2
  return hand === Hand.small ? Verdict.evictToGhost : Verdict.evict
}

/**
 * Where the byte bound evicts and more than three quarters of a segment's worth of main was copied on, the next record goes whatever its
 * frequency: freeing memory must not turn into copying all of it.
 */
function isPassSpent(cache: Attachment, home: Shard, units: number, keeps: boolean): boolean {
  if (cache.maxEntries !== 0) return false
  const { words } = home
  let seen = words[Header.passSeen >> 2] + units
  let retained = words[Header.passRetained >> 2]
  if (seen > home.segmentUnits) {
    seen >>= 1
    retained >>= 1
  }
  const spent = seen > home.segmentUnits >> 2 && retained * 4 > seen * 3
  if (!spent && keeps) retained += units
  words[Header.passSeen >> 2] = seen
  words[Header.passRetained >> 2] = retained
  return spent
}
