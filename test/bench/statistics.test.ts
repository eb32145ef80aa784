// The statistics of the benchmark runner against values from tables and against laws that they must obey.
import { describe, expect, test } from 'vitest'
import { holm, pairedRatio, welch } from '../../src/bench/statistics/difference.js'
import { mean, quantile, summarize, variance } from '../../src/bench/statistics/samples.js'
import { studentBelow, studentQuantile, studentTails } from '../../src/bench/statistics/student.js'
import { fitScalability, isSteady, type Scalability, trend } from '../../src/bench/statistics/trend.js'
import { randomFrom } from '../../src/traces/generate.js'

/** Normal values from a seed. */
function normals(seed: number): () => number {
  const random = randomFrom(seed)
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

describe("Student's distribution", () => {
  test.each([
    [1, 0.975, 12.7062047],
    [2, 0.975, 4.3026527],
    [5, 0.95, 2.0150484],
    [9, 0.975, 2.2621572],
    [10, 0.995, 3.1692727],
    [29, 0.975, 2.0452296],
    [1000, 0.975, 1.9623391],
  ])('%d degrees of freedom, %d', (freedom, share, value) => {
    expect(studentQuantile(share, freedom)).toBeCloseTo(value, 5)
    expect(studentBelow(value, freedom)).toBeCloseTo(share, 6)
    expect(studentTails(-value, freedom)).toBeCloseTo(2 * (1 - share), 6)
    expect(studentQuantile(1 - share, freedom)).toBeCloseTo(-value, 5)
  })

  test('what has no answer is NaN', () => {
    expect([studentBelow(Number.NaN, 3), studentQuantile(1, 3), studentQuantile(0.5, 0)]).toEqual([NaN, NaN, NaN])
    expect(studentBelow(0, 4)).toBe(0.5)
  })
})

test('a summary and its confidence interval', () => {
  // The interval of these ten, by the table: 5.5 ± 2.2621572 · 3.02765 / √10.
  const summary = summarize([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(summary).toMatchObject({ count: 10, mean: 5.5, median: 5.5, least: 1, most: 10 })
  expect(summary.deviation).toBeCloseTo(3.027650354, 8)
  expect(summary.low).toBeCloseTo(3.3341494, 5)
  expect(summary.high).toBeCloseTo(7.6658506, 5)
  expect(summary.relativeError).toBeCloseTo(2.1658506 / 5.5, 6)
  expect(summarize([3]).relativeError).toBe(Number.POSITIVE_INFINITY)
  expect(summarize([3, 3, 3]).relativeError).toBe(0)
  expect(quantile([10, 0, 20], 0.25)).toBe(5)
})

test('intervals of 95 % hold the true mean about 95 times in 100', () => {
  const normal = normals(4)
  let held = 0
  for (let round = 0; round < 2000; round++) {
    const { low, high } = summarize(Array.from({ length: 6 }, () => 100 + 10 * normal()))
    if (low <= 100 && high >= 100) held++
  }
  expect(held / 2000).toBeGreaterThan(0.935)
  expect(held / 2000).toBeLessThan(0.965)
})

test("Welch's test against a worked example", () => {
  const a = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4]
  const b = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.4]
  const { t, freedom, p } = welch(a, b)
  const by = (variance(a) / 15 + variance(b) / 15) ** 0.5
  expect(t).toBeCloseTo((mean(a) - mean(b)) / by, 10)
  expect(t).toBeCloseTo(-2.8529548701715, 10)
  expect(freedom).toBeCloseTo(27.88730398842, 8)
  expect(p).toBeCloseTo(0.008071938172195, 10)
  const few = welch([1, 2, 3, 4], [10, 20, 30.5])
  expect(few.t).toBeCloseTo(-2.967430308066, 10)
  expect(few.p).toBeCloseTo(0.09458237938602, 10)
  expect(welch([1, 1], [1, 1])).toMatchObject({ t: 0, p: 1 })
  expect(welch([1, 1], [2, 2]).p).toBe(0)
})

test('of twenty pairs of the same thing hardly any differs; of different ones all do', () => {
  const normal = normals(7)
  const noisy = (center: number) => Array.from({ length: 12 }, () => center * Math.exp(0.05 * normal()))
  const judged = (one: number, other: number) =>
    holm(Array.from({ length: 20 }, () => welch(noisy(one), noisy(other)).p)).filter((p) => p < 0.05).length
  expect(judged(100, 100)).toBe(0)
  expect(judged(100, 115)).toBeGreaterThan(18)
})

test('pairs see through what moves both', () => {
  const normal = normals(9)
  const a: number[] = []
  const b: number[] = []
  for (let round = 0; round < 15; round++) {
    const mood = 100 * Math.exp(0.6 * normal())
    a.push(mood * 0.9 * Math.exp(0.01 * normal()))
    b.push(mood * Math.exp(0.01 * normal()))
  }
  const { ratio, low, high, differs } = pairedRatio(a, b)
  expect(ratio).toBeCloseTo(0.9, 2)
  expect([low < 0.9, high > 0.89, differs]).toEqual([true, true, true])
  expect(welch(a, b).p).toBeGreaterThan(0.05)
  expect(pairedRatio([1], [2]).differs).toBe(false)
})

test("Holm's correction", () => {
  expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02])
  expect(holm([])).toEqual([])
})

test('a slope, and what counts as steady', () => {
  expect(trend([1, 3, 5, 7])).toMatchObject({ slope: 2, p: 0 })
  expect(trend([5, 5, 5])).toMatchObject({ slope: 0, p: 1, relativeChange: 0 })
  const normal = normals(3)
  const warming = Array.from({ length: 8 }, (_, at) => 100 + at * 10 + normal())
  const warm = Array.from({ length: 8 }, () => 180 + 4 * normal())
  expect(isSteady(warm.slice(1))).toBe(false)
  expect(isSteady(warming)).toBe(false)
  expect(isSteady([...warming, ...warm])).toBe(true)
  // Certain, but too small to matter.
  expect(isSteady([100, 100.1, 100.2, 100.3, 100.4, 100.5, 100.6, 100.7])).toBe(true)
})

describe('the universal scalability law', () => {
  test('is found again in points that follow it', () => {
    const law = { rate: 1000, contention: 0.05, coherency: 0.002, best: 0 }
    const found = fitScalability([1, 2, 4, 8, 16, 32].map((n) => [n, throughputAt(law, n)] as const))!
    expect(found.rate).toBeCloseTo(1000, 5)
    expect(found.contention).toBeCloseTo(0.05, 8)
    expect(found.coherency).toBeCloseTo(0.002, 8)
    expect(found.best).toBeCloseTo(Math.sqrt(0.95 / 0.002), 5)
  })

  test('never gives a cost below nothing, and needs two counts', () => {
    expect(
      fitScalability([
        [1, 10],
        [1, 11],
      ]),
    ).toBeUndefined()
    expect(
      fitScalability([
        [1, 10],
        [2, 21],
        [4, 42],
      ]),
    ).toMatchObject({ contention: 0, coherency: 0, best: Infinity })
    expect(
      fitScalability([
        [1, 10],
        [2, 15],
      ])!.contention,
    ).toBeCloseTo(1 / 3, 8)
  })
})

function throughputAt({ rate, contention, coherency }: Scalability, workers: number): number {
  return (rate * workers) / (1 + contention * (workers - 1) + coherency * workers * (workers - 1))
}
