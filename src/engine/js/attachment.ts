// One thread's hold on one cache: views of the shared regions, its line in the registry, its key, its chunks. Everything else in this
// folder is functions over it, by concern, under the same names as in native/core. May touch: the control region's header, and this
// thread's counters. Used by the thread that attached and no other.

import { OstrakaError } from '../../errors.js'
import {
  COUNTERS,
  Control,
  ControlHeader,
  HASH_LANES,
  HASH_UNITS,
  LAYOUT_VERSION,
  MAGIC,
  THREAD_BYTES,
  THREADS,
} from '../layout.js'
import { Clock } from './clock.js'
import { Departures } from './departures.js'
import { type Kernel, kernelOver } from './kernel.js'
import { Key } from './keys.js'
import { claimLine } from './registry.js'
import { Shard } from './shard.js'

/** A member that a scan met. Reused, so what one scan says is gone with the next. */
export class Found {
  /** Byte offset of its slot, and the low half of its word. */
  slot = 0
  low = 0
  location = 0
  segment = 0
  /** Its segment's world less the caller's: 0 is current, below: cleared since, above: written after a clear the caller has not seen. */
  ahead = 0
  /** It is one of the entries that are counted: of the present world, and no marker. */
  counts = false
}

export class Attachment {
  readonly control: Int32Array
  readonly kernel: Kernel
  readonly shards: Shard[]
  readonly maxEntries: number
  readonly clock: Clock
  /** The caller's key, and the key of the record under the hand. */
  readonly key: Key
  readonly handKey: Key
  /** What the present operation found; a victim beside it. */
  readonly found = new Found()
  readonly victim = new Found()
  /** This thread's line: its number, and the word index where it starts. */
  readonly me: number
  readonly line: number
  /** Pin of the present read. */
  pin = 0
  /** Units of records that an eviction turn is to look at before the next write: upkeep in small pieces, as space is taken. */
  owed = 0
  /** Word index of the tag generations in the control region, and what masks their number. */
  readonly tags: number
  readonly tagMask: number
  /** Line of the lease table where the next free one is looked for. */
  nextLease = 0
  /** Off: nothing is counted in this thread. */
  counting = true
  readonly departures = new Departures()
  private readonly counters: number

  constructor(control: WebAssembly.Memory, shards: readonly WebAssembly.Memory[]) {
    this.control = new Int32Array(control.buffer)
    this.kernel = kernelOver(control)
    const word = (offset: number) => this.control[offset >> 2] >>> 0
    const known = word(ControlHeader.magic) === MAGIC && word(ControlHeader.version) === LAYOUT_VERSION
    const opened = known ? shards.map((memory) => Shard.open(memory)) : []
    const sound = opened.filter((shard) => shard !== undefined)
    if (!known || word(ControlHeader.threadSlots) !== THREADS || sound.length !== word(ControlHeader.shards)) {
      const message = 'the shared memory has another layout; load one version of ostraka in all threads'
      throw new OstrakaError('OSTRAKA_ERR_LAYOUT_MISMATCH', message)
    }
    this.shards = sound
    this.maxEntries = word(ControlHeader.maxEntries)
    this.tags = word(ControlHeader.tagsOffset) >> 2
    this.tagMask = word(ControlHeader.tags) - 1
    this.clock = new Clock(this.control, this.kernel)
    const keys = new Int32Array(this.control.subarray(Control.hashKeys >> 2).slice(0, HASH_UNITS * HASH_LANES))
    const seedLow = word(ControlHeader.seedLow) | 0
    const seedHigh = word(ControlHeader.seedHigh) | 0
    this.key = new Key(keys, seedLow, seedHigh)
    this.handKey = new Key(keys, seedLow, seedHigh)
    this.me = claimLine(this)
    if (this.me < 0) {
      const message = `all ${THREADS} places of this cache belong to living threads; use fewer worker threads`
      throw new OstrakaError('OSTRAKA_ERR_TOO_MANY_THREADS', message)
    }
    this.line = lineWord(this.me)
    this.counters = (Control.counters >> 2) + this.me * COUNTERS * 2
  }

  /** The world word: generation × 2 + closed. Loaded atomically, first thing after a pin. */
  world(): number {
    return Atomics.load(this.control, Control.world >> 2)
  }

  shardOf(key: Key): Shard {
    return this.shards[key.h & (this.shards.length - 1)]
  }

  /** One more in this thread's own counter: plain words, as nobody else writes them. */
  count(counter: number): void {
    if (!this.counting) return
    const at = this.counters + counter * 2
    const next = (this.control[at] + 1) | 0
    this.control[at] = next
    if (next === 0) this.control[at + 1]++
  }

  countBy(counter: number, by: number): void {
    if (!this.counting) return
    const at = this.counters + counter * 2
    const next = (this.control[at] >>> 0) + by
    this.control[at] = next
    if (next >= 2 ** 32) this.control[at + 1]++
  }
}

/** Word index of a registry line. */
export function lineWord(thread: number): number {
  return (Control.threads + thread * THREAD_BYTES) >> 2
}
