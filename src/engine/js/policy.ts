// What an eviction policy decides: one structure, several modes of it (docs/slab.md 6). The engine keeps two queues of segments in the order
// of writing, two bits of frequency per slot, a ghost table and a sketch; it moves records and keeps every bound. A mode only sets a few
// numbers, so it cannot make the engine wrong, only worse. Touches nothing.

import { PolicyNumber, Queue } from '../layout.js'

/** What decides about the record at the old end of its queue: its uses alone, a duel with main's oldest, or its worth per byte. */
export const Rule = { uses: 0, duel: 1, worth: 2 } as const

export interface PolicyMode {
  /** Hundredths of the capacity that small may hold before main gives room. 0: new keys go to main. */
  readonly smallPercent: number
  /** A key that comes back while its ghost is there goes to main. */
  readonly ghost: boolean
  /** Until the first eviction small holds its share only, and the rest stays in main: better for loops, a little worse for recency. */
  readonly mainFirst: boolean
  readonly rule: number
}

const dueling = (smallPercent: number, ghost: boolean): PolicyMode => ({
  smallPercent,
  ghost,
  mainFirst: true,
  rule: Rule.duel,
})

/** By `PolicyNumber`. */
const modes: readonly PolicyMode[] = [
  { smallPercent: 10, ghost: true, mainFirst: false, rule: Rule.uses },
  { smallPercent: 10, ghost: true, mainFirst: true, rule: Rule.uses },
  // Nothing known yet.
  dueling(30, false),
  // Loops and skew: what has proven itself stays.
  dueling(1, false),
  // Reuse soon after eviction is believed at once.
  dueling(20, true),
  // Everything to main, with one chance more for each use: LRU's floor.
  dueling(0, false),
  // Scans with reuse.
  dueling(5, true),
  // Sizes that differ.
  { smallPercent: 5, ghost: false, mainFirst: true, rule: Rule.worth },
]

/** Uses in small that lead to main. */
export const PROMOTE_AT = 2
/** By how much a candidate from small must have been asked for more often than main's oldest. */
export const DUEL_MARGIN = 2
/** Rounds without a use are counted up to here. */
export const OLDEST = 3

/** Of a number that was read from shared memory, whatever it is. */
export function modeOf(number: number): PolicyMode {
  return modes[number] ?? (modes[PolicyNumber['s3-fifo-main-first']] as PolicyMode)
}

/** Entries, segments or units that small may hold of `capacity`. */
export function smallTarget(mode: PolicyMode, capacity: number): number {
  const share = Math.floor((capacity * mode.smallPercent) / 100)
  return mode.rule === Rule.uses || mode.smallPercent === 0 ? share : Math.max(1, share)
}

/** Queue of a new key. `returned`: its ghost was there. `smallFull`: small has its share and nothing was evicted yet. */
export function queueOfNew(mode: PolicyMode, returned: boolean, smallFull: boolean): number {
  const toMain = mode.smallPercent === 0 || (returned && mode.ghost) || (smallFull && mode.mainFirst)
  return toMain ? Queue.main : Queue.small
}

/** Queue that the next victim is looked for in, given how full both are. */
export function queueToEvict(mode: PolicyMode, small: number, main: number): number {
  return small === 0 || (main > 0 && small < smallTarget(mode, small + main)) ? Queue.main : Queue.small
}

/**
 * Whether main holds so little that it takes what leaves small without asking. After a change of mode nothing else would bring small down to
 * a smaller share, since every eviction frees just what is asked for.
 */
export function mainTakes(mode: PolicyMode, small: number, main: number): boolean {
  return main + smallTarget(mode, small + main) + 1 < small + main
}

/** A record's worth: log2(frequency / size) in 256ths, less a quarter of an octave for each round without a use. */
export function worthOf(frequency: number, age: number, units: number): number {
  return log2(Math.max(1, frequency)) - log2(Math.max(1, units)) - 64 * age
}

/** log2 in 256ths, right to two of them; in whole numbers, so that both engines say the same. */
export function log2(value: number): number {
  const octave = 31 - Math.clz32(value)
  const part = (octave >= 8 ? value >>> (octave - 8) : value << (8 - octave)) & 255
  return 256 * octave + part + ((part * (256 - part) * 88) >> 16)
}
