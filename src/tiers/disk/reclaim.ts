// Empties the region that is to go next: what was read since it was written is copied on, with its own sequence; tombstones are copied on as long as a
// record that they bury may still lie somewhere, and a value that is dropped leaves one behind if it had buried an older value itself. Only when all of
// that is in the file is the region's header overwritten, and only then do its entries leave the index: a crash in between finds everything twice,
// never something that was gone. Touches the file and the log's parts.
import type { Xxh64 } from './checksum.js'
import type { DiskFile } from './io.js'
import { type DiskRecord, RecordType, readRecord, recordBytes, tombstoneRecord, UNIT } from './record.js'
import { type FooterEntries, type FooterEntry, writeRegionHeader } from './region-format.js'
import type { RegionLog } from './region-log.js'
import type { Region } from './regions.js'
import { type PartitionShape, regionsAt } from './shape.js'
import { inSlices } from './slices.js'
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
  await new Emptying(parts, region).run()
  return !log.ended
}

class Emptying {
  readonly #parts: ReclaimParts
  readonly #log: RegionLog
  readonly #region: Region
  /** What lies in it that was buried lies elsewhere in regions of at least this life. */
  readonly #oldestOther: number
  #bytes: Uint8Array | undefined

  constructor(parts: ReclaimParts, region: Region) {
    this.#parts = parts
    this.#log = parts.log
    this.#region = region
    this.#oldestOther = parts.log.regions.oldestLife(region)
  }

  async run(): Promise<void> {
    const log = this.#log
    const ended = () => log.ended
    const entries = await this.#entries()
    const mine: FooterEntry[] = []
    const uses: FooterEntry[][] = [[], [], [], []]
    const sort = (index: number) => {
      const entry = entries.at(index) as FooterEntry
      if (entry.type === RecordType.tags || !this.#isNewest(entry)) return
      if (log.index.dead || log.index.frequency === 0) {
        if (entry.shadows || log.index.dead) mine.push(entry)
      } else {
        uses[log.index.frequency]?.push(entry)
      }
    }
    await inSlices(entries.length, sort, ended)
    if (log.ended) return
    const used = uses.reverse().flat()
    if (used.length > 0 || mine.some(({ type }) => type === RecordType.tombstone)) {
      this.#bytes = await this.#parts.surveyor.bytes(this.#region.number)
      if (log.ended) return
    }
    let room = this.#parts.shape.regionBytes * REINSERTED
    const reinsert = (index: number) => {
      const entry = used[index] as FooterEntry
      if (entry.bytes <= room && this.#reinsert(entry)) room -= entry.bytes
      else if (entry.shadows) this.#carry(entry)
    }
    await inSlices(used.length, reinsert, ended)
    await inSlices(mine.length, (index) => this.#carry(mine[index] as FooterEntry), ended)
    if (log.ended) return
    await log.flush()
    await this.#overwriteHeader()
    const forget = (index: number) => {
      if (this.#isNewest(entries.at(index) as FooterEntry)) log.index.remove()
    }
    await inSlices(entries.length, forget, ended)
    if (log.ended) return
    log.regions.release(this.#region)
    log.counters.emptied++
  }

  async #entries(): Promise<FooterEntries | readonly FooterEntry[]> {
    const { surveyor } = this.#parts
    const { number, life, sealer, units } = this.#region
    const footer = await surveyor.footer({ region: number, life, sealer })
    if (footer) return footer.entries
    const scan = await surveyor.scan({ region: number, life, mostUnits: units })
    if (scan.gap || scan.units !== units) throw new DamagedError(`region ${number} is damaged`)
    return scan.entries
  }

  /** Makes the entry's key the current one of the index. */
  #isNewest({ hash, unit }: FooterEntry): boolean {
    const { index, regions } = this.#log
    return index.find(hash) && index.location === regions.location(this.#region, unit * UNIT)
  }

  #reinsert(entry: FooterEntry): boolean {
    const log = this.#log
    if (!this.#isNewest(entry) || log.index.dead) return false
    const record = this.#record(entry)
    if (record === undefined || log.whyDead(record) !== undefined) return false
    const shadows = record.shadows && this.#oldestOther <= this.#region.guard
    const copy: DiskRecord = { ...record, shadows }
    const location = log.appender.append(copy, this.#region.lifetime, true)
    if (location === undefined) return false
    log.bind(entry.hash, location, recordBytes(copy), false, record.sequence)
    log.counters.reinserted++
    return true
  }

  /** Whatever it was, it may be all that says that something older is gone. */
  #carry(entry: FooterEntry): void {
    const log = this.#log
    if (!this.#isNewest(entry)) return
    const guard = entry.type === RecordType.tombstone ? this.#record(entry)?.guard : undefined
    if (this.#oldestOther > (guard ?? this.#region.guard)) return
    const record = tombstoneRecord(entry.hash, entry.sequence, guard ?? this.#region.guard)
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

  #record({ unit, bytes }: FooterEntry): DiskRecord | undefined {
    const at = unit * UNIT
    const record = this.#bytes?.subarray(at, at + bytes)
    return record && readRecord(record, this.#region.life, this.#parts.xxh64)
  }

  async #overwriteHeader(): Promise<void> {
    const { log, file, shape, xxh64, sync } = this.#parts
    const { number } = this.#region
    const identity = { store: shape.store, partition: shape.partition, region: number }
    const empty = { life: 0, lifetime: 0, writer: log.epoch, openedAt: log.now() }
    const header = writeRegionHeader(identity, empty, xxh64)
    log.assertOwned()
    await file.write([header], regionsAt(shape) + number * shape.regionBytes)
    log.counters.bytesWritten += header.length
    if (sync) await file.sync()
  }
}
