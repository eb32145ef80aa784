// Every structure of the files, from bytes that are anything: noise, ours with some bytes changed, ours cut. Reading never throws, never takes memory by a length it
// has read, and believes only what is exactly as it was written.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeHeader, encodeHeader, headerBytes, type PartitionHeader } from '../../src/tiers/disk/partition-header.js'
import {
  type DiskRecord,
  plain,
  readRecord,
  recordBytes,
  tombstoneRecord,
  valueRecord,
  writeRecord,
} from '../../src/tiers/disk/record.js'
import { EntryList, readFooter, readRegionHeader, writeRegionHeader } from '../../src/tiers/disk/region-format.js'
import { shapeFor } from '../../src/tiers/disk/shape.js'
import { decodeStoreFile, newStore, writeStoreFile } from '../../src/tiers/disk/store-file.js'
import { scanRecords } from '../../src/tiers/disk/survey.js'
import { decodeCheckpoint, encodeCheckpoint } from '../../src/tiers/disk/tag-table.js'
import { smallShape, xxh64 } from './partitions.js'
import { SimulatedDisk } from './simulated-disk.js'

const identity = { store: 5n, partition: 1, region: 2 }
const LIFE = 4_294_967_299

const time = fc.oneof(fc.constant(Infinity), fc.double({ noNaN: true }))
const record: fc.Arbitrary<DiskRecord> = fc
  .record({
    key: fc.uint8Array({ maxLength: 50 }),
    value: fc.uint8Array({ maxLength: 300 }),
    kind: fc.nat(255),
    codec: fc.nat(255),
    rawLength: fc.nat(),
    expiry: time,
    soft: time,
    tags: fc.array(fc.nat(65_535), { maxLength: 20 }),
    stamp: fc.maxSafeNat(),
  })
  .map((entry) => valueRecord({ high: 1, low: 2 ** 32 - 1 }, 2 ** 40 + 7, entry.kind > 100, entry))

function written(one: DiskRecord): Uint8Array {
  const bytes = new Uint8Array(recordBytes(one)).fill(255)
  writeRecord(bytes, one, LIFE, xxh64)
  return bytes
}

/** What a disk may make of some bytes; never those bytes themselves. */
const damage = fc.oneof(
  fc.record({ how: fc.constant('flip' as const), at: fc.nat(), bits: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ how: fc.constant('cut' as const), at: fc.nat() }),
  fc.record({ how: fc.constant('noise' as const), noise: fc.uint8Array({ minLength: 1, maxLength: 400 }) }),
)

type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never

function damaged(bytes: Uint8Array, what: Damage): Uint8Array {
  if (what.how === 'noise') return what.noise
  const at = what.at % bytes.length
  if (what.how === 'cut') return bytes.slice(0, at)
  return bytes.map((byte, index) => (index === at ? byte ^ what.bits : byte))
}

/** Damage to what no checksum covers (padding) changes nothing. */
function refuses<T>(bytes: Uint8Array, original: T, read: (bytes: Uint8Array) => T | undefined, runs = 150): void {
  fc.assert(
    fc.property(damage, (what) => {
      const found = read(damaged(bytes, what))
      if (found !== undefined) expect(found).toEqual(original)
    }),
    { numRuns: runs },
  )
}

describe('what is read back', () => {
  test('records', () => {
    fc.assert(
      fc.property(record, damage, (one, what) => {
        const bytes = written(one)
        // Without a codec its length before compression does not exist, and without tags the stamp does not.
        const kept = {
          ...one,
          rawLength: one.codec === 0 ? 0 : one.rawLength,
          stamp: one.tags.length === 0 ? 0 : one.stamp,
        }
        expect(readRecord(bytes, LIFE, xxh64)).toEqual(kept)
        expect(readRecord(bytes, LIFE + 1, xxh64)).toBeUndefined()
        const found = readRecord(damaged(bytes, what), LIFE, xxh64)
        if (found !== undefined) expect(found).toEqual(kept)
      }),
      { numRuns: 400 },
    )
  })

  test('regions full of records, damaged ones and noise', () => {
    const part = fc.oneof(
      record.map(written),
      fc.uint8Array({ maxLength: 64 }),
      fc.tuple(record, damage).map(([one, what]) => damaged(written(one), what)),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
        const bytes = new Uint8Array(64 + parts.reduce((sum, { length }) => sum + Math.ceil(length / 16) * 16, 0))
        let at = 64
        for (const one of parts) {
          bytes.set(one, at)
          at += Math.ceil(one.length / 16) * 16
        }
        const { entries, units } = scanRecords(bytes, LIFE, xxh64)
        expect(entries.length).toBeLessThanOrEqual(parts.length)
        expect(units * 16).toBeLessThanOrEqual(bytes.length)
      }),
      { numRuns: 60 },
    )
  })

  test('headers of regions', () => {
    const header = { life: LIFE, lifetime: 2, writer: 1, openedAt: 1e12 }
    const bytes = writeRegionHeader(identity, header, xxh64)
    const read = (from: Uint8Array) => {
      const found = readRegionHeader(identity, from, xxh64)
      return found === 'damaged' || found.life === 0 ? undefined : found
    }
    expect(read(bytes)).toEqual(header)
    expect(readRegionHeader({ ...identity, region: 3 }, bytes, xxh64)).toBe('damaged')
    refuses(bytes, header, read)
  })

  test('footers', () => {
    const list = new EntryList()
    for (let n = 0; n < 20; n++) {
      const { hash, sequence } = tombstoneRecord({ high: n, low: n * 3 }, (1 + (n % 3)) * 2 ** 32 + n, 1)
      list.add(n % 2 === 0 ? 1 : 2, hash, sequence, n % 5 === 0, 4 + 3 * n)
    }
    const facts = { life: LIFE, writer: 1, units: 64, deadBy: Infinity, sealedAt: 1e12, guard: LIFE }
    const read = (from: Uint8Array) => {
      const footer = readFooter(identity, from, xxh64)
      if (footer === undefined) return undefined
      const { entries, ...rest } = footer
      return { ...rest, entries: Array.from({ length: entries.length }, (_, index) => entries.at(index)) }
    }
    const bytes = list.footer(identity, facts, xxh64)
    const whole = read(bytes)
    expect(whole).toMatchObject(facts)
    expect(whole?.entries).toHaveLength(20)
    expect(whole?.entries[19]).toEqual({
      type: 2,
      hash: { high: 19, low: 57 },
      sequence: 2 * 2 ** 32 + 19,
      shadows: false,
      unit: 61,
      bytes: 48,
    })
    refuses(bytes, whole, read, 400)
  })

  test('headers of partitions, generations of tags, store files', async () => {
    const header: PartitionHeader = {
      partition: 0,
      number: 3,
      epoch: 9,
      floor: 2 ** 40,
      expiringFloor: 4,
      clean: true,
      synced: false,
      boot: 'b',
      wall: 1e12,
      uptime: 5,
      regions: Array.from({ length: smallShape.regions }, (_, n) => ({ life: LIFE + n, units: n, sealer: 9 })),
    }
    const bytes = encodeHeader(smallShape, header, xxh64)
    expect(bytes.length).toBe(headerBytes(smallShape.regions))
    expect(decodeHeader(smallShape, bytes, xxh64)).toEqual(header)
    refuses(bytes, header, (from) => decodeHeader(smallShape, from, xxh64))

    const checkpoint = { epoch: 2, number: 1, generations: Float64Array.from({ length: 64 }, (_, n) => n * 1e9) }
    const table = encodeCheckpoint(checkpoint, 3n, xxh64)
    expect(decodeCheckpoint(64, table, 3n, xxh64)).toEqual(checkpoint)
    refuses(table, checkpoint, (from) => decodeCheckpoint(64, from, 3n, xxh64))

    const disk = new SimulatedDisk()
    const facts = newStore(shapeFor(2 ** 30), 1e12)
    await writeStoreFile(disk.process(), '/disk', facts, xxh64)
    const file = disk.files.get('/disk/ostraka.store')?.bytes as Uint8Array
    expect(decodeStoreFile(file, xxh64)).toEqual(facts)
    refuses(file, facts, (from) => {
      const found = decodeStoreFile(from, xxh64)
      return typeof found === 'string' ? undefined : found
    })
  })

  test('an empty record is the smallest', () => {
    expect(recordBytes(valueRecord({ high: 0, low: 0 }, 1, false, plain))).toBe(48)
  })
})
