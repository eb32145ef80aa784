// Reads single records: from memory while they wait for the file, else from the file, so many at a time, and for a bounded time. Touches the file, reading.
import type { Appender } from './appender.js'
import type { Xxh64 } from './checksum.js'
import { Deadlines } from './deadlines.js'
import type { DiskFile } from './io.js'
import type { LogCounters } from './log-counters.js'
import { claimedBytes, type DiskRecord, readRecord, UNIT } from './record.js'
import type { Regions } from './regions.js'
import { type PartitionShape, regionsAt } from './shape.js'
import { Turns } from './turns.js'

const READS_ABREAST = 16
const READS_WAITING = 1024
/** A read that takes longer is a miss. In ms. */
const LONGEST_READ = 2000
/** Most that is read before the record's own length is known. */
const FIRST_READ = 2 ** 17

export interface ReaderParts {
  readonly file: DiskFile
  readonly shape: PartitionShape
  readonly xxh64: Xxh64
  readonly regions: Regions
  readonly appender: Appender
  readonly counters: LogCounters
}

export class RecordReader {
  readonly #parts: ReaderParts
  readonly #turns = new Turns(READS_ABREAST, READS_WAITING)
  readonly #deadlines = new Deadlines()

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  /** The record at a place, a copy of its own; undefined when it cannot be believed, 'failed' when it could not be read. `most`: its length at most. */
  async at(location: number, most: number): Promise<DiskRecord | undefined | 'failed'> {
    const { regions, appender, xxh64, shape } = this.#parts
    const region = regions.region(location)
    const { life } = region
    const offset = regions.offset(location)
    const waiting = appender.waitingBytes(region, offset)
    if (waiting !== undefined) {
      const record = readRecord(waiting, life, xxh64)
      return record && { ...record, key: record.key.slice(), value: record.value.slice() }
    }
    const start = regionsAt(shape) + region.number * shape.regionBytes + offset
    const bytes = await this.#read(start, most, region.units * UNIT - offset)
    return bytes === undefined ? 'failed' : readRecord(bytes, life, xxh64)
  }

  /** Undefined, and counted why, when they could not be read. */
  async #read(start: number, most: number, room: number): Promise<Uint8Array | undefined> {
    const { file, counters } = this.#parts
    let told = false
    const reading = this.#turns.run(async () => {
      try {
        const bytes = await readBytes(file, start, Math.min(most, room, FIRST_READ))
        // The longest are known by no class: how long they are stands at their beginning.
        const length = Math.min(claimedBytes(bytes), room)
        return length <= bytes.length ? bytes : await readBytes(file, start, length)
      } catch {
        counters.readErrors++
        told = true
        return undefined
      }
    })
    const bytes = await this.#deadlines.within(reading, LONGEST_READ, () => {
      counters.readsLate++
      told = true
      return undefined
    })
    if (bytes === undefined && !told) counters.readsRefused++
    return bytes
  }
}

async function readBytes(file: DiskFile, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  return bytes.subarray(0, await file.read(bytes, position))
}
