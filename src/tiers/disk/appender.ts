// Appends records to the regions being filled, one for each lifetime, and keeps what has not reached the file: it can be read from here until it
// has. Synchronous throughout; region-log.ts brings it to the file. Touches the regions.
import type { Xxh64 } from './checksum.js'
import { type DiskRecord, RecordType, recordBytes, UNIT, writeRecord } from './record.js'
import { REGION_HEADER, writeRegionHeader } from './region-format.js'
import type { Chunk, Region, Regions } from './regions.js'
import type { PartitionShape } from './shape.js'

const CHUNK = 64 * 1024

/** Regions that values leave to tombstones and to what is copied out of a region that is being emptied. */
const KEPT = 2

/** One write: contiguous bytes of a region. */
export interface Write {
  readonly region: Region
  readonly at: number
  readonly chunks: readonly Chunk[]
}

export class Appender {
  /** Bytes that wait for the file. */
  waiting = 0
  readonly #shape: PartitionShape
  readonly #regions: Regions
  readonly #xxh64: Xxh64
  readonly #now: () => number
  #epoch: number
  readonly #open: (Region | undefined)[]
  readonly #dirty = new Set<Region>()

  constructor(shape: PartitionShape, regions: Regions, xxh64: Xxh64, now: () => number, epoch: number) {
    this.#shape = shape
    this.#regions = regions
    this.#xxh64 = xxh64
    this.#now = now
    this.#epoch = epoch
    this.#open = new Array<Region | undefined>(shape.lifetimes).fill(undefined)
  }

  set epoch(epoch: number) {
    this.#epoch = epoch
  }

  /** Where the record now lies; undefined when there is no room. `urgent`: also from the room that is kept for what must not be lost. */
  append(record: DiskRecord, lifetime: number, urgent: boolean): number | undefined {
    const bytes = recordBytes(record)
    const region = this.#roomFor(bytes, record.sequence, lifetime, urgent)
    if (region === undefined || region.entries === undefined) return undefined
    const offset = region.units * UNIT
    const target = this.#reserve(region, bytes)
    writeRecord(target, record, region.life, this.#xxh64)
    region.entries.add(record.type, record.hash, record.sequence, record.shadows, region.units)
    region.units += bytes / UNIT
    region.newest = Math.max(region.newest, record.sequence)
    if (record.type === RecordType.value) region.deadBy = Math.max(region.deadBy, record.expiry)
    return this.#regions.location(region, offset)
  }

  /** Bytes that wait, from an offset of a region; undefined when they are in the file. At most up to the end of what was appended together. */
  waitingBytes(region: Region, offset: number): Uint8Array | undefined {
    const chunk = region.chunks.find(({ at, used }) => at <= offset && offset < at + used)
    return chunk?.bytes.subarray(offset - chunk.at, chunk.used)
  }

  /** Ends what is being filled: its footer waits for the file. */
  seal(region: Region): void {
    const { entries } = region
    if (entries === undefined) return
    const facts = {
      life: region.life,
      writer: this.#epoch,
      units: region.units,
      deadBy: region.deadBy,
      sealedAt: this.#now(),
      guard: this.#regions.lastLife,
    }
    const identity = { store: this.#shape.store, partition: this.#shape.partition, region: region.number }
    const footer = entries.footer(identity, facts, this.#xxh64)
    this.#push(region, {
      at: this.#shape.regionBytes - footer.length,
      bytes: footer,
      used: footer.length,
      frozen: true,
    })
    region.guard = facts.guard
    region.sealer = this.#epoch
    region.state = 'sealed'
    region.entries = undefined
    this.#open[region.lifetime] = undefined
  }

  sealAll(): void {
    for (const region of this.#open) if (region) this.seal(region)
  }

  /** What waits now, to be written. What is appended from here on goes elsewhere. */
  freeze(): Write[] {
    const writes: Write[] = []
    for (const region of this.#dirty) {
      let run: Chunk[] = []
      for (const chunk of region.chunks) {
        const last = run.at(-1)
        if (last !== undefined && last.at + last.used !== chunk.at) {
          writes.push({ region, at: (run[0] as Chunk).at, chunks: run })
          run = []
        }
        chunk.frozen = true
        run.push(chunk)
      }
      if (run.length > 0) writes.push({ region, at: (run[0] as Chunk).at, chunks: run })
    }
    return writes
  }

  /** These are in the file now. */
  written(writes: readonly Write[]): void {
    for (const { region, chunks } of writes) {
      const done = new Set(chunks)
      region.chunks = region.chunks.filter((chunk) => !done.has(chunk))
      for (const { used } of chunks) this.waiting -= used
      if (region.chunks.length === 0) this.#dirty.delete(region)
    }
  }

  #roomFor(bytes: number, sequence: number, lifetime: number, urgent: boolean): Region | undefined {
    const open = this.#open[lifetime]
    if (open?.entries !== undefined) {
      if (
        open.units * UNIT + bytes + open.entries.footerBytes(1) <= this.#shape.regionBytes &&
        open.entries.accepts(sequence)
      )
        return open
      // Sealed only when there is another one: until then it may take shorter records.
      if (this.#regions.free <= (urgent ? 0 : KEPT)) return undefined
      this.seal(open)
    }
    const region = this.#regions.take(this.#epoch, lifetime, urgent ? 0 : KEPT)
    if (region === undefined) return urgent ? this.#anyRoom(bytes, sequence) : undefined
    this.#open[lifetime] = region
    const identity = { store: this.#shape.store, partition: this.#shape.partition, region: region.number }
    const header = writeRegionHeader(
      identity,
      { life: region.life, lifetime, writer: this.#epoch, openedAt: this.#now() },
      this.#xxh64,
    )
    this.#push(region, { at: 0, bytes: header, used: REGION_HEADER, frozen: true })
    return region
  }

  #anyRoom(bytes: number, sequence: number): Region | undefined {
    return this.#open.find(
      (region) =>
        region?.entries?.accepts(sequence) &&
        region.units * UNIT + bytes + region.entries.footerBytes(1) <= this.#shape.regionBytes,
    )
  }

  #reserve(region: Region, bytes: number): Uint8Array {
    const offset = region.units * UNIT
    let chunk = region.chunks.at(-1)
    if (chunk === undefined || chunk.frozen || chunk.used + bytes > chunk.bytes.length) {
      chunk = { at: offset, bytes: new Uint8Array(Math.max(bytes, CHUNK)), used: 0, frozen: false }
      this.#push(region, chunk)
    }
    const target = chunk.bytes.subarray(chunk.used, chunk.used + bytes)
    chunk.used += bytes
    this.waiting += bytes
    return target
  }

  #push(region: Region, chunk: Chunk): void {
    region.chunks.push(chunk)
    this.waiting += chunk.used
    this.#dirty.add(region)
  }
}
