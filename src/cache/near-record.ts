// Whether a record that was decoded once is still the live one of its key: a few loads from the shared memory itself, without a call into
// an engine, since this is all that a near hit costs beyond a Map lookup. Touches the index (reading) and the frequency bits of slots.
import type { Regions } from '../engine/create.js'
import { type Engine, Meta } from '../engine/engine.js'
import {
  BUCKET_BYTES,
  BUCKET_SLOTS,
  Control,
  FREQUENCY_MASK,
  LOCATION_MASK,
  SEGMENT_HEADER_BYTES,
  Segment,
  Shard,
  SLOT_BYTES,
  SLOT_STATE_MASK,
  SLOTS,
  SlotState,
  UNIT,
} from '../engine/layout.js'

/** One shard's memory, seen as the numbers that a check needs. */
interface ShardView {
  readonly words: Int32Array
  /** The same memory by slots: see `isLive`. */
  readonly slots: Float64Array
  readonly buckets: number
  readonly bucketOffset: number
  readonly segmentHeaders: number
  readonly segmentsOffset: number
  readonly segmentShift: number
}

/** Where a record is looked for and what has to stand there. */
export interface RecordPlace {
  readonly shard: ShardView
  /** Index of its slot in `slots`. */
  readonly slot: number
  /** The slot's 64 bits as a double. */
  readonly word: number
  /** Index in `words` of its segment's generation, and the generation. */
  readonly generationAt: number
  readonly generation: number
  readonly world: number
}

// An ordinary load orders nothing on ARM and its like, where the generation could be read before the slot.
const ordersLoads = process.arch === 'x64' || process.arch === 'ia32'

const pair = new Int32Array(2)
const pairAsDouble = new Float64Array(pair.buffer)

export class NearRecords {
  readonly #world: Int32Array
  readonly #shards: readonly ShardView[]

  constructor(regions: Regions) {
    this.#world = new Int32Array(regions.control.buffer, Control.world, 1)
    this.#shards = regions.shards.map((memory) => viewOf(memory.buffer))
  }

  /** The place of the record that the engine has just read, by its stamp in `meta`; undefined when it is gone already. */
  place(engine: Engine): RecordPlace | undefined {
    const { meta } = engine
    const location = meta[Meta.location] as number
    const index = meta[Meta.slot] as number
    const bucket = Math.floor(index / SLOTS)
    const buckets = (this.#shards[0] as ShardView).buckets
    const shard = this.#shards[Math.floor(bucket / buckets)]
    if (shard === undefined) return undefined
    const at = shard.bucketOffset + (bucket % buckets) * BUCKET_BYTES + BUCKET_SLOTS + (index % SLOTS) * SLOT_BYTES
    const low = Atomics.load(shard.words, at >> 2)
    const high = Atomics.load(shard.words, (at >> 2) + 1)
    if ((low & SLOT_STATE_MASK) !== SlotState.member || (high & LOCATION_MASK) !== location) return undefined
    pair[0] = low
    pair[1] = high
    const segment = (location * UNIT - shard.segmentsOffset) >>> shard.segmentShift
    return {
      shard,
      slot: at / SLOT_BYTES,
      word: pairAsDouble[0] as number,
      generationAt: (shard.segmentHeaders + segment * SEGMENT_HEADER_BYTES + Segment.generation) >> 2,
      generation: meta[Meta.generation] as number,
      world: meta[Meta.world] as number,
    }
  }

  /**
   * Whether the record is still the live one of its key. The slot is looked at before the generation, since a location may come again
   * only after the generation has moved on; the world last: it only moves forward, so what it is now it was then.
   */
  isLive(place: RecordPlace): boolean {
    const { shard, slot } = place
    // A slot's high half is a location of 29 bits, so that its 64 bits are an ordinary double, equal to another only if all bits are.
    // One load sees state, tag and location of one moment.
    if (ordersLoads ? shard.slots[slot] !== place.word : !isSlot(shard.words, slot, place.word)) return false
    if (ordersLoads) {
      if (shard.words[place.generationAt] !== place.generation) return false
    } else if (Atomics.load(shard.words, place.generationAt) !== place.generation) return false
    return Atomics.load(this.#world, 0) === place.world
  }

  /** Counts a use for eviction, as a read of the engine would: up to three, and only by whoever finds it lower. */
  use(place: RecordPlace): void {
    const { shard, slot } = place
    const byte = slot * SLOT_BYTES
    const at = (byte & ~(BUCKET_BYTES - 1)) >> 2
    const shift = ((byte & (BUCKET_BYTES - 1)) - BUCKET_SLOTS) >> 1
    const marks = shard.words[at] as number
    if (((marks >>> shift) & FREQUENCY_MASK) === FREQUENCY_MASK) return
    // One try: who loses to another thread's count loses one use.
    Atomics.compareExchange(shard.words, at, marks, marks + (1 << shift))
  }
}

function isSlot(words: Int32Array, slot: number, expected: number): boolean {
  pair[0] = Atomics.load(words, slot * 2)
  pair[1] = Atomics.load(words, slot * 2 + 1)
  return pairAsDouble[0] === expected
}

function viewOf(memory: SharedArrayBuffer): ShardView {
  const words = new Int32Array(memory)
  const word = (offset: number) => (words[offset >> 2] as number) >>> 0
  return {
    words,
    slots: new Float64Array(memory, 0, Math.floor(memory.byteLength / 8)),
    buckets: word(Shard.buckets),
    bucketOffset: word(Shard.bucketOffset),
    segmentHeaders: word(Shard.segmentHeaders),
    segmentsOffset: word(Shard.segmentsOffset),
    segmentShift: word(Shard.segmentShift),
  }
}
