// Key bytes and hashes, against vectors that the Rust suite checks as well (test/fixtures/hash-vectors.json).

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashKeys } from '../../src/engine/create.js'
import { fastrange, fingerprint, fmix32, secondBucket } from '../../src/engine/js/hash.js'
import { decodeKey, Key } from '../../src/engine/js/keys.js'

interface Vector {
  seedLow: number
  seedHigh: number
  keyHex: string
  h: number
  tag: number
}

const vectors: Vector[] = JSON.parse(readFileSync(new URL('../fixtures/hash-vectors.json', import.meta.url), 'utf8'))

const keyOf = (seedLow: number, seedHigh: number) =>
  new Key(new Int32Array(hashKeys(seedLow, seedHigh)), seedLow | 0, seedHigh | 0)

const MASK = (1n << 64n) - 1n

/** XXH64 by the letter of its description, slowly: the oracle of the wasm one. */
function xxh64(bytes: Uint8Array, seed: bigint): bigint {
  const [p1, p2, p3, p4, p5] = [
    0x9e3779b185ebca87n,
    0xc2b2ae3d27d4eb4fn,
    0x165667b19e3779f9n,
    0x85ebca77c2b2ae63n,
    0x27d4eb2f165667c5n,
  ]
  const rotl = (x: bigint, r: bigint) => ((x << r) | (x >> (64n - r))) & MASK
  const read = (at: number, size: number) =>
    bytes.subarray(at, at + size).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  const round = (acc: bigint, input: bigint) => (rotl((acc + input * p2) & MASK, 31n) * p1) & MASK
  let at = 0
  let hash = (seed + p5) & MASK
  if (bytes.length >= 32) {
    const lanes = [seed + p1 + p2, seed + p2, seed, seed - p1].map((lane) => lane & MASK)
    for (; at + 32 <= bytes.length; at += 32) {
      for (let lane = 0; lane < 4; lane++) lanes[lane] = round(lanes[lane], read(at + 8 * lane, 8))
    }
    hash = [1n, 7n, 12n, 18n].reduce((sum, by, lane) => (sum + rotl(lanes[lane], by)) & MASK, 0n)
    for (const lane of lanes) hash = ((hash ^ round(0n, lane)) * p1 + p4) & MASK
  }
  hash = (hash + BigInt(bytes.length)) & MASK
  for (; at + 8 <= bytes.length; at += 8) hash = (rotl(hash ^ round(0n, read(at, 8)), 27n) * p1 + p4) & MASK
  if (at + 4 <= bytes.length) {
    hash = (rotl(hash ^ ((read(at, 4) * p1) & MASK), 23n) * p2 + p3) & MASK
    at += 4
  }
  for (; at < bytes.length; at++) hash = (rotl(hash ^ ((BigInt(bytes[at]) * p5) & MASK), 11n) * p1) & MASK
  hash = ((hash ^ (hash >> 33n)) * p2) & MASK
  hash = ((hash ^ (hash >> 29n)) * p3) & MASK
  return hash ^ (hash >> 32n)
}

describe('hash', () => {
  it('gives the known answers', () => {
    expect(vectors.length).toBeGreaterThan(50)
    for (const { seedLow, seedHigh, keyHex, h, tag } of vectors) {
      const key = keyOf(seedLow, seedHigh)
      const bytes = Buffer.from(keyHex, 'hex')
      key.load(bytes, 0, bytes.length)
      expect([keyHex, key.h >>> 0, key.tag]).toEqual([keyHex, h, tag])
    }
  })

  it('is the same from a string as from its bytes', () => {
    const key = keyOf(1, 2)
    const again = keyOf(1, 2)
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 100 }), (text) => {
        if (!key.set(text)) throw new Error('refused')
        again.load(key.bytes, 0, key.length)
        expect([again.h, again.tag]).toEqual([key.h, key.tag])
        expect(decodeKey(key.buffer, 0, key.length)).toBe(text)
      }),
    )
  })

  it('is XXH64 beyond 64 bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 65, maxLength: 300 }), fc.bigInt(0n, MASK), (bytes, seed) => {
        const key = keyOf(Number(seed & 0xffffffffn), Number(seed >> 32n))
        key.load(bytes, 0, bytes.length)
        const wide = xxh64(bytes, seed)
        expect([key.h, key.tag]).toEqual([fmix32(Number(wide & 0xffffffffn) | 0), Number(wide >> 48n)])
      }),
    )
  })

  it('maps to buckets exactly, the second never the first', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), fc.integer({ min: 2, max: 2 ** 28 }), fc.nat(65_535), (h, n, tag) => {
        expect(fastrange(h | 0, n)).toBe(Number((BigInt(h) * BigInt(n)) >> 32n))
        const first = fastrange(h, n)
        const second = secondBucket(h | 0, tag, n, first)
        expect(second).not.toBe(first)
        expect(second).toBeLessThan(n)
        expect(second).toBeGreaterThanOrEqual(0)
        expect(fingerprint(h | 0, tag)).toBeGreaterThan(0)
      }),
    )
  })

  it('spreads keys made to collide under another seed', () => {
    // Keys that share bucket and tag under one seed, found by search, must not do so under the next.
    const key = keyOf(7, 7)
    const groups = new Map<string, string[]>()
    for (let i = 0; i < 60_000; i++) {
      key.set(`k${i}`)
      const name = `${fastrange(key.h, 64)}:${key.tag & 255}`
      groups.set(name, [...(groups.get(name) ?? []), `k${i}`])
    }
    const worst = [...groups.values()].sort((a, b) => b.length - a.length)[0]
    const other = keyOf(8, 9)
    const places = worst.map((text) => {
      other.set(text)
      return `${fastrange(other.h, 64)}:${other.tag & 255}`
    })
    expect(new Set(places).size).toBeGreaterThanOrEqual(worst.length - 1)
  })
})

describe('keys', () => {
  it('that differ never have the same bytes, lone surrogates included', () => {
    const bytesOfKey = (text: string) => {
      const key = keyOf(1, 1)
      key.set(text)
      return Buffer.from(key.bytes.slice(0, key.length)).toString('hex')
    }
    const texts = ['k\u0000', 'k\u0100', '\ud800', '\udfff', '\ufffd', '\ud83d\ude00', '\ud83d', '\ude00', 'a\ud800b']
    expect(new Set(texts.map(bytesOfKey)).size).toBe(texts.length)
    expect(bytesOfKey('\ud83d\ude00')).toBe('f09f9880')
  })

  it('are refused when empty or longer than 65,535 bytes', () => {
    const key = keyOf(1, 1)
    expect(key.set('')).toBe(false)
    expect(key.set('x'.repeat(65_535))).toBe(true)
    expect(key.set('x'.repeat(65_536))).toBe(false)
    expect(key.set('\u00e9'.repeat(32_767))).toBe(true)
    expect(key.set('\u00e9'.repeat(32_768))).toBe(false)
    expect(key.set('\ud800'.repeat(21_846))).toBe(false)
  })
})
