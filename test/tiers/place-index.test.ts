// The index of the disk tier against a Map, and its bound of 12 bytes a key.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lengthClass, PlaceIndex } from '../../src/tiers/disk/place-index.js'

/** Few distinct keys that share tables and homes. */
const hash = fc.record({ high: fc.constantFrom(0, 2 ** 31, 2 ** 32 - 1), low: fc.nat(60).map((n) => n * 400_009) })
const step = fc.oneof(
  fc.record({ op: fc.constant('put' as const), hash, location: fc.integer({ min: 1, max: 2 ** 32 - 1 }) }),
  fc.record({ op: fc.constant('remove' as const), hash }),
  fc.record({ op: fc.constant('kill' as const), hash }),
  fc.record({ op: fc.constant('use' as const), hash }),
)

describe('PlaceIndex', () => {
  test('is a map of hashes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.constantFrom(0, 1, 6), (steps, spread) => {
        const index = new PlaceIndex(spread)
        const model = new Map<string, { location: number; dead: boolean; frequency: number }>()
        for (const step of steps) {
          const name = `${spread === 0 ? 0 : step.hash.high >>> (32 - spread)}:${step.hash.low & 0xffffff}`
          const known = model.get(name)
          expect(index.find(step.hash)).toBe(known !== undefined)
          if (step.op === 'put') {
            index.put(step.hash, step.location, 100, false)
            model.set(name, { location: step.location, dead: false, frequency: 0 })
          } else if (known !== undefined) {
            if (step.op === 'remove') {
              index.remove()
              model.delete(name)
            } else if (step.op === 'kill') {
              index.kill()
              known.dead = true
              known.frequency = 1
            } else {
              index.use()
              if (!known.dead) known.frequency = Math.min(3, known.frequency + 1)
            }
          }
          expect(index.count).toBe(model.size)
          const after = model.get(name)
          expect(index.find(step.hash)).toBe(after !== undefined)
          if (after) expect(after).toEqual({ location: index.location, dead: index.dead, frequency: index.frequency })
        }
        expect([...index.locations()].sort()).toEqual([...model.values()].map(({ location }) => location).sort())
      }),
    )
  })

  test('takes at most 12 bytes a key, while it fills and while it empties', () => {
    const index = new PlaceIndex(4)
    const hashes = Array.from({ length: 60_000 }, (_, n) => ({
      high: Math.imul(n + 1, 0x9e3779b1) >>> 0,
      low: Math.imul(n + 7, 0x85ebca6b) >>> 0,
    }))
    const bound = () => index.bytes - 16 * 16 * 8
    for (const [n, one] of hashes.entries()) {
      index.put(one, n + 1, 100, false)
      if (n % 1000 === 999) expect(bound() / index.count).toBeLessThanOrEqual(12.2)
    }
    expect(index.count).toBeGreaterThan(59_900)
    for (const [n, one] of hashes.entries()) {
      if (index.find(one)) index.remove()
      if (n % 1000 === 999 && index.count > 10_000) expect(bound() / index.count).toBeLessThanOrEqual(12.2)
    }
    expect(index.count).toBe(0)
  })

  test('length classes never tell less than the length', () => {
    for (let bytes = 1; bytes < 3_000_000; bytes += bytes < 600 ? 1 : 1 + (bytes >> 6)) {
      const index = new PlaceIndex(0)
      index.put({ high: 1, low: 1 }, 1, bytes, false)
      expect(index.most).toBeGreaterThanOrEqual(bytes)
      if (bytes >= 64 && lengthClass(bytes) < 31) expect(index.most).toBeLessThan(bytes * 1.45 + 1)
    }
  })
})
