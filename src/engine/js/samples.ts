// What is asked for among the sampled keys, on its way to the miniatures (docs/slab.md 10): a ring that every thread appends to and the
// evictor empties. Advice: a full ring takes no more, and what is torn or lost is one sample less. May touch: the ring.

import { Shard as Header, SAMPLE_BYTES, SAMPLE_SLOTS } from '../layout.js'
import type { Shard } from './shard.js'

/** What happened to a sampled key; `stored`: it was written as a new one. `none`: its writer is not done. */
export const SampleKind = { hit: 0, miss: 1, stored: 2, none: 3 } as const

const KIND_SHIFT = 30
const MOST_UNITS = 0xffffff
/** Samples that wait before a writer stops to pass them on. */
const DUE = 16
const HEAD = Header.sampleHead >> 2
const TAIL = Header.sampleTail >> 2

/** A record's size in units by what a reader knows of it. */
export function unitsOf(key: number, value: number): number {
  return Math.min(Math.floor((key + value + 15) / 8), MOST_UNITS)
}

function pending(home: Shard): number {
  return (home.words[HEAD] - home.words[TAIL]) >>> 0
}

/** Notes what happened to a key if it is one of the sampled. One comparison for all the others. */
export function sample(home: Shard, h: number, key: number, value: number, kind: number): void {
  if (Math.imul(h, 0x9e3779b1) >>> 0 < home.words[Header.sampleBelow >> 2] >>> 0)
    post(home, h, unitsOf(key, value), kind)
}

function post(home: Shard, h: number, units: number, kind: number): void {
  if (home.miniEntries === 0 || pending(home) >= SAMPLE_SLOTS) return
  const at = slotOf(home, Atomics.add(home.words, HEAD, 1))
  home.words[at + 1] = units | (kind << KIND_SHIFT)
  // 0 stands for a sample that is still being written.
  Atomics.store(home.words, at, h === 0 ? 1 : h)
}

function slotOf(home: Shard, number: number): number {
  return home.samples + ((number >>> 0) % SAMPLE_SLOTS) * (SAMPLE_BYTES >> 2)
}

export function areSamplesDue(home: Shard): boolean {
  return home.miniEntries !== 0 && pending(home) >= DUE
}

/** The sample taken last; one object, so that none is made for each. */
export const taken = { h: 0, units: 0, kind: SampleKind.none as number }

/** Takes the oldest sample; false when there is none. Evictor only. */
export function takeSample(home: Shard): boolean {
  const waiting = pending(home)
  if (waiting === 0) return false
  const { words } = home
  if (waiting > SAMPLE_SLOTS) {
    // More than there can be.
    Atomics.store(words, TAIL, words[HEAD])
    return false
  }
  const at = slotOf(home, words[TAIL])
  taken.h = Atomics.load(words, at)
  const word = words[at + 1]
  taken.units = Math.max(1, word & MOST_UNITS)
  taken.kind = taken.h === 0 ? SampleKind.none : Math.min(word >>> KIND_SHIFT, SampleKind.stored)
  words[at] = 0
  Atomics.store(words, TAIL, (words[TAIL] + 1) | 0)
  return true
}
