// Compression: both ways against another implementation of the format, and a decoder that no input misleads.
import fc from 'fast-check'
import { compress as otherCompress, decompress as otherDecompress } from 'lz4-wasm-nodejs'
import { describe, expect, test } from 'vitest'
import { Codec, compress, decompress } from '../../src/tiers/compression/compression.js'
import { compressBlock, decompressBlock, worstCase } from '../../src/tiers/compression/lz4.js'
import { hasZstd } from '../../src/tiers/compression/zstd.js'

/** Bytes that repeat themselves near and far, in runs and hardly at all. */
const bytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat(300)).map(([some, times]) => repeat(some, times)),
      fc.constant(Buffer.from('{"id":17,"name":"Ada Lovelace","tags":["a","b"]}')),
      fc.nat(70_000).map((length) => new Uint8Array(length)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Uint8Array.from(Buffer.concat(parts)))

function repeat(some: Uint8Array, times: number): Uint8Array {
  return Uint8Array.from({ length: some.length * times }, (_, n) => some[n % some.length] as number)
}

function block(raw: Uint8Array): Uint8Array {
  const target = new Uint8Array(worstCase(raw.length))
  const length = compressBlock(raw, target)
  expect(length).toBeGreaterThan(0)
  return target.subarray(0, length)
}

describe('LZ4 blocks', () => {
  test('come back as they went in, by our decoder and by the other one', () => {
    fc.assert(
      fc.property(bytes, (raw) => {
        const packed = block(raw)
        const target = new Uint8Array(raw.length)
        expect(decompressBlock(packed, target)).toBe(true)
        expect(Buffer.compare(target, raw)).toBe(0)
        const prefixed = new Uint8Array(4 + packed.length)
        new DataView(prefixed.buffer).setUint32(0, raw.length, true)
        prefixed.set(packed, 4)
        expect(Buffer.compare(otherDecompress(prefixed), raw)).toBe(0)
      }),
      { numRuns: 150 },
    )
  })

  test('of the other encoder are decoded', () => {
    fc.assert(
      fc.property(bytes, (raw) => {
        const target = new Uint8Array(raw.length)
        expect(decompressBlock(otherCompress(raw).subarray(4), target)).toBe(true)
        expect(Buffer.compare(target, raw)).toBe(0)
      }),
      { numRuns: 100 },
    )
  })

  test('that are anything else are refused, and nothing outside the target is touched', () => {
    fc.assert(
      fc.property(bytes, fc.uint8Array({ minLength: 1, maxLength: 8 }), fc.nat(), fc.nat(2), (raw, noise, at, how) => {
        const packed = Uint8Array.from(block(raw))
        const broken =
          how === 0
            ? packed.subarray(0, at % packed.length)
            : how === 1
              ? noise
              : packed.map((byte, index) => (index === at % packed.length ? byte ^ (noise[0] as number) : byte))
        const around = new Uint8Array(raw.length + 64).fill(7)
        const target = around.subarray(32, 32 + raw.length)
        const decoded = decompressBlock(broken, target)
        if (how === 0) expect(decoded).toBe(false)
        expect([...around.subarray(0, 32), ...around.subarray(32 + raw.length)].every((byte) => byte === 7)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('offset 0, which would repeat what is not there, is refused', () => {
    expect(decompressBlock(Uint8Array.of(0x10, 65, 0, 0, 0x50, 1, 2, 3, 4, 5), new Uint8Array(10))).toBe(false)
    expect(decompressBlock(Uint8Array.of(0x10, 65, 2, 0, 0x50, 1, 2, 3, 4, 5), new Uint8Array(10))).toBe(false)
    expect(decompressBlock(new Uint8Array(0), new Uint8Array(0))).toBe(false)
  })
})

describe('values', () => {
  const rows = Array.from({ length: 40 }, (_, id) => ({
    id,
    name: `user ${id}`,
    email: `user${id}@example.org`,
    on: true,
  }))
  const json = Buffer.from(JSON.stringify(rows))

  test.each([false, true])('that gain are compressed (thorough: %s)', (thorough) => {
    const packed = compress(json, thorough)
    expect(packed.codec).toBe(thorough && hasZstd ? Codec.zstd : Codec.lz4)
    expect(packed.bytes.length).toBeLessThan(json.length / 3)
    expect(Buffer.from(decompress(packed) ?? []).equals(json)).toBe(true)
  })

  test('that do not are left alone', () => {
    const noise = Uint8Array.from({ length: 5000 }, (_, n) => Math.imul(n + 1, 0x9e3779b1) >>> 21)
    const random = Uint8Array.from({ length: 5000 }, () => Math.random() * 256)
    for (const bytes of [new Uint8Array(0), json.subarray(0, 100), random]) {
      expect(compress(bytes)).toEqual({ codec: Codec.none, rawLength: 0, bytes })
    }
    expect(decompress(compress(noise))).toEqual(noise)
  })

  test('whose length is a lie take no memory', () => {
    const { bytes } = compress(json)
    for (const rawLength of [-1, 2 ** 40, 0.5, Number.NaN, 64 * 2 ** 20, json.length + 1]) {
      expect(decompress({ codec: Codec.lz4, rawLength, bytes })).toBeUndefined()
      expect(decompress({ codec: Codec.zstd, rawLength, bytes })).toBeUndefined()
    }
    expect(decompress({ codec: 9, rawLength: 10, bytes })).toBeUndefined()
  })
})
