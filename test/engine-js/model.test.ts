// Long random histories against a Map with a clock: whatever the engine may forget is large enough here that it forgets nothing.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Engine, Kind, Meta, Mode, Status } from '../../src/engine/engine.js'
import { allKeys, MIB, open } from './harness.js'

interface Entry {
  value: string | number
  due: number
  idle: number
  lastUse: number
}

/** What a cache that never forgets answers. */
class Model {
  readonly entries = new Map<string, Entry>()
  now = 0

  live(key: string): Entry | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined) return undefined
    const ended = this.now >= entry.due || (entry.idle >= 0 && this.now >= entry.lastUse + entry.idle)
    return ended ? undefined : entry
  }

  set(key: string, value: string | number, ttl: number, idle: number): void {
    const due = ttl < 0 ? Number.POSITIVE_INFINITY : this.now + ttl
    this.entries.set(key, { value, due, idle, lastUse: this.now })
  }

  keys(): string[] {
    return [...this.entries.keys()].filter((key) => this.live(key) !== undefined)
  }
}

const KEYS = ['a', 'b', 'c', 'key:1', 'key:2', 'ключ', '\ud800', 'k'.repeat(64), 'l'.repeat(65), 'm'.repeat(300)]
const key = fc.constantFrom(...KEYS)
const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom('', '\ud800', 'é'.repeat(2000), 'x'.repeat(9000)),
)
const ttl = fc.oneof(
  { weight: 3, arbitrary: fc.constant(-1) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 60 }) },
)
const idle = fc.oneof(
  { weight: 4, arbitrary: fc.constant(-1) },
  { weight: 1, arbitrary: fc.integer({ min: 64, max: 90 }) },
)

const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('set' as const), key, text, ttl, idle }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('add' as const), key, text, ttl, idle }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replace' as const), key, text, ttl, idle }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cas' as const), key, text, stale: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('get' as const), key, touch: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('has' as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('take' as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('touch' as const), key, ttl, idle }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('expires' as const), key }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('increment' as const), key, by: fc.integer() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('advance' as const), by: fc.integer({ min: 0, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('scan' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('many' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('maintain' as const) }) },
)
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

/** What a read says: the value in the model's terms. */
function modelValue(engine: Engine, read: string | number | undefined): string | number | undefined {
  if (typeof read !== 'number') return read
  expect(engine.meta[Meta.kind]).toBe(Kind.number)
  return new Float64Array(engine.scratch.slice(0, read).buffer)[0]
}

function step(engine: Engine, model: Model, act: Action): void {
  switch (act.do) {
    case 'set':
      expect(engine.writeString(act.key, act.text, Mode.set, act.ttl, act.idle)).toBe(Status.stored)
      model.set(act.key, act.text, act.ttl, act.idle)
      break
    case 'add':
    case 'replace': {
      const mode = act.do === 'add' ? Mode.add : Mode.replace
      const may = (model.live(act.key) === undefined) === (act.do === 'add')
      const status = engine.writeString(act.key, act.text, mode, act.ttl, act.idle)
      expect(status).toBe(may ? Status.stored : Status.refused)
      if (may) model.set(act.key, act.text, act.ttl, act.idle)
      break
    }
    case 'cas': {
      const seen = engine.read(act.key, false)
      const [, , slot, location, generation] = engine.meta
      if (act.stale && seen !== undefined) {
        engine.writeString(act.key, 'newer', Mode.set, -1, -1)
        model.set(act.key, 'newer', -1, -1)
      }
      const may = seen !== undefined && !act.stale
      const status = engine.writeStringIf(act.key, act.text, -1, -1, slot, location, generation)
      expect(status).toBe(may ? Status.stored : Status.refused)
      if (may) model.set(act.key, act.text, -1, -1)
      break
    }
    case 'get': {
      const live = model.live(act.key)
      expect(modelValue(engine, engine.read(act.key, act.touch))).toEqual(live?.value)
      // The engine may note a use late by a 64th of the idle time; below 128 ms that is at most one.
      if (act.touch && live !== undefined && model.now - live.lastUse > live.idle / 64) live.lastUse = model.now
      break
    }
    case 'has':
      expect(engine.has(act.key)).toBe(model.live(act.key) !== undefined)
      break
    case 'delete':
      expect(engine.delete(act.key)).toBe(model.live(act.key) !== undefined)
      if (model.live(act.key)) model.entries.delete(act.key)
      break
    case 'take':
      expect(modelValue(engine, engine.take(act.key))).toEqual(model.live(act.key)?.value)
      if (model.live(act.key)) model.entries.delete(act.key)
      break
    case 'touch': {
      const live = model.live(act.key)
      expect(engine.touch(act.key, act.ttl, act.idle)).toBe(live !== undefined)
      // An idle time that goes on counts from the last use; a new one from now.
      const lastUse = live !== undefined && live.idle >= 0 ? live.lastUse : model.now
      if (live !== undefined) {
        model.set(act.key, live.value, act.ttl, act.idle)
        Object.assign(model.entries.get(act.key) as Entry, { lastUse })
      }
      break
    }
    case 'expires': {
      const live = model.live(act.key)
      expect(engine.expiresIn(act.key)).toBe(live === undefined ? -1 : live.due - model.now)
      break
    }
    case 'increment': {
      const live = model.live(act.key)
      const result = engine.increment(act.key, act.by, -1, -1)
      if (typeof live?.value === 'string') {
        expect(result).toBeNaN()
      } else {
        const next = (live?.value ?? 0) + act.by
        expect(result).toBe(next)
        if (live === undefined) model.set(act.key, next, -1, -1)
        else Object.assign(live, { value: next, lastUse: model.now })
      }
      break
    }
    case 'advance':
      engine.advance(act.by)
      model.now += act.by
      expect(engine.now()).toBe(model.now)
      break
    case 'clear':
      engine.clear()
      model.entries.clear()
      expect(engine.size).toBe(0)
      break
    case 'scan':
      expect(allKeys(engine).sort()).toEqual(model.keys().sort())
      expect(allKeys(engine, 'key:').sort()).toEqual(
        model
          .keys()
          .filter((name) => name.startsWith('key:'))
          .sort(),
      )
      break
    case 'many': {
      const kinds = new Uint8Array(KEYS.length)
      const values = engine.readMany(KEYS, kinds)
      for (const [i, name] of KEYS.entries()) {
        const live = model.live(name)
        if (live !== undefined && model.now - live.lastUse > live.idle / 64) live.lastUse = model.now
        const seen = values[i]
        expect(seen instanceof Uint8Array ? new Float64Array(seen.slice().buffer)[0] : seen).toEqual(live?.value)
      }
      break
    }
    case 'maintain':
      engine.maintain()
      engine.tend(0, 4)
      engine.reclaim(0)
      break
  }
}

const runs = process.env['OSTRAKA_SOAK'] ? 5000 : 120

describe('a long random history', () => {
  it.each([
    ['one shard', {}],
    ['two shards', { maxBytes: 4 * MIB, shards: 2 }],
    ['entries counted', { maxEntries: 1000 }],
  ])('is what the model says: %s', (_name, options) => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 1, maxLength: 150 }), (actions) => {
        const engine = open(options)
        const model = new Model()
        for (const act of actions) step(engine, model, act)
        for (const name of KEYS) expect(modelValue(engine, engine.read(name, false))).toEqual(model.live(name)?.value)
        engine.detach()
      }),
      { numRuns: runs },
    )
  })

  it('with eviction all the time never shows anything but the last value', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 400 }), (seed, maxEntries) => {
        const engine = open({ maxEntries, seed: { low: seed >>> 0, high: 1 } })
        const last = new Map<string, string>()
        for (let i = 0; i < 3000; i++) {
          const name = `k${(Math.imul(i, 2654435761) >>> 8) % 700}`
          if (i % 7 === 0) {
            engine.delete(name)
            last.delete(name)
          } else if (i % 3 === 0) {
            const seen = engine.read(name, true)
            if (seen !== undefined && seen !== last.get(name)) expect.fail(`stale value of ${name}`)
          } else {
            last.set(name, `${i}`.repeat(1 + (i % 40)))
            const status = engine.writeString(name, last.get(name) as string, Mode.set, -1, -1)
            if (status !== Status.stored) expect.fail(`refused with ${status}`)
          }
          if (engine.size > maxEntries) expect.fail(`${engine.size} entries`)
        }
        engine.detach()
      }),
      { numRuns: Math.ceil(runs / 10) },
    )
  })
})
