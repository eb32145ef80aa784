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
  RecordFlag,
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
  readonly buckets: number
  readonly bucketOffset: number
  readonly segmentHeaders: number
  readonly segmentsOffset: number
  readonly segmentShift: number
}

/** Where a record is looked for and what has to stand there. All small integers: a double would be an object of its own. */
export interface RecordPlace {
  readonly words: Int32Array
  /** Index in `words` of its slot, and both halves of it. */
  readonly slot: number
  readonly low: number
  readonly high: number
  /** Index in `words` of its segment's generation, and the generation. */
  readonly generationAt: number
  readonly generation: number
  readonly world: number
}

const BUCKET_WORDS = BUCKET_BYTES / 4

// These keep the order of ordinary loads. Others do not, and need atomic ones, which V8 makes a call.
const ordersLoads = process.arch === 'x64' || process.arch === 'ia32'

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
    const segment = (location * UNIT - shard.segmentsOffset) >>> shard.segmentShift
    return {
      words: shard.words,
      slot: at >> 2,
      low,
      high,
      generationAt: (shard.segmentHeaders + segment * SEGMENT_HEADER_BYTES + Segment.generation) >> 2,
      generation: meta[Meta.generation] as number,
      world: meta[Meta.world] as number,
    }
  }

  /** Whether the record has an idle time; to be believed only if `isLive` holds afterwards. */
  hasIdleTime(location: number, place: RecordPlace): boolean {
    return (Atomics.load(place.words, location * (UNIT / 4)) & RecordFlag.idle) !== 0
  }

  /**
   * Whether the record is still the live one of its key. The order matters. State and tag before the location: a location is linked
   * once in its generation, so if it stands there still, the state seen before was its own. The slot before the generation: a location
   * comes again only after that has moved on. The world last: it only moves forward, so what it is now it was then.
   */
  isLive(place: RecordPlace): boolean {
    const { words, slot } = place
    if (ordersLoads) {
      if (words[slot] !== place.low || words[slot + 1] !== place.high) return false
      if (words[place.generationAt] !== place.generation) return false
    } else {
      if (Atomics.load(words, slot) !== place.low || Atomics.load(words, slot + 1) !== place.high) return false
      if (Atomics.load(words, place.generationAt) !== place.generation) return false
    }
    // Atomic everywhere, so that no loop over a near hit may be compiled to look only once.
    return Atomics.load(this.#world, 0) === place.world
  }

  /** Counts a use for eviction, as a read of the engine would: up to three, and only by whoever finds it lower. */
  use(place: RecordPlace): void {
    const { words, slot } = place
    const at = slot & ~(BUCKET_WORDS - 1)
    const shift = ((slot & (BUCKET_WORDS - 1)) - BUCKET_SLOTS / 4) << 1
    const marks = words[at] as number
    if (((marks >>> shift) & FREQUENCY_MASK) === FREQUENCY_MASK) return
    // One try: who loses to another thread's count loses one use.
    Atomics.compareExchange(words, at, marks, (marks + (1 << shift)) | 0)
  }
}

function viewOf(memory: SharedArrayBuffer): ShardView {
  const words = new Int32Array(memory)
  const word = (offset: number) => (words[offset >> 2] as number) >>> 0
  return {
    words,
    buckets: word(Shard.buckets),
    bucketOffset: word(Shard.bucketOffset),
    segmentHeaders: word(Shard.segmentHeaders),
    segmentsOffset: word(Shard.segmentsOffset),
    segmentShift: word(Shard.segmentShift),
  }
}
