// Workloads obey their laws: ranks by Zipf, sizes by their distribution, shares by the mix; the same seed gives the same requests.
import { describe, expect, test } from 'vitest'
import { adversaries } from '../../src/bench/workload/adversaries.js'
import { type SizeLaw, sizeLaw } from '../../src/bench/workload/sizes.js'
import { Ask, makeStream, scatter } from '../../src/bench/workload/stream.js'
import { twitterClusters, twitterStream } from '../../src/bench/workload/twitter.js'
import { ycsbMixes, ycsbStream } from '../../src/bench/workload/ycsb.js'
import { randomFrom } from '../../src/traces/generate.js'
import { rankOf, zipf } from '../../src/traces/zipf.js'

describe("Zipf's law", () => {
  test.each([0, 0.5, 0.99, 1.3])('skew %d: each rank as often as it should be', (skew) => {
    const ranks = 1000
    const draws = 200_000
    const random = randomFrom(11)
    const upTo = zipf(ranks, skew)
    const seen = new Float64Array(ranks)
    for (let draw = 0; draw < draws; draw++) seen[rankOf(upTo, random())]!++
    const whole = Array.from({ length: ranks }, (_, rank) => (rank + 1) ** -skew).reduce((sum, share) => sum + share, 0)
    // Pearson's statistic over the ranks that are expected often enough, the others together.
    let statistic = 0
    let classes = 0
    let restSeen = 0
    let rest = 0
    for (let rank = 0; rank < ranks; rank++) {
      const expected = (draws * (rank + 1) ** -skew) / whole
      if (expected < 10) {
        rest += expected
        restSeen += seen[rank]!
        continue
      }
      statistic += (seen[rank]! - expected) ** 2 / expected
      classes++
    }
    if (rest > 10) {
      statistic += (restSeen - rest) ** 2 / rest
      classes++
    }
    // Its mean is the count of classes less one, its deviation the root of twice that: four of them is one chance in many thousands.
    expect(Math.abs(statistic - (classes - 1)) / Math.sqrt(2 * (classes - 1))).toBeLessThan(4)
  })

  test('the ends of the uniform numbers', () => {
    const upTo = zipf(5, 1)
    expect([rankOf(upTo, 0), rankOf(upTo, 0.999_999_999)]).toEqual([0, 4])
  })
})

test('scattering visits every key once', () => {
  for (const keys of [1, 2, 10, 1000, 4096, 99_991]) {
    const of = scatter(keys)
    expect(new Set(Array.from({ length: keys }, (_, rank) => of(rank))).size).toBe(keys)
  }
})

describe('sizes', () => {
  const laws: SizeLaw[] = [
    { law: 'fixed', bytes: 77 },
    { law: 'uniform', least: 10, most: 20 },
    { law: 'log-normal', median: 500, sigma: 0.5 },
    {
      law: 'choices',
      of: [
        [100, 3],
        [1000, 1],
      ],
    },
  ]
  test.each(laws)('$law has its mean', (law) => {
    const sizeOf = sizeLaw(law)
    let sum = 0
    for (let key = 0; key < 40_000; key++) sum += sizeOf(key)
    expect(sum / 40_000 / meanSize(law)).toBeCloseTo(1, 1)
    expect(sizeOf(17)).toBe(sizeOf(17))
  })

  test('bounds and shares', () => {
    const uniform = new Set(Array.from({ length: 5000 }, (_, key) => sizeLaw(laws[1]!)(key)))
    expect([Math.min(...uniform), Math.max(...uniform), uniform.size]).toEqual([10, 20, 11])
    const median = Array.from({ length: 20_001 }, (_, key) => sizeLaw(laws[2]!)(key)).sort((a, b) => a - b)[10_000]!
    expect(median).toBeGreaterThan(480)
    expect(median).toBeLessThan(520)
    const large = Array.from({ length: 10_000 }, (_, key) => sizeLaw(laws[3]!)(key)).filter((size) => size === 1000)
    expect(large.length).toBeGreaterThan(2350)
    expect(large.length).toBeLessThan(2650)
  })
})

describe('mixes', () => {
  const count = (asks: Uint8Array, ask: number) => asks.filter((one) => one === ask).length

  test.each(ycsbMixes)('$name', (of) => {
    const stream = ycsbStream(of, 20_000, 1000, 3)
    for (const [name, share] of Object.entries(of.mix)) {
      const seen = count(stream.asks, Ask[name as keyof typeof Ask]) / stream.length
      expect(Math.abs(seen - share)).toBeLessThan(0.02)
    }
    expect(new Set(stream.sizes)).toEqual(new Set([1000]))
    expect(stream.keySpace).toBeGreaterThanOrEqual(Math.max(...stream.keys))
  })

  test('the latest are the popular ones', () => {
    const stream = makeStream({ requests: 10_000, keys: 500, mix: { read: 1, insert: 1 }, latest: true })
    let inserted = 500
    let near = 0
    let reads = 0
    for (let at = 0; at < stream.length; at++) {
      if (stream.asks[at] === Ask.insert) expect(stream.keys[at]).toBe(inserted++)
      else {
        reads++
        expect(stream.keys[at]).toBeLessThan(inserted)
        if (inserted - stream.keys[at]! <= 50) near++
      }
    }
    expect(near / reads).toBeGreaterThan(0.5)
  })

  test('the same seed, the same requests; another, others', () => {
    const make = (seed: number) => makeStream({ requests: 1000, keys: 100, mix: { read: 1, update: 1 }, seed })
    expect(make(1)).toEqual(make(1))
    expect(make(1).keys).not.toEqual(make(2).keys)
    expect(() => makeStream({ requests: 1, keys: 1, mix: {} })).toThrow(RangeError)
  })
})

describe("Twitter's clusters", () => {
  test.each(twitterClusters)('$cluster: shares, times to live, keys asked for once', (of) => {
    const stream = twitterStream(of, 30_000, 3000, 5)
    const whole = of.reads + of.writes + (of.deletes ?? 0)
    const share = (ask: number) => stream.asks.filter((one) => one === ask).length / stream.length
    expect(share(Ask.read)).toBeCloseTo(of.reads / whole, 1)
    expect(share(Ask.update)).toBeCloseTo(of.writes / whole, 1)
    expect(share(Ask.remove)).toBeCloseTo((of.deletes ?? 0) / whole, 1)
    const lives = of.ttls.map(([seconds]) => Math.round(seconds * 1000))
    for (const ttl of new Set(stream.ttls)) expect(lives).toContain(ttl)
    // Keys beyond those that repeat come once each.
    const repeated = Math.round(3000 * (1 - of.once))
    const once = [...stream.keys].filter((key) => key >= repeated)
    expect(new Set(once).size).toBe(once.length)
    expect(once.length / stream.length).toBeCloseTo(of.once / of.meanFrequency, 1)
    // A week, if the stream were as long as one.
    const apart = stream.times![1]! - stream.times![0]!
    expect((apart * 3000 * of.meanFrequency) / 86_400_000).toBeCloseTo(7, 5)
  })
})

test.each(adversaries)('$name: as many requests as asked for, all of them reads', ({ make }) => {
  const stream = make(5000, 400, 2)
  expect(stream.length).toBe(5000)
  expect(new Set(stream.asks)).toEqual(new Set([Ask.read]))
  expect(new Set(stream.keys).size).toBeGreaterThan(200)
})

/** The mean of a law. */
function meanSize(law: SizeLaw): number {
  switch (law.law) {
    case 'fixed':
      return law.bytes
    case 'uniform':
      return (law.least + law.most) / 2
    case 'log-normal':
      // Of the law that is not cut off at `most`.
      return law.median * Math.exp((law.sigma ?? 1) ** 2 / 2)
    case 'choices': {
      const whole = law.of.reduce((sum, [, weight]) => sum + weight, 0)
      return law.of.reduce((sum, [bytes, weight]) => sum + bytes * weight, 0) / whole
    }
  }
}
