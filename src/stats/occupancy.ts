// What the memory of a cache is full of, by the headers of its segments. Reads those of all shards: some ten microseconds for each GiB.
import type { Regions } from '../engine/create.js'
import {
  SEGMENT_HEADER_BYTES,
  SEGMENT_QUEUE_SHIFT,
  SEGMENT_STATE_MASK,
  Segment,
  SegmentState,
  Shard,
  UNIT,
} from '../engine/layout.js'

/** Bytes and segments by what they are used for. Advisory: taken while others write. */
export interface Occupancy {
  /** Of records that can be read. */
  readonly liveBytes: number
  /** Of records that were replaced, removed or have expired, and room that was left over. */
  readonly deadBytes: number
  /** Room in segments that are free or open. */
  readonly freeBytes: number
  /** Index, ghosts and headers. */
  readonly indexBytes: number
  readonly segments: {
    readonly free: number
    readonly open: number
    readonly small: number
    readonly main: number
    /** Emptied, and waiting until nobody reads from them any more. */
    readonly drained: number
    /** Of values longer than a segment. */
    readonly chains: number
  }
}

/** One shard as a row of its segments, for a map of the memory. */
export interface ShardMap {
  readonly segmentBytes: number
  /** For each segment: 0 free, 1 open, 2 small, 3 main, 4 drained, 5 chain. */
  readonly kinds: readonly number[]
  /** How much of each is live, 0 to 1. */
  readonly live: readonly number[]
}

export const SegmentUse = { free: 0, open: 1, small: 2, main: 3, drained: 4, chain: 5 } as const

interface SegmentView {
  readonly use: number
  readonly usedBytes: number
  readonly liveBytes: number
}

export function occupancyOf(regions: Regions): Occupancy {
  const segments = [0, 0, 0, 0, 0, 0]
  let liveBytes = 0
  let deadBytes = 0
  let freeBytes = 0
  let indexBytes = 0
  for (const memory of regions.shards) {
    const words = new Int32Array(memory.buffer)
    const { bytes, count, first } = shardOf(words)
    indexBytes += first
    for (let segment = 0; segment < count; segment++) {
      const { use, usedBytes, liveBytes: live } = segmentOf(words, segment, bytes)
      segments[use] = (segments[use] as number) + 1
      liveBytes += live
      deadBytes += usedBytes - live
      freeBytes += bytes - usedBytes
    }
  }
  const [free = 0, open = 0, small = 0, main = 0, drained = 0, chains = 0] = segments
  return { liveBytes, deadBytes, freeBytes, indexBytes, segments: { free, open, small, main, drained, chains } }
}

export function mapOf(memory: WebAssembly.Memory): ShardMap {
  const words = new Int32Array(memory.buffer)
  const { bytes, count } = shardOf(words)
  const all = Array.from({ length: count }, (_, segment) => segmentOf(words, segment, bytes))
  return { segmentBytes: bytes, kinds: all.map(({ use }) => use), live: all.map((one) => one.liveBytes / bytes) }
}

function shardOf(words: Int32Array): { bytes: number; count: number; first: number } {
  const word = (offset: number) => (words[offset >> 2] as number) >>> 0
  return { bytes: 2 ** word(Shard.segmentShift), count: word(Shard.segments), first: word(Shard.segmentsOffset) }
}

function segmentOf(words: Int32Array, segment: number, bytes: number): SegmentView {
  const first = ((words[Shard.segmentHeaders >> 2] as number) + segment * SEGMENT_HEADER_BYTES) >> 2
  const word = (offset: number) => Atomics.load(words, first + (offset >> 2))
  const state = word(Segment.state)
  const kind = state & SEGMENT_STATE_MASK
  if (kind === SegmentState.free) return { use: SegmentUse.free, usedBytes: 0, liveBytes: 0 }
  if (kind === SegmentState.chain || kind === SegmentState.building) {
    return { use: SegmentUse.chain, usedBytes: bytes, liveBytes: bytes }
  }
  const usedBytes = Math.min(word(Segment.cursor) * UNIT, bytes)
  if (kind === SegmentState.drained) return { use: SegmentUse.drained, usedBytes: bytes, liveBytes: 0 }
  // Counted by whoever links and unlinks, not quite at the same time.
  const liveBytes = Math.min(Math.max(word(Segment.liveUnits) * UNIT, 0), usedBytes)
  if (kind === SegmentState.opening || kind === SegmentState.open) return { use: SegmentUse.open, usedBytes, liveBytes }
  const isMain = ((state >> SEGMENT_QUEUE_SHIFT) & 1) === 1
  return { use: isMain ? SegmentUse.main : SegmentUse.small, usedBytes, liveBytes }
}
