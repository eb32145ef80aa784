// Ghosts: fingerprints of keys that small evicted lately (docs/slab.md 6). A key that comes back while its ghost is valid goes to main.
// Racy on purpose: a lost or false ghost costs one misplaced entry, never a wrong answer. May touch: the table it stands for and its clock.

import { GHOST_SLOTS } from '../layout.js'
import { fastrange } from './hash.js'

/** A ghost table: the shard's, or that of a miniature. */
export class Ghosts {
  private readonly words: Int32Array
  /** Word index of the table, and of the word that counts what is remembered; its bits from `shift` on are the time. */
  private readonly first: number
  private readonly clock: number
  private readonly buckets: number
  private readonly shift: number

  constructor(words: Int32Array, first: number, buckets: number, clock: number, shift: number) {
    this.words = words
    this.first = first
    this.buckets = buckets
    this.clock = clock
    this.shift = shift
  }

  private bucketOf(h: number): number {
    return this.first + fastrange(h, this.buckets) * GHOST_SLOTS
  }

  private ageOf(entry: number): number {
    return ((this.words[this.clock] >>> this.shift) - (entry >>> 16)) & 0xffff
  }

  /** Remembers a key. Evictor only. */
  insert(h: number, fingerprint: number): void {
    const { words } = this
    const clock = (words[this.clock] + 1) | 0
    words[this.clock] = clock
    const bucket = this.bucketOf(h)
    const print = fingerprint === 0 ? 1 : fingerprint
    let victim = bucket
    let oldest = -1
    for (let at = bucket; at < bucket + GHOST_SLOTS; at++) {
      const entry = words[at]
      if ((entry & 0xffff) === print) {
        victim = at
        break
      }
      const age = entry === 0 ? 0x10000 : this.ageOf(entry)
      if (age >= oldest) {
        victim = at
        oldest = age
      }
    }
    words[victim] = print | (((clock >>> this.shift) & 0xffff) << 16)
  }

  /** Whether the key has a ghost and at most `limit` were remembered since; it is used up by the question. */
  take(h: number, fingerprint: number, limit: number): boolean {
    const { words } = this
    // Nobody has been evicted yet: spares the look at a cold cache line.
    if (words[this.clock] === 0) return false
    const bucket = this.bucketOf(h)
    const print = fingerprint === 0 ? 1 : fingerprint
    for (let at = bucket; at < bucket + GHOST_SLOTS; at++) {
      const entry = words[at]
      if ((entry & 0xffff) !== print) continue
      words[at] = 0
      return this.ageOf(entry) <= limit >>> this.shift
    }
    return false
  }
}
