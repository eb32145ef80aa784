// What an owner's turns do to the memory, over each engine: free segments ahead of the writers, segments that expired or were cleared.
import { expect, it } from 'vitest'
import { createRegions } from '../../src/engine/create.js'
import { type Engine, Mode, Tended } from '../../src/engine/engine.js'
import { Counter, Shard } from '../../src/engine/layout.js'
import { suite } from './suite.js'

const filler = 'x'.repeat(200)

function fill(engine: Engine, from: number, count: number, ttl = -1): void {
  for (let i = from; i < from + count; i++) engine.writeString(`key ${i}`, filler, Mode.set, ttl, -1)
}

suite('turns of upkeep', (bench) => {
  function open() {
    const regions = createRegions({ maxBytes: 2 ** 20, manualClock: true, seed: { low: 3, high: 4 } })
    const [first, second] = bench.engines(regions)
    const words = new Int32Array(regions.shards[0]?.buffer as ArrayBufferLike)
    const free = () => words[Shard.freeSegments >> 2] as number
    return { engine: first as Engine, owner: (second ?? first) as Engine, free }
  }

  /** Turns until there is no more to do; never more than a cache of this size could need. */
  function work(turn: () => number): number {
    for (let turns = 1; turns < 2000; turns++) if (turn() === Tended.done) return turns
    throw new Error('the upkeep does not end')
  }

  it('keep as many free segments ahead as asked for, and evict no more than that takes', () => {
    const { engine, owner, free } = open()
    fill(engine, 0, 20_000)
    const usual = free()
    const before = engine.size
    work(() => owner.tend(0, 8))
    expect(free()).toBeGreaterThanOrEqual(usual + 6)
    // 8 segments of 4 KiB hold some 130 of these entries.
    expect(before - engine.size).toBeLessThan(400)
    expect(engine.size).toBeGreaterThan(2000)
    // Then the callers find room without evicting anything.
    const evicted = () => {
      const counters = engine.counters()
      return (counters[Counter.evictedSmall] as number) + (counters[Counter.evictedMain] as number)
    }
    const at = evicted()
    fill(engine, 30_000, 60)
    expect(evicted()).toBe(at)
    expect(owner.tend(0, 0)).toBe(Tended.done)
  })

  it('give back what has expired, while there is room and nobody asks for it', () => {
    const { engine, owner, free } = open()
    fill(engine, 0, 1000)
    fill(engine, 1000, 1000, 100)
    const full = free()
    const size = engine.size
    expect(owner.reclaim(0)).toBe(Tended.done)
    engine.advance(101)
    work(() => owner.reclaim(0))
    owner.tend(0, 0)
    expect(free()).toBeGreaterThan(full + 40)
    // What shares a segment with something that lives is left where it is.
    expect(engine.size).toBeLessThan(size - 900)
    for (let i = 0; i < 1000; i++) expect(engine.read(`key ${i}`, false)).toBe(filler)
  })

  it('give back what was cleared', () => {
    const { engine, owner, free } = open()
    const empty = free()
    fill(engine, 0, 2000)
    engine.clear()
    work(() => owner.reclaim(0))
    owner.tend(0, 0)
    expect(free()).toBeGreaterThan(empty - 6)
    expect(engine.size).toBe(0)
  })

  it('do nothing where there is nothing to do, or no such shard', () => {
    const { engine, owner } = open()
    fill(engine, 0, 100)
    for (const shard of [0, 1, 99]) {
      expect(owner.tend(shard, 4)).toBe(Tended.done)
      expect(owner.reclaim(shard)).toBe(Tended.done)
    }
    owner.reap()
    expect(engine.size).toBe(100)
  })
})
