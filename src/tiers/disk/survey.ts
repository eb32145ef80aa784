// What a partition's file holds when an owner takes it over: which regions are believed, by their headers and the partition's, and what lies in them, by
// their footers or, where one was never finished or is damaged, by their records. Reads the file; changes nothing.
import type { Xxh64 } from './checksum.js'
import type { DiskFile } from './io.js'
import type { PartitionHeader } from './partition-header.js'
import { claimedBytes, epochOf, RecordType, readRecord, UNIT } from './record.js'
import {
  claimedFooterBytes,
  claimedLife,
  ENTRY_BYTES,
  type Footer,
  type FooterEntry,
  REGION_HEADER,
  type RegionIdentity,
  readFooter,
  readRegionHeader,
  TRAILER,
} from './region-format.js'
import { type PartitionShape, regionsAt } from './shape.js'

/** What cannot be explained by a crash: a record may be lost whose loss would bring back what is gone. The partition starts cold. */
export class DamagedError extends Error {}

export interface FoundRegion {
  readonly region: number
  readonly life: number
  readonly lifetime: number
  /** Whether it seems to have a footer. */
  readonly finished: boolean
  /** Its records end here at the latest; `ended`: exactly here. */
  readonly mostUnits: number
  readonly ended: boolean
  /** Footers of earlier writers are not believed. */
  readonly sealer: number
  /** About so many entries its footer has. */
  readonly entries: number
}

export interface Survey {
  readonly found: readonly FoundRegion[]
  /** The latest time at which a region was opened. */
  readonly latest: number
}

/** So many reads at once. */
const ABREAST = 16

export class Surveyor {
  readonly #file: DiskFile
  readonly #shape: PartitionShape
  readonly #xxh64: Xxh64

  constructor(file: DiskFile, shape: PartitionShape, xxh64: Xxh64) {
    this.#file = file
    this.#shape = shape
    this.#xxh64 = xxh64
  }

  /** Looks at the ends of every region. Throws {@link DamagedError}. */
  async regions(header: PartitionHeader): Promise<Survey> {
    const found: FoundRegion[] = []
    let latest = 0
    for (let first = 0; first < this.#shape.regions; first += ABREAST) {
      const numbers = Array.from({ length: Math.min(ABREAST, this.#shape.regions - first) }, (_, n) => first + n)
      for (const one of await Promise.all(numbers.map((number) => this.#ends(number, header)))) {
        if (one === undefined) continue
        latest = Math.max(latest, one.openedAt)
        found.push(one)
      }
    }
    return { found, latest }
  }

  async #ends(region: number, header: PartitionHeader): Promise<(FoundRegion & { openedAt: number }) | undefined> {
    const head = await this.#readAt(region, 0, REGION_HEADER)
    const said = readRegionHeader(this.#identity(region), head, this.#xxh64)
    const row = header.regions[region]
    if (said === 'damaged') throw new DamagedError(`the header of region ${region} is damaged`)
    if (said.life === 0) {
      const emptied = said.writer >= header.epoch && !header.clean
      if (row !== undefined && row.life !== 0 && !emptied) throw new DamagedError(`region ${region} is lost`)
      return undefined
    }
    if (epochOf(said.life) !== header.epoch && row?.life !== said.life) {
      // Its last owner has left nothing there that is not listed: whatever it has written there itself is gone.
      throw new DamagedError(`a former owner has written late to region ${region}`)
    }
    const listed = row?.life === said.life
    const trailer = await this.#readAt(region, this.#shape.regionBytes - TRAILER, TRAILER)
    const footer =
      claimedLife(trailer) === said.life ? claimedFooterBytes(trailer, this.#shape.regionBytes - REGION_HEADER) : 0
    return {
      region,
      life: said.life,
      lifetime: said.lifetime,
      openedAt: said.openedAt,
      finished: footer > 0,
      entries: Math.floor(Math.max(0, footer - TRAILER) / ENTRY_BYTES),
      mostUnits: listed && row ? row.units : this.#shape.regionBytes / UNIT,
      ended: listed && row !== undefined && row.units < this.#shape.regionBytes / UNIT,
      sealer: listed && row ? row.sealer : 0,
    }
  }

  /** Undefined when it is damaged, of another life, or not to be believed. */
  async footer(found: Pick<FoundRegion, 'region' | 'life' | 'sealer'>): Promise<Footer | undefined> {
    const { regionBytes } = this.#shape
    const trailer = await this.#readAt(found.region, regionBytes - TRAILER, TRAILER)
    const length = claimedFooterBytes(trailer, regionBytes - REGION_HEADER)
    if (length === 0) return undefined
    const bytes = await this.#readAt(found.region, regionBytes - length, length)
    const footer = readFooter(this.#identity(found.region), bytes, this.#xxh64)
    return footer !== undefined && footer.life === found.life && footer.writer >= found.sealer ? footer : undefined
  }

  /** The whole region. */
  bytes(region: number): Promise<Uint8Array> {
    return this.#readAt(region, 0, this.#shape.regionBytes)
  }

  /** What a region's records themselves tell. */
  async scan(found: Pick<FoundRegion, 'region' | 'life' | 'mostUnits'>): Promise<Scan> {
    const bytes = await this.bytes(found.region)
    return scanRecords(bytes.subarray(0, found.mostUnits * UNIT), found.life, this.#xxh64)
  }

  #identity(region: number): RegionIdentity {
    return { store: this.#shape.store, partition: this.#shape.partition, region }
  }

  async #readAt(region: number, offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    const start = regionsAt(this.#shape) + region * this.#shape.regionBytes
    return bytes.subarray(0, await this.#file.read(bytes, start + offset))
  }
}

/** What a record tells beside its entry. */
export interface ScannedEntry extends FooterEntry {
  readonly expiry: number
  readonly codec: number
  readonly tags: readonly number[]
}

export interface Scan {
  readonly entries: readonly ScannedEntry[]
  /** Where the last record ends, in units. */
  readonly units: number
  /** Something between records is no record: not what a crash leaves as long as the machine runs. */
  readonly gap: boolean
}

/** Every record of this life in the bytes of a region, also behind damaged ones. */
export function scanRecords(bytes: Uint8Array, life: number, xxh64: Xxh64): Scan {
  const entries: ScannedEntry[] = []
  let at = REGION_HEADER
  let end = at
  let gap = false
  while (at + UNIT <= bytes.length) {
    const rest = bytes.subarray(at)
    const record = readRecord(rest, life, xxh64)
    if (record === undefined) {
      at += UNIT
      continue
    }
    if (at !== end) gap = true
    const length = claimedBytes(rest)
    entries.push({
      type: record.type,
      hash: record.hash,
      sequence: record.sequence,
      shadows: record.shadows,
      unit: at / UNIT,
      bytes: length,
      expiry: record.expiry,
      codec: record.codec,
      tags: record.type === RecordType.tags ? [...record.tags] : [],
    })
    at += length
    end = at
  }
  return { entries, units: end / UNIT, gap }
}
