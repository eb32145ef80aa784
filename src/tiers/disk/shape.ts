// How a path is divided: partitions, regions, and what lies where in a partition's file. Fixed when a path is first used; other options start cold.
// Touches nothing.
import { headerBytes } from './partition-header.js'
import { UNIT } from './record.js'
import { ENTRY_BYTES, REGION_HEADER, TRAILER } from './region-format.js'
import { checkpointBytes } from './tag-table.js'
import { TwinBlocks } from './twin-blocks.js'

export interface StoreShape {
  readonly partitions: number
  readonly regionBytes: number
  /** Regions of each partition. */
  readonly regions: number
  readonly tagCounters: number
  /** Regions that are filled at the same time, by how long their values live. */
  readonly lifetimes: number
}

export interface PartitionShape extends StoreShape {
  /** Names the store: part of every checksum. */
  readonly store: bigint
  readonly partition: number
}

const LEAST_REGION = 64 * 1024
/** A footer entry has 20 bits for a place in units of 16 bytes. */
const MOST_REGION = 2 ** 20 * UNIT
export const LEAST_REGIONS = 8
export const MOST_REGIONS = 4096
export const MOST_PARTITIONS = 64
/** Smaller partitions would have too few regions to tell lifetimes apart. */
const PARTITION_BYTES = 2 ** 30

export function shapeFor(maxBytes: number): StoreShape {
  let partitions = 1
  while (partitions < 4 && maxBytes / (2 * partitions) >= PARTITION_BYTES) partitions *= 2
  while (partitions < MOST_PARTITIONS && maxBytes / partitions > MOST_REGION * MOST_REGIONS) partitions *= 2
  const each = maxBytes / partitions
  let regionBytes = LEAST_REGION
  while (regionBytes < MOST_REGION && each / (2 * regionBytes) >= 64) regionBytes *= 2
  // The table of tags is stored once a region at most: it must be small beside one.
  const tagCounters = regionBytes >= 2 ** 23 ? 16_384 : regionBytes >= 2 ** 20 ? 1024 : 256
  const lifetimes = each / regionBytes >= 48 ? 3 : 1
  const overhead = TwinBlocks.area(headerBytes(MOST_REGIONS)) + TwinBlocks.area(checkpointBytes(tagCounters))
  const fit = Math.floor((each - Math.min(overhead, each / 8)) / regionBytes)
  const regions = Math.max(LEAST_REGIONS, Math.min(MOST_REGIONS, fit))
  return { partitions, regionBytes, regions, tagCounters, lifetimes }
}

export const tagsAt = (shape: StoreShape): number => TwinBlocks.area(headerBytes(shape.regions))

/** Where the first region begins. */
export const regionsAt = (shape: StoreShape): number =>
  tagsAt(shape) + TwinBlocks.area(checkpointBytes(shape.tagCounters))

export const partitionBytes = (shape: StoreShape): number => regionsAt(shape) + shape.regions * shape.regionBytes

/** The longest record: a region holds at least four of any length. */
export const mostRecordBytes = (shape: StoreShape): number =>
  Math.floor((shape.regionBytes - REGION_HEADER - TRAILER - 8 * ENTRY_BYTES) / 4 / UNIT) * UNIT

export function isShape(shape: StoreShape): boolean {
  const { partitions, regionBytes, regions, tagCounters, lifetimes } = shape
  const within = (value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most
  return (
    within(partitions, 1, MOST_PARTITIONS) &&
    within(regionBytes, 4096, MOST_REGION) &&
    regionBytes % UNIT === 0 &&
    within(regions, LEAST_REGIONS, MOST_REGIONS) &&
    within(tagCounters, 1, 65_536) &&
    within(lifetimes, 1, 8)
  )
}
