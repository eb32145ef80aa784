// Where in shared memory it stands whether a record that was decoded once is still the live one of its key. Near hits look there with a
// few loads and without a call into an engine (near.ts). Touches the index and records, reading, and this thread's own counters.
import { threadId } from 'node:worker_threads'
import type { Regions } from '../engine/create.js'
import { type Engine, Meta } from '../engine/engine.js'
import { tagsWord } from '../engine/js/record.js'
import {
  BUCKET_BYTES,
  BUCKET_SLOTS,
  COUNTERS,
  Control,
  ControlHeader,
  Counter,
  EngineId,
  LOCATION_MASK,
  RecordFlag,
  SEGMENT_HEADER_BYTES,
  Segment,
  Shard,
  SLOT_BYTES,
  SLOT_STATE_MASK,
  SLOT_TAG_SHIFT,
  SLOTS,
  SlotState,
  THREAD_BYTES,
  THREADS,
  Thread,
  UNIT,
  VERSION_BYTES,
} from '../engine/layout.js'
import { HEADER_BYTES, Header, Own, ROW_FIELDS, ROWS_AT } from '../stats/layout.js'
import { Level } from '../stats/level.js'

/** One shard's memory, seen as the numbers that a check needs. */
interface ShardView {
  readonly buckets: number
  readonly bucketOffset: number
  readonly segmentHeaders: number
  readonly segmentsOffset: number
  readonly segmentShift: number
  readonly versionsOffset: number
  readonly versionMask: number
}

/** Where a record is looked for and what has to stand there. */
export interface RecordPlace {
  shard: number
  /** Index in the shard's words of its slot, and both halves of it. */
  slot: number
  low: number
  high: number
  /** Index of its segment's generation, and the generation. */
  generationAt: number
  generation: number
  /** Index of the version of its binding. */
  version: number
  world: number
}

export const WORLD = Control.world >> 2
export const TAG_STAMP = Control.tagStamp >> 2
const INVALIDATING = (Control.threads + Thread.invalidating) >> 2
// These keep the order of ordinary loads. Others do not, and need atomic ones, which V8 makes a call.
export const ordersLoads = process.arch === 'x64' || process.arch === 'ia32'
/** Values with more tags are not kept near. */
const MOST_TAGS = 64

export class NearRecords {
  readonly control: Int32Array
  /** The memory of each shard. */
  readonly words: Int32Array[]
  readonly #shards: ShardView[]
  #header: Int32Array
  /** What threads count beside their engines. */
  #rows: Float64Array
  readonly #place: RecordPlace = {
    shard: 0,
    slot: 0,
    low: 0,
    high: 0,
    generationAt: 0,
    generation: 0,
    version: 0,
    world: 0,
  }

  constructor(regions: Regions) {
    this.control = new Int32Array(regions.control.buffer)
    this.words = regions.shards.map((memory) => new Int32Array(memory.buffer))
    this.#shards = this.words.map(viewOf)
    this.#header = new Int32Array(regions.observed, 0, HEADER_BYTES / 4)
    this.#rows = new Float64Array(regions.observed, ROWS_AT, THREADS * ROW_FIELDS)
  }

  /** Lets go of the shards; nothing is asked of it any more. */
  release(): void {
    this.words.length = 0
    this.#shards.length = 0
    this.#header = new Int32Array(1)
    this.#rows = new Float64Array(0)
  }

  /**
   * The place of the record that the engine has just read, by its stamp in `meta`; undefined when it is gone already. One object for all
   * answers, good until the next call.
   */
  place(engine: Engine): RecordPlace | undefined {
    const { meta } = engine
    const location = meta[Meta.location] as number
    const index = meta[Meta.slot] as number
    const bucket = Math.floor(index / SLOTS)
    const buckets = (this.#shards[0] as ShardView).buckets
    const number = Math.floor(bucket / buckets)
    const shard = this.#shards[number]
    const words = this.words[number]
    if (shard === undefined || words === undefined) return undefined
    const at = shard.bucketOffset + (bucket % buckets) * BUCKET_BYTES + BUCKET_SLOTS + (index % SLOTS) * SLOT_BYTES
    const low = Atomics.load(words, at >> 2)
    const high = Atomics.load(words, (at >> 2) + 1)
    if ((low & SLOT_STATE_MASK) !== SlotState.member || (high & LOCATION_MASK) !== location) return undefined
    const segment = (location * UNIT - shard.segmentsOffset) >>> shard.segmentShift
    const place = this.#place
    place.shard = number
    place.slot = at >> 2
    place.low = low
    place.high = high
    place.generationAt = (shard.segmentHeaders + segment * SEGMENT_HEADER_BYTES + Segment.generation) >> 2
    place.generation = meta[Meta.generation] as number
    const version = shard.versionsOffset + ((low >>> SLOT_TAG_SHIFT) & shard.versionMask) * VERSION_BYTES
    place.version = version >> 2
    place.world = meta[Meta.world] as number
    return place
  }

  /** Whether the record is still the live one of its key; the order of the loads matters, see near.ts. */
  isLive(place: RecordPlace): boolean {
    const words = this.words[place.shard] as Int32Array
    if (Atomics.load(words, place.slot) !== place.low) return false
    if (Atomics.load(words, place.slot + 1) !== place.high) return false
    if (Atomics.load(words, place.generationAt) !== place.generation) return false
    return Atomics.load(this.control, WORLD) === place.world
  }

  /** Whether the record has what a near hit could not honour; to be believed only if `isLive` holds afterwards. */
  needsEveryRead(place: RecordPlace): boolean {
    const words = this.words[place.shard] as Int32Array
    const flags = Atomics.load(words, (place.high & LOCATION_MASK) * (UNIT / 4))
    // Every single use of an entry with an idle time must reach it, which is as much work as reading it.
    return (flags & RecordFlag.idle) !== 0
  }

  /**
   * What the validity of a tagged record depends on: its stamp, and where in `control` the generations of its tags stand. To be believed
   * only if `isLive` holds afterwards; undefined when the record makes no sense.
   */
  tagsOf(place: RecordPlace): Int32Array | undefined {
    const words = this.words[place.shard] as Int32Array
    const record = (place.high & LOCATION_MASK) * (UNIT / 4)
    const at = record + tagsWord(Atomics.load(words, record))
    const count = words[at] as number
    if (count <= 0 || count > MOST_TAGS) return undefined
    const generations = (this.control[ControlHeader.tagsOffset >> 2] as number) >> 2
    const mask = (this.control[ControlHeader.tags >> 2] as number) - 1
    return Int32Array.from({ length: 1 + count }, (_, i) => {
      const word = words[at + 1 + i] as number
      return i === 0 ? word : generations + (word & mask)
    })
  }

  /**
   * The stamp of tags; undefined while somebody has moved it on and not yet the generations of what he invalidates. While it stays the same,
   * tags that are found valid after this call stay valid.
   */
  tagStampAtRest(): number | undefined {
    const { control } = this
    const stamp = Atomics.load(control, TAG_STAMP)
    const lines = Atomics.load(control, Control.threadsEnd >> 2)
    for (let thread = 0; thread < lines; thread++) {
      if (Atomics.load(control, INVALIDATING + thread * (THREAD_BYTES >> 2)) !== 0) return undefined
    }
    return stamp
  }

  /** Whether none of the generations is later than the stamp. */
  areTagsValid(tags: Int32Array): boolean {
    const { control } = this
    const stamp = tags[0] as number
    for (let i = 1; i < tags.length; i++) {
      const at = tags[i] as number
      const generation = ordersLoads ? (control[at] as number) : Atomics.load(control, at)
      if (((generation - stamp) | 0) > 0) return false
    }
    return true
  }

  /** Counts hits as the engine of this thread would. Its line is looked for anew: that of one that has left is another thread's by now. */
  addHits(engine: Engine, hits: number): void {
    const { control } = this
    if (Atomics.load(this.#header, Header.level) === Level.off + 1) return
    const id = engine.name === 'native' ? EngineId.native : EngineId.js
    for (let thread = 0; thread < THREADS; thread++) {
      const line = (Control.threads + thread * THREAD_BYTES) >> 2
      if (control[line + (Thread.nodeThread >> 2)] !== threadId + 1) continue
      if (control[line + (Thread.engine >> 2)] !== id || Atomics.load(control, line + (Thread.id >> 2)) === 0) continue
      // 64 bits that nobody else writes.
      const at = (Control.counters + (thread * COUNTERS + Counter.hits) * 8) >> 2
      const low = ((control[at] as number) >>> 0) + hits
      if (low >= 2 ** 32) control[at + 1] = (control[at + 1] as number) + 1
      control[at] = low
      const field = thread * ROW_FIELDS + Own.nearHits
      this.#rows[field] = (this.#rows[field] as number) + hits
      return
    }
  }
}

function viewOf(words: Int32Array): ShardView {
  const word = (offset: number) => (words[offset >> 2] as number) >>> 0
  return {
    buckets: word(Shard.buckets),
    bucketOffset: word(Shard.bucketOffset),
    segmentHeaders: word(Shard.segmentHeaders),
    segmentsOffset: word(Shard.segmentsOffset),
    segmentShift: word(Shard.segmentShift),
    versionsOffset: word(Shard.versionsOffset),
    versionMask: word(Shard.versions) - 1,
  }
}
