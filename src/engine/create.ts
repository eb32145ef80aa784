// How large each part of a cache's shared memory is, and fresh regions of those sizes, initialised for both engines.
// May touch: new memory only. Pure arithmetic apart from `createRegions`; the result must be handed to other threads by the caller.

import { OstrakaError } from '../errors.js'
import {
  BUCKET_BYTES,
  CONTROL_BYTES,
  Control,
  ControlHeader,
  GHOST_BUCKET_BYTES,
  GHOST_SLOTS,
  HASH_LANES,
  HASH_UNITS,
  LAYOUT_VERSION,
  LEAST_OBSERVED_BYTES,
  MAGIC,
  MOST_OBSERVED_BYTES,
  PolicyNumber,
  SEGMENT_HEADER_BYTES,
  SHARD_HEADER_BYTES,
  Shard,
  SKETCH_ENTRIES_PER_LINE,
  SKETCH_LINE_BYTES,
  SLOTS,
  SMALL_CACHE_BYTES,
  SMALL_TAGS,
  TAG_BYTES,
  TAGS,
  THREADS,
  UNIT,
  VERSION_BYTES,
  WASM_PAGE,
} from './layout.js'
import { choosingBytes, miniatureEntries, sampleBelow, samplingRate } from './policy-size.js'

/** The smallest `maxBytes`, in bytes. */
export const MIN_MAX_BYTES = 1024 * 1024
/** The mean entry, in bytes with key and header, for which the index is sized. */
export const DEFAULT_ENTRY_BYTES = 256

const GIB = 2 ** 30
/** Below 4 GiB, so that every end of a range fits an unsigned 32-bit number. */
const MAX_SHARD_PAGES = 65_535
const MAX_SHARDS = 256
const SINGLE_SHARD_ENTRIES = 65_536
/** Two choices of seven slots: an insert meets a full pair in about 0.2 % of the cases at this load, in 6 % at 0.8. */
const INDEX_LOAD = 0.65
/** Where entries are few and counted exactly, a full pair costs an entry that there was room for; at half load that does not happen. */
const SMALL_INDEX_LOAD = 0.5
const SMALL_INDEX_ENTRIES = 65_536
const MIN_SEGMENT_BYTES = 4096
const MAX_SEGMENT_BYTES = 1024 * 1024
const SEGMENTS_ALIGN = 4096
const CHUNK_BYTES = 4096
const GHOST_TIME_BITS = 14
/** A hit near a thread touches one version: few enough of them stay in a processor's second cache, over all shards. */
const MOST_VERSIONS = 8192
const LEAST_VERSIONS = 512
/** Of a shard's bytes, at most one in so many goes to versions. */
const VERSIONS_SHARE = 128

export interface GeometryOptions {
  readonly maxBytes: number
  /** Absent or 0: bounded by bytes alone. */
  readonly maxEntries?: number | undefined
  /** A power of two, or 'auto'. */
  readonly shards?: number | 'auto' | undefined
  /** The assumed mean size of an entry; sizes the index. */
  readonly entryBytes?: number | undefined
  /** A number of `PolicyNumber`. */
  readonly policy?: number | undefined
  /** Bytes of `maxBytes` that the caller needs for other memory of the cache. */
  readonly setAside?: number | undefined
}

/** One shard's sizes and offsets; the same for all shards of a cache. */
export interface ShardGeometry {
  readonly bytes: number
  readonly pages: number
  readonly expectedEntries: number
  readonly buckets: number
  readonly bucketOffset: number
  readonly ghostBuckets: number
  readonly ghostOffset: number
  readonly ghostShift: number
  readonly policyOffset: number
  readonly sketchLines: number
  /** Entries of a miniature; 0 where the mode is fixed. */
  readonly miniEntries: number
  readonly segments: number
  readonly segmentShift: number
  readonly segmentBytes: number
  readonly segmentHeaders: number
  readonly segmentsOffset: number
  readonly versions: number
  readonly chunkUnits: number
  readonly chunkedLimitUnits: number
}

export interface Geometry {
  readonly controlBytes: number
  readonly observedBytes: number
  readonly shards: number
  readonly shard: ShardGeometry
  /** Control region, observed memory and shards together; never more than `maxBytes`. */
  readonly totalBytes: number
}

export interface RegionOptions extends GeometryOptions {
  /** Two unsigned 32-bit halves; random by default. The same seed gives the same slots, for repeatable tests. */
  readonly seed?: { readonly low: number; readonly high: number } | undefined
  /** True: time stands still until `advance`. */
  readonly manualClock?: boolean | undefined
}

export interface Regions {
  readonly control: WebAssembly.Memory
  /** What is observed beyond the engines' counters; engines know nothing of it. */
  readonly observed: SharedArrayBuffer
  readonly shards: readonly WebAssembly.Memory[]
  /** Of the threads that look after the cache, where it has any (src/owners); engines leave it alone. */
  readonly owners?: SharedArrayBuffer | undefined
  /** By which they are asked for something (src/channel). */
  readonly channel?: SharedArrayBuffer | undefined
}

/**
 * Sizes and offsets of everything.
 * @throws OstrakaError OSTRAKA_ERR_INVALID_OPTION when the bounds leave no working cache.
 */
export function geometry(options: GeometryOptions): Geometry {
  const maxEntries = options.maxEntries ?? 0
  const entryBytes = options.entryBytes ?? DEFAULT_ENTRY_BYTES
  checkNumber('maxBytes', options.maxBytes, MIN_MAX_BYTES, MAX_SHARDS * MAX_SHARD_PAGES * WASM_PAGE)
  checkNumber('maxEntries', maxEntries, 0, 2 ** 32 - 1)
  checkNumber('entryBytes', entryBytes, 32, MAX_SEGMENT_BYTES)
  const shards = shardCount(options.maxBytes, maxEntries, options.shards ?? 'auto')
  const controlBytes = CONTROL_BYTES + (options.maxBytes < SMALL_CACHE_BYTES ? 0 : TAG_BYTES)
  const observedBytes = observedSize(options.maxBytes)
  const forShards = options.maxBytes - controlBytes - observedBytes - (options.setAside ?? 0)
  const pages = Math.min(Math.floor(forShards / shards / WASM_PAGE), MAX_SHARD_PAGES)
  const expected = expectedEntries(pages * WASM_PAGE, maxEntries, shards, entryBytes)
  const shard = shardGeometry(pages, expected, options.policy ?? PolicyNumber['s3-fifo'], shards)
  return { controlBytes, observedBytes, shards, shard, totalBytes: controlBytes + observedBytes + shards * shard.bytes }
}

function observedSize(maxBytes: number): number {
  const share = Math.floor(maxBytes / 128 / LEAST_OBSERVED_BYTES) * LEAST_OBSERVED_BYTES
  return Math.min(Math.max(share, LEAST_OBSERVED_BYTES), MOST_OBSERVED_BYTES)
}

function checkNumber(path: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    const message = `${path} must be a whole number from ${least} to ${most}, got ${value}`
    throw new OstrakaError('OSTRAKA_ERR_INVALID_OPTION', message, { faults: [{ path, message }] })
  }
}

function shardCount(maxBytes: number, maxEntries: number, wanted: number | 'auto'): number {
  if (wanted !== 'auto') {
    checkNumber('shards', wanted, 1, MAX_SHARDS)
    const perShard = (maxBytes - CONTROL_BYTES) / wanted
    if ((wanted & (wanted - 1)) !== 0 || perShard < MIN_MAX_BYTES - CONTROL_BYTES) {
      const message = `shards must be a power of two that leaves each at least 1 MiB, got ${wanted}`
      throw new OstrakaError('OSTRAKA_ERR_INVALID_OPTION', message, { faults: [{ path: 'shards', message }] })
    }
    return wanted
  }
  // Few entries stay together however large they may be: dealt out, a shard would be full while others have room.
  if (maxEntries > 0 && maxEntries <= SINGLE_SHARD_ENTRIES) return 1
  let shards = 1
  while (maxBytes / shards >= GIB && shards < MAX_SHARDS) shards *= 2
  return shards
}

function expectedEntries(shardBytes: number, maxEntries: number, shards: number, entryBytes: number): number {
  const byBytes = Math.floor(shardBytes / entryBytes)
  if (maxEntries === 0) return byBytes
  const mean = maxEntries / shards
  // Keys fall on the shards like dice: five standard deviations more than the mean.
  const share = shards === 1 ? mean : Math.ceil(mean + 5 * Math.sqrt(mean) + 8)
  return Math.max(1, Math.min(share, byBytes))
}

function shardGeometry(pages: number, expected: number, policy: number, shards: number): ShardGeometry {
  const bytes = pages * WASM_PAGE
  const versions = versionCount(bytes, shards)
  const segmentHeaders = SHARD_HEADER_BYTES + versions * VERSION_BYTES
  const segmentShift = Math.log2(segmentSize(bytes))
  const segmentBytes = 2 ** segmentShift
  const load = expected <= SMALL_INDEX_ENTRIES ? SMALL_INDEX_LOAD : INDEX_LOAD
  const buckets = Math.max(2, Math.ceil(expected / (SLOTS * load)))
  const remembered = expected * 0.9
  const ghostBuckets = Math.max(4, Math.ceil((remembered * (expected < 4096 ? 2.5 : 1.25)) / GHOST_SLOTS))
  let ghostShift = 0
  while (Math.floor(remembered) / 2 ** ghostShift > 2 ** GHOST_TIME_BITS) ghostShift++
  const sketchLines = policy < PolicyNumber.balanced ? 0 : Math.max(4, Math.ceil(expected / SKETCH_ENTRIES_PER_LINE))
  const miniEntries = policy === PolicyNumber.adaptive ? miniatureEntries(bytes, expected) : 0
  const choosing = miniEntries === 0 ? 0 : choosingBytes(miniEntries)
  const parts = (segments: number) => {
    const bucketOffset = align(segmentHeaders + segments * SEGMENT_HEADER_BYTES, BUCKET_BYTES)
    const ghostOffset = align(bucketOffset + buckets * BUCKET_BYTES, 64)
    const policyOffset = align(ghostOffset + ghostBuckets * GHOST_BUCKET_BYTES, 64)
    const segmentsOffset = align(policyOffset + sketchLines * SKETCH_LINE_BYTES + choosing, SEGMENTS_ALIGN)
    return { bucketOffset, ghostOffset, policyOffset, segmentsOffset, end: segmentsOffset + segments * segmentBytes }
  }
  let segments = Math.floor(bytes / segmentBytes)
  while (segments > 0 && parts(segments).end > bytes) segments--
  const { bucketOffset, ghostOffset, policyOffset, segmentsOffset } = parts(segments)
  const chunkBytes = Math.min(CHUNK_BYTES, segmentBytes / 4)
  return {
    bytes,
    pages,
    expectedEntries: expected,
    buckets,
    bucketOffset,
    ghostBuckets,
    ghostOffset,
    ghostShift,
    policyOffset,
    sketchLines,
    miniEntries,
    segments,
    segmentShift,
    segmentBytes,
    segmentHeaders,
    segmentsOffset,
    versions,
    chunkUnits: chunkBytes / UNIT,
    // A record that the rest of a chunk does not take leaves that rest unused: an eighth at most.
    chunkedLimitUnits: chunkBytes / 8 / UNIT,
  }
}

function versionCount(shardBytes: number, shards: number): number {
  const most = Math.max(MOST_VERSIONS / shards, LEAST_VERSIONS)
  return Math.min(2 ** Math.floor(Math.log2(shardBytes / VERSIONS_SHARE / VERSION_BYTES)), most)
}

function segmentSize(shardBytes: number): number {
  const largest = 2 ** Math.floor(Math.log2(shardBytes / 256))
  return Math.min(Math.max(largest, MIN_SEGMENT_BYTES), MAX_SEGMENT_BYTES)
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to
}

/**
 * New shared memories with their headers written; nobody else may see them before this returns. Pages are committed by the system
 * when they are first touched.
 * @throws OstrakaError OSTRAKA_ERR_INVALID_OPTION, OSTRAKA_ERR_OUT_OF_MEMORY
 */
export function createRegions(options: RegionOptions): Regions {
  const sizes = geometry(options)
  const control = sharedMemory(sizes.controlBytes / WASM_PAGE)
  const shards = Array.from({ length: sizes.shards }, () => sharedMemory(sizes.shard.pages))
  writeControl(new Uint32Array(control.buffer), sizes, options)
  for (const [number, memory] of shards.entries())
    writeShard(new Uint32Array(memory.buffer), sizes.shard, number, options)
  return { control, observed: new SharedArrayBuffer(sizes.observedBytes), shards }
}

function sharedMemory(pages: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  } catch (cause) {
    const message = `${pages * WASM_PAGE} bytes of shared memory could not be allocated; lower maxBytes or raise the limits`
    throw new OstrakaError('OSTRAKA_ERR_OUT_OF_MEMORY', message, { cause })
  }
}

function writeControl(words: Uint32Array, sizes: Geometry, options: RegionOptions): void {
  const random = crypto.getRandomValues(new Uint32Array(4))
  const seedLow = options.seed?.low ?? random[0]
  const seedHigh = options.seed?.high ?? random[1]
  const origin = process.hrtime.bigint() / 1_000_000n
  words[ControlHeader.version >> 2] = LAYOUT_VERSION
  const tagsWithin = sizes.controlBytes === CONTROL_BYTES
  words[ControlHeader.bytes >> 2] = sizes.controlBytes
  words[ControlHeader.shards >> 2] = sizes.shards
  words[ControlHeader.threadSlots >> 2] = THREADS
  words[ControlHeader.maxEntries >> 2] = options.maxEntries ?? 0
  words[ControlHeader.seedLow >> 2] = seedLow
  words[ControlHeader.seedHigh >> 2] = seedHigh
  words[ControlHeader.originLow >> 2] = Number(origin & 0xffffffffn)
  words[ControlHeader.originHigh >> 2] = Number(origin >> 32n)
  words[ControlHeader.policy >> 2] = options.policy ?? 0
  words[ControlHeader.cacheIdLow >> 2] = random[2]
  words[ControlHeader.cacheIdHigh >> 2] = random[3]
  words[ControlHeader.tags >> 2] = tagsWithin ? SMALL_TAGS : TAGS
  words[ControlHeader.tagsOffset >> 2] = tagsWithin ? Control.smallTags : CONTROL_BYTES
  words[Control.clockManual >> 2] = options.manualClock === true ? 1 : 0
  words[Control.clockAsleep >> 2] = 1
  words.set(hashKeys(seedLow, seedHigh), Control.hashKeys >> 2)
  words[ControlHeader.magic >> 2] = MAGIC
}

/** The secret multipliers that a seed stands for (docs/slab.md 2). */
export function hashKeys(seedLow: number, seedHigh: number): Uint32Array {
  const keys = new Uint32Array(HASH_UNITS * HASH_LANES)
  let state = seedLow ^ Math.imul(seedHigh, 0x85ebca6b)
  for (let i = 0; i < keys.length; i++) {
    state = (state + 0x9e3779b9) | 0
    let z = state ^ (state >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z ^= z >>> 15
    z = Math.imul(z, 0x735a2d97)
    keys[i] = z ^ (z >>> 15)
  }
  return keys
}

/** The mode that a cache starts in. */
function firstMode({ policy = PolicyNumber['s3-fifo'], maxEntries = 0 }: RegionOptions): number {
  if (policy !== PolicyNumber.adaptive) return policy
  return maxEntries === 0 ? PolicyNumber.light : PolicyNumber.balanced
}

function writeShard(words: Uint32Array, sizes: ShardGeometry, number: number, options: RegionOptions): void {
  words[Shard.version >> 2] = LAYOUT_VERSION
  words[Shard.number >> 2] = number
  words[Shard.buckets >> 2] = sizes.buckets
  words[Shard.bucketOffset >> 2] = sizes.bucketOffset
  words[Shard.segments >> 2] = sizes.segments
  words[Shard.segmentShift >> 2] = sizes.segmentShift
  words[Shard.segmentsOffset >> 2] = sizes.segmentsOffset
  words[Shard.segmentHeaders >> 2] = sizes.segmentHeaders
  words[Shard.ghostOffset >> 2] = sizes.ghostOffset
  words[Shard.ghostBuckets >> 2] = sizes.ghostBuckets
  words[Shard.ghostShift >> 2] = sizes.ghostShift
  words[Shard.chunkUnits >> 2] = sizes.chunkUnits
  words[Shard.chunkedLimit >> 2] = sizes.chunkedLimitUnits
  words[Shard.expected >> 2] = sizes.expectedEntries
  words[Shard.policyOffset >> 2] = sizes.policyOffset
  words[Shard.sketchLines >> 2] = sizes.sketchLines
  words[Shard.sketchHalveAt >> 2] = 10 * sizes.expectedEntries
  words[Shard.miniEntries >> 2] = sizes.miniEntries
  words[Shard.mode >> 2] = firstMode(options)
  if (sizes.miniEntries !== 0) {
    words[Shard.sampleBelow >> 2] = sampleBelow(samplingRate(sizes.expectedEntries, sizes.miniEntries))
  }
  words[Shard.freeSegments >> 2] = sizes.segments
  words[Shard.versionsOffset >> 2] = SHARD_HEADER_BYTES
  words[Shard.versions >> 2] = sizes.versions
  words[Shard.bytesLow >> 2] = sizes.bytes >>> 0
  words[Shard.bytesHigh >> 2] = Math.floor(sizes.bytes / 2 ** 32)
  words[Shard.magic >> 2] = MAGIC
}
