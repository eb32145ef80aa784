// How an owner begins with a partition's file: empty, or with what the last one has left, if that can be trusted. The order matters: first what is believed
// is settled, then the header of the new epoch says so, and only then is anything appended. Touches the file.
import type { Xxh64 } from './checksum.js'
import { type ClockSource, DiskClock } from './disk-clock.js'
import type { DiskFile } from './io.js'
import { decodeHeader, encodeHeader, headerBytes, type PartitionHeader } from './partition-header.js'
import { emptyOne } from './reclaim.js'
import { sequenceOf } from './record.js'
import { EntryList, type FooterEntries, type FooterEntry } from './region-format.js'
import { type LogOptions, RegionLog } from './region-log.js'
import { type Region, Regions } from './regions.js'
import { type PartitionShape, partitionBytes, regionsAt, tagsAt } from './shape.js'
import { inSlices } from './slices.js'
import { DamagedError, type FoundRegion, type Scan, Surveyor } from './survey.js'
import { checkpointBytes, decodeCheckpoint, encodeCheckpoint, type TagCheckpoint, TagTable } from './tag-table.js'
import { TwinBlocks } from './twin-blocks.js'

/** Why what the last owner has left is not used. */
export class ColdError extends Error {
  readonly epoch: number

  constructor(reason: string, epoch: number) {
    super(reason)
    this.epoch = epoch
  }
}

export interface TakeOverOptions {
  readonly file: DiskFile
  readonly shape: PartitionShape
  readonly xxh64: Xxh64
  readonly clock: ClockSource
  readonly sync: boolean
  /** After a crash nothing is believed. */
  readonly strict: boolean
  readonly flushInterval: number
  readonly bytesPerDay: number
  readonly mostWaiting: number
  /** So many regions are used, where the disk is too full for all. */
  readonly usable: number
  readonly fenced: () => boolean
  readonly onFailure: (error: Error) => void
}

function headersOf(shape: PartitionShape, xxh64: Xxh64): TwinBlocks<PartitionHeader> {
  return new TwinBlocks(
    0,
    headerBytes(shape.regions),
    (header) => encodeHeader(shape, header, xxh64),
    (bytes) => decodeHeader(shape, bytes, xxh64),
  )
}

function checkpointsOf(shape: PartitionShape, xxh64: Xxh64): TwinBlocks<TagCheckpoint> {
  const seed = (shape.store + BigInt(shape.partition) + 0x54414753n) & 0xffffffffffffffffn
  return new TwinBlocks(
    tagsAt(shape),
    checkpointBytes(shape.tagCounters),
    (checkpoint) => encodeCheckpoint(checkpoint, seed, xxh64),
    (bytes) => decodeCheckpoint(shape.tagCounters, bytes, seed, xxh64),
  )
}

/** What is stored in a partition's file beside its regions. */
export function storedBlocks(shape: PartitionShape, xxh64: Xxh64) {
  return { headers: headersOf(shape, xxh64), checkpoints: checkpointsOf(shape, xxh64) }
}

/** A log over an empty file, whatever was in it. */
export async function beginEmpty(options: TakeOverOptions, epoch: number): Promise<RegionLog> {
  const { file, shape, clock } = options
  await file.resize(0)
  await file.resize(partitionBytes(shape))
  const header: PartitionHeader = {
    partition: shape.partition,
    number: 0,
    epoch,
    floor: sequenceOf(epoch, 0),
    expiringFloor: 0,
    clean: false,
    synced: options.sync,
    boot: clock.boot,
    wall: 0,
    uptime: 0,
    regions: Array.from({ length: shape.regions }, () => ({ life: 0, units: 0, sealer: 0 })),
  }
  const { log } = await begin(options, header, new TagTable(shape.tagCounters), [], new DiskClock(clock, undefined))
  log.loaded()
  return log
}

/**
 * A log over what the last owner has left. Throws {@link ColdError} or {@link DamagedError} when that is nothing, or not to be trusted. The log is up at
 * once; `loaded` resolves when all that was there is known, and rejects when it turns out to be damaged.
 */
export async function takeOver(options: TakeOverOptions): Promise<{ log: RegionLog; loaded: Promise<void> }> {
  const { file, shape, xxh64 } = options
  const { headers, checkpoints } = storedBlocks(shape, xxh64)
  if ((await file.size()) === 0) throw new ColdError('new', 0)
  const left = await headers.load(file)
  if (left === 'damaged') throw new DamagedError('the header of the partition is damaged')
  if (left === undefined) throw new ColdError('new', 0)
  distrust(options, left)
  if ((await file.size()) !== partitionBytes(shape)) throw new DamagedError('the file has another length')
  const checkpoint = await checkpoints.load(file)
  if (checkpoint === 'damaged') throw new DamagedError('the generations of tags are damaged')
  const tags = new TagTable(shape.tagCounters)
  if (checkpoint) tags.generations.set(checkpoint.generations)

  const surveyor = new Surveyor(file, shape, xxh64)
  const survey = await surveyor.regions(left)
  const clock = new DiskClock(options.clock, { ...left, latest: Math.max(left.wall, survey.latest) })
  const scans = await scanUnfinished(surveyor, survey.found, left, options.clock.boot)
  for (const scan of scans.values()) for (const entry of scan.entries) tags.raise(entry.tags, entry.sequence)
  const epoch = left.epoch + 1
  const header: PartitionHeader = {
    ...left,
    epoch,
    number: 0,
    expiringFloor: clock.setBack ? epoch : left.expiringFloor,
    clean: false,
    synced: options.sync,
    boot: options.clock.boot,
  }
  const { log, regions } = await begin(options, header, tags, survey.found, clock, scans)
  return { log, loaded: load(log, regions, surveyor, survey.found, scans) }
}

function distrust(options: TakeOverOptions, left: PartitionHeader): void {
  if (left.epoch >= 2 ** 20) throw new DamagedError('epochs are used up')
  if (left.clean) return
  if (options.strict) throw new ColdError('the last owner has not closed it, and it is strict', left.epoch)
  if (!left.synced && left.boot !== options.clock.boot) {
    throw new ColdError('the machine went down before it was closed', left.epoch)
  }
}

async function scanUnfinished(
  surveyor: Surveyor,
  found: readonly FoundRegion[],
  left: PartitionHeader,
  boot: string,
): Promise<Map<number, Scan>> {
  const scans = new Map<number, Scan>()
  for (const region of found) {
    if (region.finished) continue
    const scan = await surveyor.scan(region)
    const complete = scan.units === region.mostUnits && !scan.gap
    if (!complete && (left.clean || region.ended)) throw new DamagedError(`region ${region.region} has lost its end`)
    // What was not synced when the power failed may have gaps; while the machine runs, a crash leaves none.
    if (scan.gap && left.boot === boot) throw new DamagedError(`region ${region.region} is damaged`)
    scans.set(region.region, scan)
  }
  return scans
}

/** Stores the header of the new epoch, with what is believed of each region, and makes the log. */
async function begin(
  options: TakeOverOptions,
  header: PartitionHeader,
  tags: TagTable,
  found: readonly FoundRegion[],
  clock: DiskClock,
  scans: ReadonlyMap<number, Scan> = new Map(),
): Promise<{ log: RegionLog; regions: Regions }> {
  const { file, shape, xxh64, sync } = options
  const { headers, checkpoints } = storedBlocks(shape, xxh64)
  const regions = new Regions(shape)
  for (const one of found) {
    const region = regions.all[one.region]
    if (region === undefined) continue
    const scan = scans.get(one.region)
    Object.assign(region, {
      life: one.life,
      lifetime: Math.min(one.lifetime, shape.lifetimes - 1),
      units: scan?.units ?? one.mostUnits,
    })
    region.sealer = scan ? header.epoch : one.sealer
    regions.lastLife = Math.max(regions.lastLife, one.life)
  }
  for (const region of regions.all) if (region.life === 0) regions.release(region)
  regions.limit(options.usable)
  let checkpoint = 0
  const logOptions: LogOptions = {
    ...options,
    clock,
    header,
    tags,
    regions,
    storeHeader: async (changed) => {
      await headers.store(file, changed)
      if (sync) await file.sync()
    },
    storeTags: async ({ generations }, epoch) => {
      await checkpoints.store(file, { epoch, number: ++checkpoint, generations: generations.slice() })
      if (sync) await file.sync()
    },
  }
  const log = new RegionLog(logOptions)
  // A footer hides the records in which invalidations of tags stand.
  if (tags.changed) await logOptions.storeTags(tags, header.epoch)
  tags.changed = false
  // Finished in the last owner's stead, so that the next one need not look at every record again.
  for (const [number, scan] of scans) await finish(options, log, regions, number, scan)
  await log.storeHeader({})
  const surveyor = new Surveyor(file, shape, xxh64)
  log.emptyOne = () => emptyOne({ log, file, shape, xxh64, surveyor, sync })
  return { log, regions }
}

async function finish(
  { file, shape, xxh64 }: TakeOverOptions,
  log: RegionLog,
  regions: Regions,
  number: number,
  scan: Scan,
): Promise<void> {
  const region = regions.all[number] as Region
  const list = new EntryList()
  let deadBy = 0
  for (const entry of scan.entries) {
    list.add(entry.type, entry.hash, entry.sequence, entry.shadows, entry.unit)
    if (entry.type === 1) deadBy = Math.max(deadBy, entry.expiry)
  }
  const facts = {
    life: region.life,
    writer: log.epoch,
    units: scan.units,
    deadBy,
    sealedAt: log.now(),
    guard: regions.lastLife,
  }
  const identity = { store: shape.store, partition: shape.partition, region: number }
  const footer = list.footer(identity, facts, xxh64)
  await file.write([footer], regionsAt(shape) + (number + 1) * shape.regionBytes - footer.length)
  region.deadBy = deadBy
  region.guard = facts.guard
}

/** Reads all footers, the youngest regions first, in slices. */
async function load(
  log: RegionLog,
  regions: Regions,
  surveyor: Surveyor,
  found: readonly FoundRegion[],
  scans: ReadonlyMap<number, Scan>,
): Promise<void> {
  log.index.expect(found.reduce((sum, { entries }) => sum + entries, 0))
  for (const one of [...found].sort((a, b) => b.life - a.life)) {
    const region = regions.all[one.region] as Region
    const entries = await entriesOf(surveyor, one, scans.get(one.region), region, regions)
    const admit = (index: number) => log.admitFound(entries.at(index) as FooterEntry, region)
    await inSlices(entries.length, admit, () => log.ended)
    if (log.ended) return
  }
  if (!log.ended) log.loaded()
}

async function entriesOf(
  surveyor: Surveyor,
  found: FoundRegion,
  scan: Scan | undefined,
  region: Region,
  regions: Regions,
): Promise<FooterEntries | readonly FooterEntry[]> {
  if (scan !== undefined) return scan.entries
  const footer = await surveyor.footer(found)
  if (footer !== undefined) {
    region.units = footer.units
    region.deadBy = footer.deadBy
    region.guard = footer.guard
    return footer.entries
  }
  // Torn by the end of its owner, written over by a former one, or damaged: the records tell the same, if all of them are there.
  const again = await surveyor.scan(found)
  if (again.gap || (found.ended && again.units !== found.mostUnits)) {
    throw new DamagedError(`the footer of region ${found.region} is damaged`)
  }
  region.units = again.units
  region.guard = regions.lastLife
  return again.entries
}
