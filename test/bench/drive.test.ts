// Known truths of the load driver, in time that only the test moves: what a stall costs is seen by all that was due meanwhile, the rate is
// the one asked for, ramp and cool-down are not counted, and nothing is waited for without end.
import { describe, expect, test } from 'vitest'
import { dueTimes } from '../../src/bench/runner/arrivals.js'
import { ManualClock, systemClock } from '../../src/bench/runner/clock.js'
import { drive, type Slice } from '../../src/bench/runner/drive.js'
import { requesterFor } from '../../src/bench/runner/requester.js'
import type { Opened } from '../../src/bench/runner/target.js'
import { makeStream } from '../../src/bench/workload/stream.js'
import { LatencyHistogram } from '../../src/replay/latency.js'

const stream = makeStream({ requests: 1000, keys: 100, mix: { read: 1 } })
const settings = { values: 'string', fill: true, keys: 'fresh' } as const
const plain: Slice = { ramp: 0, coolDown: 0, drain: 1000, atOnce: 1, sampleEvery: 1, seed: 1 }

/** Every call takes a tenth of a millisecond, and the first one after each full second fifty. */
function stalling(clock: ManualClock): () => number {
  let stalled = 0
  return () => {
    const second = Math.floor(clock.now() / 1000)
    const stall = second > stalled
    stalled = second
    clock.advance(stall ? 50 : 0.1)
    return 1
  }
}

async function run(open: (clock: ManualClock) => Opened, slice: Partial<Slice>) {
  const clock = new ManualClock()
  const requester = requesterFor(open(clock), stream, settings)
  const result = await drive(requester, { ...plain, ...slice }, { next: 0 }, clock)
  const histogram = new LatencyHistogram(result.latencies)
  const milliseconds = (share: number) => histogram.quantile(share) / 1e6
  return {
    ...result,
    clock,
    samples: histogram.samples,
    p50: milliseconds(0.5),
    p99: milliseconds(0.99),
    most: milliseconds(1),
  }
}

describe('a stall of 50 ms in every second', () => {
  test('shows in p99 under open arrivals', async () => {
    const { p50, p99, most, requests, seconds } = await run(stalling, {
      milliseconds: 20_000,
      arrivals: { perSecond: 1000 },
    })
    expect([requests, seconds]).toEqual([20_000, 20])
    expect(p50).toBeLessThan(0.2)
    // Some fifty of a thousand wait for it, the first of them the whole stall.
    expect(p99).toBeGreaterThan(35)
    expect(most).toBeGreaterThan(49)
    expect(most).toBeLessThan(52)
  })

  test('hides from p99 in a closed loop, which sends nothing meanwhile', async () => {
    const { p99, most } = await run(stalling, { milliseconds: 20_000 })
    expect(p99).toBeLessThan(0.2)
    expect(most).toBeGreaterThan(49)
  })

  test('also where calls are answered later, however few connections there are', async () => {
    const answering = (clock: ManualClock) => {
      const work = stalling(clock)
      return async () => work()
    }
    const { p99, requests, samples } = await run(answering, {
      milliseconds: 10_000,
      arrivals: { perSecond: 1000 },
      atOnce: 4,
    })
    expect([requests, samples]).toEqual([10_000, 10_000])
    expect(p99).toBeGreaterThan(35)
  })
})

test('an overloaded target: latency grows as the queue does', async () => {
  // Two milliseconds of work for each of 1,000 requests a second.
  const slow = (clock: ManualClock) => () => {
    clock.advance(2)
    return 1
  }
  const { most, latest } = await run(slow, { milliseconds: 1000, arrivals: { perSecond: 1000 } })
  expect(most).toBeGreaterThan(990)
  expect(latest).toBeGreaterThan(990)
})

test('ramp and cool-down are driven and not counted', async () => {
  let calls = 0
  const counting = (clock: ManualClock) => () => {
    calls++
    clock.advance(0.01)
    return 1
  }
  const { requests, counts } = await run(counting, {
    milliseconds: 1000,
    ramp: 1000,
    coolDown: 500,
    arrivals: { perSecond: 1000 },
  })
  expect(requests).toBe(1000)
  // Half as many as at full rate during the ramp; one to find out whether the function is synchronous.
  expect(calls - 1).toBe(500 + 1000 + 500)
  expect(counts.reads).toBe(2000)
  const closed = await run(counting, { milliseconds: 100, ramp: 50, coolDown: 50 })
  expect(closed.requests).toBeGreaterThan(9900)
  expect(closed.requests).toBeLessThanOrEqual(10_050)
  expect(closed.counts.reads).toBeGreaterThan(19_900)
})

test('what never answers is given up, counted, and in the histogram with its wait', async () => {
  const dead = () => () => new Promise(() => {})
  const requests = run(dead, { milliseconds: 100, drain: 200, arrivals: { perSecond: 100 }, atOnce: 3 })
  // The first probing call must not hang either.
  await expect(Promise.race([requests, new Promise((resolve) => setTimeout(resolve, 2000, 'late'))])).resolves.not.toBe(
    'late',
  )
  const { unanswered, most } = await requests
  expect(unanswered).toBe(10)
  expect(most).toBeGreaterThan(200)
})

test('closed loop of answers: as many at once as asked for', async () => {
  let now = 0
  let most = 0
  let probed = false
  const waiting = (clock: ManualClock) => async () => {
    // Called once beforehand, to see that it answers later.
    if (!probed) {
      probed = true
      return 1
    }
    now++
    most = Math.max(most, now)
    await clock.until(clock.now() + 10)
    now--
    return 1
  }
  const { requests, p50 } = await run(waiting, { milliseconds: 1000, atOnce: 5 })
  expect(most).toBe(5)
  expect(requests).toBe(500)
  expect(p50).toBeGreaterThan(9.9)
  expect(p50).toBeLessThan(10.2)
})

test('counts: hits, misses filled, refusals, wrong values, failures', async () => {
  const map = new Map<string, unknown>()
  const cache = {
    get: (key: string) => map.get(key),
    set: (key: string, value: unknown) => map.set(key, value),
    delete: (key: string) => map.delete(key),
  }
  const first = await run(() => cache, { requests: 1000 })
  expect(first.counts.hits + first.counts.writes).toBe(1000)
  expect(first.counts.writes).toBe(map.size)
  expect(first.counts).toMatchObject({ reads: 1000, refused: 0, wrong: 0, failed: 0 })
  const refusing = await run(() => ({ get: () => undefined, set: () => false }), { requests: 100 })
  expect(refusing.counts).toMatchObject({ hits: 0, writes: 100, refused: 100 })
  const lying = await run(() => ({ get: () => 'x', set: () => true }), { requests: 100 })
  expect(lying.counts.wrong).toBe(100)
  const failing = await run(
    () => (request) => {
      if (request.at > 0) throw new Error('no')
    },
    { requests: 100 },
  )
  expect(failing.counts.failed).toBe(99)
})

describe('arrivals', () => {
  test('constant after a straight rise', () => {
    const due = dueTimes({ perSecond: 1000 }, 100, 1)
    const times = Array.from({ length: 151 }, due)
    expect(times[0]).toBe(0)
    expect(times[50]).toBeCloseTo(100, 6)
    expect(times[150]).toBeCloseTo(200, 6)
    // A quarter of the ramp's requests in its first half.
    expect(times.filter((time) => time < 50).length).toBe(13)
  })

  test('of independent callers: the rate, and gaps as spread as their mean', () => {
    const due = dueTimes({ perSecond: 2000, process: 'poisson' }, 0, 5)
    const times = Array.from({ length: 40_001 }, due)
    expect(times.at(-1)! / 40_000).toBeCloseTo(0.5, 2)
    const gaps = times.slice(1).map((time, at) => time - times[at]!)
    const spread = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - 0.5) ** 2, 0) / gaps.length)
    expect(spread).toBeCloseTo(0.5, 1)
  })
})

test('the system clock waits until then, or until told otherwise', async () => {
  const begun = systemClock.now()
  await systemClock.until(begun + 5)
  expect(systemClock.now()).toBeGreaterThanOrEqual(begun + 5)
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 1)
  await systemClock.until(begun + 1e6, stop.signal)
})
