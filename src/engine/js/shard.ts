// One shard's region as JavaScript sees it: views, geometry read once from its checked header, and where things lie in it.
// May touch: the region, read-only here. Slots are named by byte offset (as the kernel wants them), records by their location in
// units of 8 bytes, header words by their index in `words`.

import {
  BUCKET_BYTES,
  BUCKET_SLOTS,
  Shard as Header,
  LAYOUT_VERSION,
  MAGIC,
  SAMPLE_BYTES,
  SAMPLE_SLOTS,
  SEGMENT_HEADER_BYTES,
  Segment,
  SKETCH_LINE_BYTES,
  SLOT_BYTES,
  SLOT_TAG_SHIFT,
  SLOTS,
  VERSION_BYTES,
} from '../layout.js'
import { choosingBytes } from '../policy-size.js'
import type { StringBuffer } from '../string-buffer.js'
import { Ghosts } from './ghost.js'
import { type Kernel, kernelOver } from './kernel.js'
import { modeOf, type PolicyMode } from './policy.js'
import { Sketch } from './sketch.js'
import { Tournament } from './tournament.js'

/** Space that one thread fills with small records. Believed only under a pin, while its segment is OPEN in the same generation. */
export class Chunk {
  valid = false
  segment = 0
  generation = 0
  /** Next unit to fill, and the first unit behind. */
  next = 0
  end = 0
}

export class Shard {
  readonly number: number
  readonly words: Int32Array
  /** For the policy's numbers, which the evictor alone writes. */
  readonly doubles: Float64Array
  readonly buffer: StringBuffer
  readonly kernel: Kernel
  readonly buckets: number
  readonly bucketOffset: number
  readonly segments: number
  readonly segmentShift: number
  readonly segmentUnits: number
  readonly segmentBytes: number
  /** First unit of the first segment. */
  readonly firstUnit: number
  /** Word index of the first segment header. */
  readonly segmentHeaders: number
  /** Word index of the ghost table. */
  readonly ghost: number
  readonly ghostBuckets: number
  readonly ghostShift: number
  readonly chunkUnits: number
  readonly chunkedLimit: number
  /** Byte offset of the versions of bindings, and the mask for a tag. */
  readonly versionsOffset: number
  readonly versionMask: number
  readonly policyOffset: number
  readonly sketchLines: number
  readonly sketch: Sketch
  readonly ghosts: Ghosts
  readonly expectedEntries: number
  /** Entries of a miniature; 0 where the mode is fixed. */
  readonly miniEntries: number
  /** Word index of the ring of samples. */
  readonly samples: number
  readonly tournament: Tournament
  /** This thread's chunks, one for each queue. */
  readonly chunks: readonly Chunk[] = [new Chunk(), new Chunk()]

  private constructor(memory: WebAssembly.Memory) {
    const words = new Int32Array(memory.buffer)
    const word = (offset: number) => words[offset >> 2] >>> 0
    this.words = words
    this.doubles = new Float64Array(memory.buffer)
    this.buffer = Buffer.from(memory.buffer) as unknown as StringBuffer
    this.kernel = kernelOver(memory)
    this.number = word(Header.number)
    this.buckets = word(Header.buckets)
    this.bucketOffset = word(Header.bucketOffset)
    this.segments = word(Header.segments)
    this.segmentShift = word(Header.segmentShift)
    this.segmentBytes = 2 ** this.segmentShift
    this.segmentUnits = this.segmentBytes / 8
    this.firstUnit = word(Header.segmentsOffset) / 8
    this.segmentHeaders = word(Header.segmentHeaders) / 4
    this.ghost = word(Header.ghostOffset) / 4
    this.ghostBuckets = word(Header.ghostBuckets)
    this.ghostShift = word(Header.ghostShift)
    this.chunkUnits = word(Header.chunkUnits)
    this.chunkedLimit = word(Header.chunkedLimit)
    this.versionsOffset = word(Header.versionsOffset)
    this.versionMask = word(Header.versions) - 1
    this.policyOffset = word(Header.policyOffset)
    this.sketchLines = word(Header.sketchLines)
    const halveAt = Math.max(16, word(Header.sketchHalveAt))
    this.sketch = new Sketch(words, this.policyOffset >> 2, this.sketchLines, Header.sketchAdded >> 2, halveAt)
    this.ghosts = new Ghosts(words, this.ghost, this.ghostBuckets, Header.ghostClock >> 2, this.ghostShift)
    this.expectedEntries = word(Header.expected)
    this.miniEntries = word(Header.miniEntries)
    const samples = this.policyOffset + this.sketchLines * SKETCH_LINE_BYTES
    this.samples = samples >> 2
    const entries = Math.max(1, this.miniEntries)
    this.tournament = new Tournament(words, this.doubles, samples + SAMPLE_SLOTS * SAMPLE_BYTES, entries)
  }

  /** Undefined when the memory is not a shard of this layout. */
  static open(memory: WebAssembly.Memory): Shard | undefined {
    const words = new Uint32Array(memory.buffer)
    if (words[Header.magic >> 2] !== MAGIC || words[Header.version >> 2] !== LAYOUT_VERSION) return undefined
    const shard = new Shard(memory)
    return shard.fits(memory.buffer.byteLength) ? shard : undefined
  }

  private fits(bytes: number): boolean {
    const end = (this.firstUnit + this.segments * this.segmentUnits) * 8
    const index = this.bucketOffset + this.buckets * BUCKET_BYTES
    const sizes = this.buckets >= 2 && this.segments >= 1 && this.ghostBuckets >= 1 && this.chunkUnits >= 2
    const versions = this.versionsOffset + (this.versionMask + 1) * VERSION_BYTES
    if (this.versionMask < 0 || ((this.versionMask + 1) & this.versionMask) !== 0 || versions > bytes) return false
    const choosing = this.miniEntries === 0 ? 0 : choosingBytes(this.miniEntries)
    const policy = this.policyOffset + this.sketchLines * SKETCH_LINE_BYTES + choosing
    const parts = end <= bytes && index <= this.ghost * 4 && policy <= this.firstUnit * 8
    return sizes && parts && this.chunkedLimit < this.chunkUnits
  }

  /** The mode in force. */
  mode(): PolicyMode {
    return modeOf(this.words[Header.mode >> 2])
  }

  /**
   * Exchanges a member's word for another one, announced in the version of its binding (docs/slab.md 9); whether it stood there. All of it
   * is one call of the kernel, in whose middle no thread can be terminated.
   */
  rebind(slot: number, low: number, location: number, newLow: number, newLocation: number): boolean {
    const version = this.versionsOffset + ((low >>> SLOT_TAG_SHIFT) & this.versionMask) * VERSION_BYTES
    return this.kernel.rebind(slot, low, location, newLow, newLocation, version) === 1
  }

  /** Word index of a segment's header. */
  header(index: number): number {
    return this.segmentHeaders + index * (SEGMENT_HEADER_BYTES >> 2)
  }

  /** First unit of a segment. */
  start(index: number): number {
    return this.firstUnit + (index << (this.segmentShift - 3))
  }

  /** The segment that a location lies in. */
  segmentOf(location: number): number {
    return (location - this.firstUnit) >> (this.segmentShift - 3)
  }

  /**
   * The state word: state, queue and owner. A plain load, as are the other looks at headers: a call of Atomics costs more than all of the
   * comparison. Right after a pin the world word is loaded atomically, and no plain load of ours can come before that.
   */
  state(index: number): number {
    return this.words[this.header(index) + (Segment.state >> 2)]
  }

  field(index: number, offset: number): number {
    return this.words[this.header(index) + (offset >> 2)]
  }

  /** The world that a record was written in. */
  worldOf(location: number): number {
    return this.field(this.segmentOf(location), Segment.world)
  }

  setField(index: number, offset: number, value: number): void {
    Atomics.store(this.words, this.header(index) + (offset >> 2), value)
  }

  /** The clock when the segment was opened, in ms since origin. */
  base(index: number): number {
    const at = this.header(index) + (Segment.baseLow >> 2)
    return (this.words[at] >>> 0) + this.words[at + 1] * 2 ** 32
  }

  slotIndex(slot: number): number {
    const within = slot - this.bucketOffset
    return Math.floor(within / BUCKET_BYTES) * SLOTS + ((within % BUCKET_BYTES) - BUCKET_SLOTS) / SLOT_BYTES
  }

  /** Byte offset of the slot with this index; -1 when there is none. */
  slotAt(index: number): number {
    const bucket = Math.floor(index / SLOTS)
    if (index < 0 || bucket >= this.buckets) return -1
    return this.bucketOffset + bucket * BUCKET_BYTES + BUCKET_SLOTS + (index % SLOTS) * SLOT_BYTES
  }
}
