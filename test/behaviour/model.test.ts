// Long random histories against a Map and a clock. What the cache may do that the model does not (evict) is off in the first test and
// bounded in the second, where the model learns of it: an entry may go, but no answer may ever be a wrong one.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Cache } from '../../src/cache/cache.js'
import { difference } from '../values/equality.js'
import { suite } from './suite.js'

interface Entry {
  value: unknown
  expires: number
  idle: number
  used: number
}

/** What a cache that never evicts would do. */
class Model {
  now = 0
  readonly entries = new Map<string, Entry>()

  live(key: string, use: boolean): Entry | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined) return undefined
    if (this.now >= entry.expires || this.now - entry.used >= entry.idle) {
      this.entries.delete(key)
      return undefined
    }
    if (use) entry.used = this.now
    return entry
  }

  write(key: string, value: unknown, ttl: number | undefined, idle: number | undefined): boolean {
    this.entries.delete(key)
    if (ttl === 0) return false
    this.entries.set(key, { value, expires: this.now + (ttl ?? Infinity), idle: idle ?? Infinity, used: this.now })
    return true
  }

  liveKeys(): string[] {
    return [...this.entries.keys()].filter((key) => this.live(key, false)).sort()
  }
}

type Operation =
  | { kind: 'set' | 'add'; key: string; value: unknown; ttl: number | undefined; idle: number | undefined }
  | { kind: 'update'; key: string; value: unknown; ttl: number | undefined }
  | { kind: 'increment'; key: string; by: number; ttl: number | undefined }
  | { kind: 'touch'; key: string; ttl: number | undefined }
  | { kind: 'get' | 'peek' | 'has' | 'delete' | 'take' | 'expiresIn' | 'inspect'; key: string }
  | { kind: 'getMany'; keys: string[] }
  | { kind: 'clear' | 'size' | 'scan' }
  | { kind: 'advance'; by: number }

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'd', 'user:1', 'user:2', 'é', '\ud800', '\udc00', 'k'.repeat(70)),
  fc.integer({ min: 0, max: 12 }).map((n) => `n${n}`),
)
const value = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.integer(),
  fc.constantFrom(null, true, -0, Number.NaN, 5n ** 40n, '\udfff', 'x'.repeat(600), 'y'.repeat(5000)),
  fc.constantFrom(
    { a: 1 },
    [1, [2]],
    new Map([[1, { b: 2 }]]),
    Buffer.from('bytes'),
    new Date(5),
    Buffer.alloc(9000, 3),
  ),
)
const ttl = fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.constantFrom(0, 1, 5, 20, 100, 1000))
const idle = fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, fc.constantFrom(1, 10, 50))

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('set' as const, 'add' as const), key, value, ttl, idle }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('update' as const), key, value, ttl }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('increment' as const), key, by: fc.integer({ min: -5, max: 5 }), ttl }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('touch' as const), key, ttl }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('get', 'get', 'peek', 'has', 'delete', 'take', 'expiresIn', 'inspect'),
      key,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('getMany' as const), keys: fc.array(key, { maxLength: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('size' as const, 'scan' as const, 'clear' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance' as const), by: fc.constantFrom(1, 3, 7, 30, 200) }) },
)

/** Runs one operation on both and compares; `evicts` lets the cache have lost entries, which the model then forgets. */
function step(cache: Cache, model: Model, operation: Operation, evicts: boolean): void {
  if (evicts && 'key' in operation && !cache.has(operation.key)) model.entries.delete(operation.key)
  switch (operation.kind) {
    case 'set':
    case 'add': {
      const { key: name, value: content, ttl: lifetime, idle: rest } = operation
      const options = { ttl: lifetime, idle: rest }
      if (operation.kind === 'set') {
        expect(cache.set(name, content, options)).toBe(model.write(name, content, lifetime, rest))
      } else {
        const wanted = model.live(name, false) === undefined
        expect(cache.add(name, content, options)).toBe(wanted && lifetime !== 0)
        if (wanted && lifetime !== 0) model.write(name, content, lifetime, rest)
      }
      return
    }
    case 'update': {
      const before = model.live(operation.key, true)?.value
      const done = cache.update(
        operation.key,
        (old) => {
          expect(difference(before, old)).toBeUndefined()
          return operation.value
        },
        { ttl: operation.ttl },
      )
      expect(done).toBe(model.write(operation.key, operation.value, operation.ttl, undefined))
      return
    }
    case 'increment':
      increment(cache, model, operation)
      return
    case 'touch': {
      const entry = model.live(operation.key, true)
      expect(cache.touch(operation.key, { ttl: operation.ttl })).toBe(entry !== undefined)
      if (entry) model.write(operation.key, entry.value, operation.ttl, undefined)
      return
    }
    case 'get':
    case 'peek': {
      const found = operation.kind === 'get' ? cache.get(operation.key) : cache.peek(operation.key)
      const entry = model.live(operation.key, operation.kind === 'get')
      expect(difference(entry?.value, found)).toBeUndefined()
      return
    }
    case 'has':
      expect(cache.has(operation.key)).toBe(model.live(operation.key, false) !== undefined)
      return
    case 'inspect':
      expect(cache.inspect(operation.key) !== undefined).toBe(model.live(operation.key, false) !== undefined)
      return
    case 'delete':
      expect(cache.delete(operation.key)).toBe(model.live(operation.key, false) !== undefined)
      model.entries.delete(operation.key)
      return
    case 'take':
      expect(difference(model.live(operation.key, false)?.value, cache.take(operation.key))).toBeUndefined()
      model.entries.delete(operation.key)
      return
    case 'expiresIn': {
      const entry = model.live(operation.key, false)
      const left = cache.expiresIn(operation.key)
      if (entry === undefined || entry.idle === Infinity) expect(left).toBe(entry && entry.expires - model.now)
      return
    }
    case 'getMany': {
      if (evicts) for (const name of operation.keys) if (!cache.has(name)) model.entries.delete(name)
      const found = cache.getMany(operation.keys)
      const wanted = operation.keys.map((name) => model.live(name, true)?.value)
      for (const [index, one] of wanted.entries()) expect(difference(one, found[index])).toBeUndefined()
      return
    }
    case 'clear':
      cache.clear()
      model.entries.clear()
      return
    case 'scan':
    case 'size': {
      const keys = [...cache.scan()].sort()
      const wanted = model.liveKeys()
      if (evicts) expect(wanted).toEqual(expect.arrayContaining(keys))
      else expect(keys).toEqual(wanted)
      // Expired entries count until somebody meets them.
      expect(cache.size).toBeGreaterThanOrEqual(keys.length)
      return
    }
    case 'advance':
      cache.advance(operation.by)
      model.now += operation.by
  }
}

function increment(cache: Cache, model: Model, operation: Operation & { kind: 'increment' }): void {
  const { key: name, by, ttl: lifetime } = operation
  const entry = model.live(name, false)
  if (lifetime === 0) {
    expect(cache.increment(name, by, { ttl: 0 })).toBeUndefined()
    model.entries.delete(name)
  } else if (entry !== undefined && (typeof entry.value !== 'number' || Number.isNaN(entry.value))) {
    expect(() => cache.increment(name, by, { ttl: lifetime })).toThrow()
  } else if (entry !== undefined) {
    entry.value = (entry.value as number) + by
    entry.used = model.now
    expect(cache.increment(name, by, { ttl: lifetime })).toBe(entry.value)
  } else {
    expect(cache.increment(name, by, { ttl: lifetime })).toBe(by)
    model.write(name, by, lifetime, undefined)
  }
}

const runs = Number(process.env['OSTRAKA_RUNS'] ?? 40)

suite('random histories', (bench) => {
  it('agree with a Map and a clock', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 400, size: 'max' }), async (operations) => {
        const cache = bench.open({ maxBytes: '4mb', clock: 'manual', seed: 1 })
        const model = new Model()
        for (const one of operations) step(cache, model, one, false)
        for (const name of model.liveKeys())
          expect(difference(model.live(name, false)?.value, cache.get(name))).toBeUndefined()
        await cache.close()
      }),
      { numRuns: runs },
    )
  })

  it('never give a wrong answer while entries are evicted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 400, size: 'max' }), async (operations) => {
        const cache = bench.open({ maxBytes: '4mb', maxEntries: 6, clock: 'manual', seed: 1 })
        const model = new Model()
        for (const one of operations) {
          step(cache, model, one, true)
          expect(cache.size).toBeLessThanOrEqual(6)
        }
        await cache.close()
      }),
      { numRuns: runs },
    )
  })
})
