// How many threads of its own a cache gets.
import { expect, it } from 'vitest'
import { defaultShared } from '../../src/options/cache-options.js'
import { ownersFor } from '../../src/owners/owner-count.js'

const of = (options: object, cores = 2) => ownersFor({ ...defaultShared, ...options }, () => cores).count

it.each([
  ['by default', {}, 2, 1],
  ['on one core', {}, 1, 0],
  ['with a quota of less than two', {}, 1.5, 0],
  ['on many cores, for memory alone', {}, 64, 1],
  ['where the cache is smaller than a thread', { maxBytes: 2 ** 20 }, 2, 0],
  ['where evictions are to be repeatable', { seed: 1n }, 2, 0],
  ['where the clock is manual', { clock: 'manual' }, 2, 0],
  ['as many as were asked for, whatever the cores', { owners: 3, seed: 1n, maxBytes: 2 ** 20 }, 1, 3],
  ['none if none were', { owners: 0 }, 8, 0],
])('%s', (_, options, cores, count) => {
  expect(of(options, cores)).toBe(count)
})
