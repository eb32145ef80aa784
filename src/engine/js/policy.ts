// What an eviction policy decides, and S3-FIFO as the first one (Yang et al., SOSP 2023). The engine keeps two queues of segments in the
// order of writing, two bits of frequency per slot and a ghost table; it moves records and keeps every bound. A policy only answers three
// questions from numbers, so it cannot make the engine wrong, only worse. Touches nothing.

import { Queue } from '../layout.js'

/** Values of the control region's policy word. `mainFirst`: before the first eviction small gets its tenth only. */
export const Policy = { s3Fifo: 0, s3FifoMainFirst: 1 } as const

/** Fate of a record under the hand: evict it, with or without a ghost, or (0 to 3) keep it in main with that frequency. */
export const Verdict = { evict: -1, evictToGhost: -2 } as const

/** Entries or segments that small may hold of `capacity`. */
export function smallShare(capacity: number): number {
  return Math.floor(capacity / 10)
}

/** Queue of a new key. `returned`: its ghost was there. `smallFull`: small has its share and nothing was evicted yet. */
export function queueOfNew(policy: number, returned: boolean, smallFull: boolean): number {
  return returned || (smallFull && policy === Policy.s3FifoMainFirst) ? Queue.main : Queue.small
}

/** Queue that the next victim is looked for in, given how full both are. */
export function queueToEvict(small: number, main: number): number {
  const capacity = small + main
  return small === 0 || main > capacity - smallShare(capacity) ? Queue.main : Queue.small
}

/** Fate of the oldest record of a queue: two uses in small lead to main; main is a CLOCK of two bits. */
export function judge(queue: number, frequency: number): number {
  if (queue === Queue.small) return frequency >= 2 ? 0 : Verdict.evictToGhost
  return frequency === 0 ? Verdict.evict : frequency - 1
}
