// Histograms in shared memory against the values themselves.
import { describe, expect, it } from 'vitest'
import { createRegions } from '../../src/engine/create.js'
import { HISTOGRAM_BUCKETS } from '../../src/engine/layout.js'
import { bucketOf, Histograms, merged, middleOf, quantileOf, summaryOf, Timed } from '../../src/stats/histogram.js'
import { CARRIES_AT, layoutOf } from '../../src/stats/layout.js'

function histograms(maxBytes = 64 * 2 ** 20) {
  const regions = createRegions({ maxBytes })
  const layout = layoutOf(regions.observed.byteLength)
  return { regions, layout, all: new Histograms(regions.control.buffer, regions.observed, layout) }
}

/** Of several shapes that latencies have: two humps, a long tail, all alike. */
const shapes: Record<string, () => number> = {
  'a hump and a far one': () => (Math.random() < 0.97 ? 80 + Math.random() * 40 : 2e6 + Math.random() * 1e6),
  'a long tail': () => Math.exp(4 + 3 * Math.abs(Math.random() + Math.random() + Math.random() - 1.5) * 2),
  'all alike': () => 137,
  seconds: () => 1e9 + Math.random() * 6e10,
}

describe('histograms', () => {
  it.each(Object.entries(shapes))('are within one percent at every quantile: %s', (_, draw) => {
    const { all } = histograms()
    const values = Float64Array.from({ length: 40_000 }, () => Math.floor(draw()))
    for (const value of values) all.record(Timed.get, value)
    const sorted = values.toSorted()
    const counts = all.read(Timed.get)!
    for (const quantile of [0.001, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1]) {
      const exact = sorted[Math.max(0, Math.ceil(values.length * quantile) - 1)]!
      const shown = quantileOf(counts, quantile)
      expect(Math.abs(shown - exact), `${quantile}: ${shown} for ${exact}`).toBeLessThanOrEqual(exact * 0.01)
    }
    const summary = summaryOf(counts)!
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length / 1e6
    expect(summary.count).toBe(values.length)
    expect(Math.abs(summary.mean - mean)).toBeLessThanOrEqual(mean * 0.01)
  })

  it('cut every value into the bucket around it, in order', () => {
    let last = -1
    for (let exponent = 0; exponent < 36; exponent += 0.003) {
      const value = Math.floor(2 ** exponent)
      const bucket = bucketOf(value)
      expect(bucket).toBeGreaterThanOrEqual(last)
      expect(Math.abs(middleOf(bucket) - value)).toBeLessThanOrEqual(value / 100)
      last = bucket
    }
    expect(bucketOf(0)).toBe(0)
    expect(bucketOf(-1)).toBe(0)
    expect(bucketOf(Number.NaN)).toBe(0)
    expect(bucketOf(1e18)).toBe(HISTOGRAM_BUCKETS - 1)
    expect(bucketOf(Infinity)).toBe(HISTOGRAM_BUCKETS - 1)
  })

  it('go on where a bucket has counted to 2^32', () => {
    const { all, regions } = histograms()
    const buckets = new Uint32Array(regions.control.buffer, 0xe800, HISTOGRAM_BUCKETS)
    buckets[bucketOf(100)] = 0xffff_ffff
    all.record(Timed.get, 100)
    all.record(Timed.get, 100)
    expect(all.read(Timed.get)![bucketOf(100)]).toBe(2 ** 32 + 1)
    expect(all.read(Timed.set)![bucketOf(100)]).toBe(0)
    expect(new Int32Array(regions.observed, CARRIES_AT, 2)).toEqual(Int32Array.of(bucketOf(100) + 1, 1))
  })

  it('add up', () => {
    const { all } = histograms()
    for (let i = 1; i <= 100; i++) {
      all.record(Timed.get, i * 1000)
      all.record(Timed.set, i * 2000)
    }
    const sum = merged([all.read(Timed.get)!, all.read(Timed.set)!])
    expect(summaryOf(sum)!.count).toBe(200)
    expect(quantileOf(sum, 1)).toBeGreaterThan(198_000)
  })

  it('tell nothing where nothing was timed, and where a small cache has no room for them', () => {
    const { all } = histograms(2 ** 20)
    expect(summaryOf(all.read(Timed.load))).toBeUndefined()
    all.record(Timed.wait, 1000)
    expect(all.read(Timed.wait)).toBeUndefined()
    expect(quantileOf(new Float64Array(HISTOGRAM_BUCKETS), 0.5)).toBeNaN()
  })
})

describe('the observed memory', () => {
  it.each([1, 4, 8, 20, 64, 1024])('holds all its parts one after another: of %i MiB', (mib) => {
    const bytes = createRegions({ maxBytes: mib * 2 ** 20 }).observed.byteLength
    const { rings, heat, slices, events, changes, histograms: more } = layoutOf(bytes)
    expect(bytes).toBeLessThanOrEqual((mib * 2 ** 20) / 16)
    const parts = [more, ...rings, slices, ...heat, events, changes]
    const sizes = [7936, 256, 256, 256, 256, 96, 96, 96, 128, 128]
    for (const [index, part] of parts.entries()) {
      expect(part.at % 8).toBe(0)
      const end = part.at + part.length * sizes[index]!
      expect(end).toBeLessThanOrEqual(parts[index + 1]?.at ?? bytes)
      if (index > 0 && part !== slices) expect(part.length).toBeGreaterThanOrEqual(6)
    }
  })
})
