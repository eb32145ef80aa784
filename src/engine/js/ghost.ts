// Ghosts: fingerprints of keys that small evicted lately (docs/slab.md 6). A key that comes back while its ghost is valid goes to main.
// Racy on purpose: a lost or false ghost costs one misplaced entry, never a wrong answer. May touch: the ghost table and its clock.

import { GHOST_SLOTS, Shard as Header } from '../layout.js'
import { fastrange, fingerprint } from './hash.js'
import type { Key } from './keys.js'
import type { Shard } from './shard.js'

function ghostBucket(home: Shard, key: Key): number {
  return home.ghost + fastrange(key.h, home.ghostBuckets) * GHOST_SLOTS
}

function ageOf(home: Shard, entry: number): number {
  const now = home.words[Header.ghostClock >> 2] >>> home.ghostShift
  return (now - (entry >>> 16)) & 0xffff
}

/** Remembers a key. Evictor only. */
export function insertGhost(home: Shard, key: Key): void {
  const { words } = home
  const clock = (words[Header.ghostClock >> 2] + 1) | 0
  words[Header.ghostClock >> 2] = clock
  const bucket = ghostBucket(home, key)
  const print = fingerprint(key.h, key.tag)
  let victim = bucket
  let oldest = -1
  for (let at = bucket; at < bucket + GHOST_SLOTS; at++) {
    const entry = words[at]
    if ((entry & 0xffff) === print) {
      victim = at
      break
    }
    const age = entry === 0 ? 0x10000 : ageOf(home, entry)
    if (age >= oldest) {
      victim = at
      oldest = age
    }
  }
  words[victim] = print | (((clock >>> home.ghostShift) & 0xffff) << 16)
}

/** Whether the key has a valid ghost; it is used up by the question. */
export function takeGhost(home: Shard, key: Key): boolean {
  const { words } = home
  // Nobody has been evicted yet: spares the look at a cold cache line.
  if (words[Header.ghostClock >> 2] === 0) return false
  const bucket = ghostBucket(home, key)
  const print = fingerprint(key.h, key.tag)
  for (let at = bucket; at < bucket + GHOST_SLOTS; at++) {
    const entry = words[at]
    if ((entry & 0xffff) !== print) continue
    words[at] = 0
    return ageOf(home, entry) <= words[Header.ghostLimit >> 2] >>> home.ghostShift
  }
  return false
}
