// Real threads over one cache: races of first sets, hammering with all operations, threads that are terminated anywhere.
// The workers run the built engine, so `npm run build` comes first (`npm test` does it).
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { createRegions, type GeometryOptions, type RegionOptions } from '../../src/engine/create.js'
import { Status } from '../../src/engine/engine.js'
import { attachJs } from '../../src/engine/js/engine.js'
import { Control, Counter, THREAD_BYTES, THREADS, Thread } from '../../src/engine/layout.js'
import { allKeys, MIB, randomOf, set } from './harness.js'

const soak = process.env['OSTRAKA_SOAK'] !== undefined
const scale = soak ? 100 : 1

if (!existsSync(new URL('../../dist/engine/js/engine.js', import.meta.url))) {
  throw new Error('the workers of this suite run the built engine: npm run build')
}

const fixture = (name: string) => new URL(`./fixtures/${name}.mjs`, import.meta.url)
const sharedWords = () => new Int32Array(new SharedArrayBuffer(16))

interface HammerResult {
  operations: number
  hits: number
  refused: number
  foreign: number
  torn: number
  older: number
  statuses: Record<string, number>
}

describe('first sets', () => {
  it.each([2, 4])('of %i threads leave one entry a key', async (threads) => {
    const regions = createRegions({ maxBytes: 4 * MIB })
    const barrier = sharedWords()
    const data = { regions, barrier, threads, rounds: 60 * scale, keys: 200 }
    const workers = Array.from(
      { length: threads },
      (_, me) => new Worker(fixture('first-sets'), { workerData: { ...data, me } }),
    )
    const results = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]))
    for (const result of results) {
      expect(result).toEqual({ resurrected: 0, refused: 0, deletedTwice: 0, sizeWrong: 0 })
    }
  })
})

async function hammer(options: RegionOptions, data: Record<string, unknown>, milliseconds: number) {
  const regions = createRegions(options)
  const stop = sharedWords()
  const start = (me: number) =>
    new Worker(fixture('hammer'), {
      workerData: { regions, stop, me, keys: 300, large: 0.01, seed: me, incarnation: me, ...data },
    })
  const workers = [0, 1, 2].map(start)
  const results = workers.map(async (worker) => {
    for (;;) {
      const [message] = await once(worker, 'message')
      if (message !== 'ready') return message as HammerResult
    }
  })
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
  Atomics.store(stop, 0, 1)
  const all = await Promise.all(results)
  return { regions, all }
}

describe('hammering', () => {
  it.each<[string, GeometryOptions, Record<string, unknown>]>([
    ['plain', { maxBytes: 2 * MIB }, {}],
    ['entries counted', { maxBytes: 8 * MIB, maxEntries: 150 }, {}],
    ['with expiry', { maxBytes: 2 * MIB }, { mode: 'ttl' }],
    ['with clear', { maxBytes: 2 * MIB, maxEntries: 200 }, { mode: 'clear' }],
    ['large values', { maxBytes: 2 * MIB }, { large: 0.2 }],
    ['two shards', { maxBytes: 4 * MIB, shards: 2, maxEntries: 150 }, {}],
  ])('never shows a torn, foreign or older value: %s', async (_name, options, data) => {
    let time = 1500 * scale
    let { regions, all } = await hammer(options, data, time)
    // A machine that is busy elsewhere may have let nobody read anything in that time.
    for (; all.every(({ hits }) => hits === 0) && time < 24_000; time *= 4) {
      ;({ regions, all } = await hammer(options, data, time * 4))
    }
    for (const { foreign, torn, older, operations, statuses } of all) {
      expect({ foreign, torn, older }).toEqual({ foreign: 0, torn: 0, older: 0 })
      // A set may be refused while the system keeps a thread from running in the middle of an operation.
      const { [Status.paused]: paused = 0, ...others } = statuses
      expect(others).toEqual({})
      expect(paused).toBeLessThan(10 + operations / 100)
    }
    expect(all.reduce((sum, { hits }) => sum + hits, 0)).toBeGreaterThan(0)
    const engine = attachJs(regions)
    if (!('mode' in data)) expect(allKeys(engine).length).toBe(engine.size)
    if (options.maxEntries !== undefined) expect(engine.size).toBeLessThanOrEqual(options.maxEntries)
    engine.detach()
  })
})

describe('a terminated thread', () => {
  it.each<[string, GeometryOptions]>([
    ['bounded by bytes', { maxBytes: 2 * MIB }],
    ['bounded by entries', { maxBytes: 4 * MIB, maxEntries: 120 }],
  ])('harms nobody: %s', async (_name, options) => {
    const regions = createRegions(options)
    const engine = attachJs(regions)
    const stop = sharedWords()
    const random = randomOf(11)
    const rounds = 25 * scale
    for (let round = 0; round < rounds; round++) {
      const workers = [0, 1].map((me) => {
        const data = { regions, stop, me, keys: 200, large: 0.05, seed: round * 2 + me, incarnation: `${round}.${me}` }
        return new Worker(fixture('hammer'), { workerData: data })
      })
      await Promise.all(workers.map((worker) => once(worker, 'message')))
      await new Promise((resolve) => setTimeout(resolve, random() * 20))
      await Promise.all(workers.map((worker) => worker.terminate()))
      for (let i = 0; i < 300; i++) {
        expect(set(engine, `main${i}`, `${round}`.repeat(50))).toBe(1)
        const value = engine.read(`main${i}`, true)
        if (value !== undefined) expect(value).toBe(`${round}`.repeat(50))
      }
    }
    // Everything comes back: the count is that of the keys, all of the memory is used again, no line stays taken.
    for (let i = 0; i < 20_000; i++) if (set(engine, `fill${i}`, 'z'.repeat(100)) !== 1) expect.fail('refused')
    const seen = allKeys(engine)
    expect(new Set(seen).size).toBe(seen.length)
    const control = new Int32Array(regions.control.buffer)
    const taken = Array.from(
      { length: THREADS },
      (_, i) => control[(Control.threads + i * THREAD_BYTES + Thread.id) >> 2],
    )
    expect(taken.filter((id) => id !== 0).length).toBeLessThanOrEqual(6)
    expect(engine.size).toBe(seen.length)
    if (options.maxEntries === undefined) expect(engine.size).toBeGreaterThan(6000)
    else expect(engine.size).toBe(options.maxEntries)
    expect(engine.counters()[Counter.threadsReaped]).toBeGreaterThan(0)
    engine.detach()
  })
})
