// The runner from end to end: subjects in this thread, in worker threads and in processes; when it stops and what it then says; functions
// down to nanoseconds. No figure of time is asserted that a busy machine could break.
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { compareFunctions, runBenchmark } from '../../dist/bench/index.js'
import { runSuites } from '../../dist/bench/suites/run.js'
import { ManualClock } from '../../src/bench/runner/clock.js'
import { measureInTurn, warmUp } from '../../src/bench/runner/rounds.js'
import { randomFrom } from '../../src/traces/generate.js'

const fixture = fileURLToPath(new URL('./fixtures/map.mjs', import.meta.url))
const workload = { requests: 2000, keys: 200, mix: { read: 9, update: 1 } } as const
const short = { slice: 10, ramp: 1, coolDown: 1, warmUp: 20, budget: 50, leastRounds: 2, mostRounds: 3 } as const

describe('rounds', () => {
  const effort = { precision: 0.05, budget: 1000, leastRounds: 3, mostRounds: 100 }

  test('in turn, beginning with another one each time', async () => {
    const calls: string[] = []
    const clock = new ManualClock()
    const one = (subject: number, round: number) => {
      calls.push(`${round}${subject}`)
      clock.advance(1)
      return subject + 1
    }
    const { samples, ended } = await measureInTurn(2, one, effort, clock)
    expect(calls).toEqual(['00', '01', '11', '10', '20', '21'])
    expect(samples).toEqual([
      [1, 1, 1],
      [2, 2, 2],
    ])
    expect(ended).toBe('precise')
  })

  test('ends when it is sure, when the budget is spent, or after so many rounds, and says which', async () => {
    const random = randomFrom(6)
    const clock = new ManualClock()
    const noisy = (spread: number) => () => {
      clock.advance(1)
      return 100 * (1 + spread * (random() - 0.5))
    }
    const sure = await measureInTurn(2, noisy(0.1), effort, clock)
    expect(sure.ended).toBe('precise')
    expect(sure.error).toBeLessThanOrEqual(0.05)
    const spent = await measureInTurn(2, noisy(1.9), { ...effort, precision: 0.0001, budget: 50 }, clock)
    expect(spent.ended).toBe('budget')
    expect(spent.samples[0]!.length).toBe(25)
    const tired = await measureInTurn(1, noisy(1.9), { ...effort, precision: 0.0001, mostRounds: 7 }, clock)
    expect([tired.ended, tired.samples[0]!.length]).toEqual(['rounds', 7])
  })

  test('warming up ends when the values are steady', async () => {
    const clock = new ManualClock()
    let value = 1000
    const cooling = () => {
      clock.advance(1)
      value = 100 + (value - 100) * 0.7
      return value
    }
    const { rounds, steady } = await warmUp(cooling, 1000, clock)
    expect(steady).toBe(true)
    expect(rounds).toBeGreaterThan(20)
    expect(rounds).toBeLessThan(40)
    const drifting = () => {
      clock.advance(1)
      value *= 1.05
      return value
    }
    expect(await warmUp(drifting, 100, clock)).toEqual({ rounds: 100, steady: false })
  })
})

describe('subjects', () => {
  test('in this thread: a cache, and a function of the own', async () => {
    const phases: string[] = []
    const map = () => {
      const held = new Map<string, unknown>()
      return {
        get: (key: string) => held.get(key),
        set: (key: string, value: unknown) => held.set(key, value),
        size: () => held.size,
      }
    }
    let last = 0
    const own = () => (request: { at: number; key: string }) => {
      last = request.at
      return request.key
    }
    const result = await runBenchmark({
      ...short,
      subjects: [
        { name: 'map', open: map },
        { name: 'own', open: own },
      ],
      workload,
      onProgress: ({ phase }) => phases.push(phase),
    })
    expect([...new Set(phases)]).toEqual(['opening', 'filling', 'warming up', 'measuring', 'closing'])
    expect(result).toMatchObject({
      metric: 'throughput',
      better: 'higher',
      environment: { node: process.version, cores: expect.any(Number) },
      settings: { workload, threads: 1, seed: 1, milliseconds: 10, precision: 0.05 },
    })
    expect(() => structuredClone(result)).not.toThrow()
    expect(result.overhead).toBeGreaterThan(0)
    expect(['precise', 'budget', 'rounds']).toContain(result.ended)
    const [first, second] = result.subjects
    expect(first!.hitRatio).toBe(1)
    expect(first!.counts).toMatchObject({ wrong: 0, failed: 0, refused: 0 })
    expect(first!.counts.writes / (first!.counts.reads + first!.counts.writes)).toBeCloseTo(0.1, 1)
    expect(first!.againstFirst).toBeUndefined()
    expect(second!.againstFirst!.ratio).toBeGreaterThan(0)
    expect(second!.latencies.samples).toBeGreaterThan(0)
    expect(last).toBeGreaterThan(0)
  })

  test('in two threads of a process of its own, which tells its memory', async () => {
    const result = await runBenchmark({
      ...short,
      subjects: [{ name: 'map', module: fixture, options: { ballast: 32 * 2 ** 20 } }],
      workload,
      threads: 2,
      isolate: true,
      values: 'object',
    })
    const [{ memory, hitRatio, counts }] = result.subjects as [(typeof result.subjects)[0]]
    expect(hitRatio).toBeGreaterThan(0.9)
    expect([counts.wrong, counts.failed]).toEqual([0, 0])
    // Each thread holds its own.
    expect(memory!.resident).toBeGreaterThan(40 * 2 ** 20)
    expect(memory!.entries).toBeGreaterThan(50)
  })

  test('open arrivals: as many a second as asked for', async () => {
    const result = await runBenchmark({
      ...short,
      slice: 100,
      subjects: [{ name: 'map', module: fixture }],
      workload,
      arrivals: { perSecond: 2000, process: 'poisson' },
      threads: 2,
    })
    expect(result).toMatchObject({ metric: 'p99', better: 'lower' })
    expect(result.subjects[0]!.throughput.mean).toBeGreaterThan(1500)
    expect(result.subjects[0]!.throughput.mean).toBeLessThan(2500)
  })

  test('what cannot be run is refused, all faults at once', async () => {
    const open = () => () => 1
    const bad = {
      subjects: [
        { name: 'a', open },
        { name: 'a', open },
      ],
      workload: { ...workload, keys: 0 },
      threads: 2,
      precision: 0,
      slice: -1,
    }
    const error = await runBenchmark(bad).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'OSTRAKA_ERR_INVALID_OPTION' })
    for (const part of ['the same name', 'use module', 'precision: above 0', 'workload.keys: at least 1'])
      expect((error as Error).message).toContain(part)
    await expect(runBenchmark({ ...short, subjects: [{ name: 'a' }], workload })).rejects.toThrow(
      /neither open nor module/,
    )
    await expect(
      runBenchmark({ ...short, subjects: [{ name: 'a', module: fixture, options: { broken: true } }], workload }),
    ).rejects.toThrow(/broken/)
  })
})

describe('functions', () => {
  test('an empty one costs about nothing, and the same twice is no different', async () => {
    const work = (at: number) => Math.sqrt(at)
    const result = await compareFunctions({
      functions: [
        { name: 'empty', run: () => undefined },
        { name: 'one', run: work },
        { name: 'later', run: async (at) => work(at) },
      ],
      batch: 1,
      warmUp: 20,
      budget: 100,
      leastRounds: 5,
      mostRounds: 20,
    })
    const [empty, one, later] = result.functions
    // A call that is compiled takes a nanosecond or two; a machine five times slower, with others on it, stays far below this.
    expect(empty!.nanoseconds.least).toBeLessThan(100)
    expect(result.overhead).toBeLessThan(100)
    expect(empty!.calls).toBeGreaterThan(100)
    expect(one!.againstFirst!.ratio).toBeGreaterThan(0)
    // A promise is waited for.
    expect(later!.nanoseconds.median).toBeGreaterThan(empty!.nanoseconds.median)
  })
})

test('a suite that fails takes no other with it', async () => {
  const told: string[] = []
  const { suites } = await runSuites(
    {
      suites: ['no such suite', 'engines'],
      scale: 'smoke',
      precision: 1,
      budget: 1,
      seed: 1,
      engines: ['js'],
      rivals: [],
      threads: [1],
      traces: [],
    },
    undefined,
    ({ suite }) => told.push(suite),
  )
  expect(told).toEqual(['no such suite', 'engines'])
  expect(suites[0]).toMatchObject({ failed: 'there is no suite no such suite', rows: [] })
  expect(suites[1]!.failed).toBeUndefined()
})
