// The histogram of latencies: quantiles within its promised error, whatever the samples.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LatencyHistogram } from '../../src/replay/latency.js'

const exact = (sorted: readonly number[], share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!

test('quantiles are never below the truth and at most 0.8 % above it', () => {
  const sample = fc.oneof(fc.nat(300), fc.nat(100_000), fc.integer({ min: 0, max: 2 ** 31 }), fc.maxSafeNat())
  fc.assert(
    fc.property(
      fc.array(sample, { minLength: 1, maxLength: 200 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (samples, share) => {
        const capped = samples.map((value) => Math.min(value, 2 ** 40 - 1)).sort((a, b) => a - b)
        const histogram = new LatencyHistogram()
        for (const value of samples) histogram.record(value)
        const truth = exact(capped, share)
        expect(histogram.samples).toBe(samples.length)
        expect(histogram.quantile(share)).toBeGreaterThanOrEqual(truth)
        expect(histogram.quantile(share)).toBeLessThanOrEqual(truth * 1.008)
      },
    ),
  )
})

test('the sum of two is the histogram of all samples', () => {
  const [one, other, all] = [new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram()]
  for (let i = 0; i < 1000; i++) {
    ;(i % 3 === 0 ? one : other).record(i * i)
    all.record(i * i)
  }
  one.add(other)
  for (const share of [0, 0.1, 0.5, 0.99, 0.999, 1]) expect(one.quantile(share)).toBe(all.quantile(share))
})

test('without samples there is no quantile', () => {
  expect(new LatencyHistogram().quantile(0.5)).toBeNaN()
})
