// Empties the region that is to go next: what was read since it was written is copied on, with its own sequence; tombstones are copied on as long as a
// record that they bury may still lie somewhere, and a value that is dropped leaves one behind if it had buried an older value itself. Only when all of
// that is in the file is the region's header overwritten, and only then do its entries leave the index: a crash in between finds everything twice,
// never something that was gone. Touches the file and the log's parts.
import type { Xxh64 } from './checksum.js'
import type { DiskFile } from './io.js'
import { type DiskRecord, RecordType, recordBytes, UNIT } from './record.js'
import { type FooterEntry, writeRegionHeader } from './region-format.js'
import type { RegionLog } from './region-log.js'
import type { Region } from './regions.js'
import { type PartitionShape, regionsAt } from './shape.js'
import { DamagedError, type Surveyor } from './survey.js'

/** At most this part of a region is copied on for having been read: it is what bounds how often a byte is written. */
const REINSERTED = 0.08

export interface ReclaimParts {
  readonly log: RegionLog
  readonly file: DiskFile
  readonly shape: PartitionShape
  readonly xxh64: Xxh64
  readonly surveyor: Surveyor
  readonly sync: boolean
}

/** False when there is no region to empty. Rejects when the file fails, or does not say any more what the region held. */
export async function emptyOne(parts: ReclaimParts): Promise<boolean> {
  const { log } = parts
  const region = log.regions.victim(log.now())
  if (region === undefined) return false
  if (log.isForgotten(region)) {
    log.regions.release(region)
    return true
  }
  region.state = 'emptying'
  const entries = await entriesOf(parts, region)
  if (log.ended) return false
  await carryOn(parts, region, entries)
  if (log.ended) return false
  await log.flush()
  await overwriteHeader(parts, region)
  if (log.ended) return false
  for (const { hash, unit } of entries) {
    if (log.index.find(hash) && log.index.location === log.regions.location(region, unit * UNIT)) log.index.remove()
  }
  log.regions.release(region)
  log.counters.emptied++
  return true
}

async function entriesOf({ surveyor }: ReclaimParts, region: Region): Promise<readonly FooterEntry[]> {
  const found = { region: region.number, life: region.life, sealer: region.sealer, mostUnits: region.units }
  const footer = await surveyor.footer(found)
  if (footer) return footer.entries
  const scan = await surveyor.scan(found)
  if (scan.gap || scan.units !== region.units) throw new DamagedError(`region ${region.number} is damaged`)
  return scan.entries
}

async function carryOn(parts: ReclaimParts, region: Region, entries: readonly FooterEntry[]): Promise<void> {
  const { log, shape } = parts
  let room = shape.regionBytes * REINSERTED
  for (const entry of await byUse(log, region, entries)) {
    if (!isNewest(log, region, entry)) continue
    const { dead, frequency } = log.index
    if (!dead && frequency > 0 && entry.bytes <= room && (await reinsert(log, region, entry))) {
      room -= entry.bytes
      continue
    }
    if (log.ended) return
    // Whatever it was, it may be all that says that something older is gone.
    if (isNewest(log, region, entry) && (entry.shadows || log.index.dead)) await carry(log, region, entry)
  }
}

/** The entries that the index still points to, most used first. */
async function byUse(log: RegionLog, region: Region, entries: readonly FooterEntry[]): Promise<FooterEntry[]> {
  const uses = new Map<FooterEntry, number>()
  for (const entry of entries) {
    if (entry.type !== RecordType.tags && isNewest(log, region, entry)) uses.set(entry, log.index.frequency)
  }
  return [...uses.keys()].sort((one, other) => (uses.get(other) as number) - (uses.get(one) as number))
}

/** Makes the entry's key the current one of the index. */
function isNewest(log: RegionLog, region: Region, { hash, unit }: FooterEntry): boolean {
  return log.index.find(hash) && log.index.location === log.regions.location(region, unit * UNIT)
}

async function reinsert(log: RegionLog, region: Region, entry: FooterEntry): Promise<boolean> {
  const record = await log.recordAt(log.regions.location(region, entry.unit * UNIT), entry.bytes)
  if (record === undefined || record === 'failed' || log.ended || log.whyDead(record) !== undefined) return false
  if (!isNewest(log, region, entry) || log.index.dead) return false
  const shadows = record.shadows && log.regions.anyOlder(region.guard, region)
  const copy: DiskRecord = { ...record, shadows }
  const bytes = recordBytes(copy)
  const location = log.appender.append(copy, region.lifetime, true)
  if (location === undefined) return false
  log.bind(entry.hash, location, bytes, false, record.sequence)
  log.counters.reinserted++
  return true
}

async function carry(log: RegionLog, region: Region, entry: FooterEntry): Promise<void> {
  const guard = await guardOf(log, region, entry)
  if (log.ended || !log.regions.anyOlder(guard, region) || !isNewest(log, region, entry)) return
  const record = log.tombstone(entry.hash, entry.sequence, guard)
  const location = log.appender.append(record, 0, true)
  if (location === undefined) {
    // No room for what must not be lost: give up everything instead.
    log.counters.floors++
    log.clear()
    return
  }
  log.bind(entry.hash, location, recordBytes(record), true, entry.sequence)
  log.counters.carried++
}

/** What it buries lies in regions of at most this life. */
async function guardOf(log: RegionLog, region: Region, entry: FooterEntry): Promise<number> {
  if (entry.type !== RecordType.tombstone) return region.guard
  const record = await log.recordAt(log.regions.location(region, entry.unit * UNIT), entry.bytes)
  const known = record !== undefined && record !== 'failed' && record.type === RecordType.tombstone
  return known ? record.guard : region.guard
}

async function overwriteHeader({ log, file, shape, xxh64, sync }: ReclaimParts, region: Region): Promise<void> {
  const identity = { store: shape.store, partition: shape.partition, region: region.number }
  const header = writeRegionHeader(identity, { life: 0, lifetime: 0, writer: log.epoch, openedAt: log.now() }, xxh64)
  log.assertOwned()
  await file.write([header], regionsAt(shape) + region.number * shape.regionBytes)
  log.counters.bytesWritten += header.length
  if (sync) await file.sync()
}
