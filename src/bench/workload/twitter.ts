// Requests as twelve of Twitter's cache clusters got them in March 2020, made from what was published about each: mix, skew, sizes, times
// to live, requests a key, keys that are asked for once. May touch: nothing outside its arguments.
// Figures: github.com/twitter/cache-trace, stat/2020Mar.md (CC BY 4.0), for the paper of Yang, Yue and Rashmi, OSDI 2020.
import { randomFrom } from '../../traces/generate.js'
import { rankOf, zipf } from '../../traces/zipf.js'
import { sizeLaw } from './sizes.js'
import { Ask, type Stream, StreamBuilder } from './stream.js'

interface Cluster {
  readonly cluster: number
  readonly valueBytes: number
  /** Requests for a key in the week, on average. */
  readonly meanFrequency: number
  /** Share of the keys that were asked for once. */
  readonly once: number
  /** [seconds, share of what is written]. */
  readonly ttls: readonly (readonly [number, number])[]
  readonly reads: number
  readonly writes: number
  readonly deletes?: number
  readonly skew: number
}

const minute = 60
const hour = 3600
const day = 86_400

export const twitterClusters: readonly Cluster[] = [
  {
    cluster: 4,
    valueBytes: 2439,
    meanFrequency: 26.5,
    once: 0.2933,
    ttls: [
      [60, 0.39],
      [300, 0.24],
      [hour, 0.13],
      [600, 0.12],
      [4 * hour, 0.09],
      [day, 0.03],
    ],
    reads: 0.93,
    writes: 0.07,
    skew: 1.1004,
  },
  {
    cluster: 6,
    valueBytes: 252,
    meanFrequency: 327.3,
    once: 0.0063,
    ttls: [
      [490, 1],
      [520, 1],
      [550, 1],
      [580, 1],
      [596, 1],
    ],
    reads: 0.98,
    writes: 0.02,
    skew: 1.882,
  },
  {
    cluster: 7,
    valueBytes: 1936,
    meanFrequency: 72.9,
    once: 0.0001,
    ttls: [
      [1.8 * hour, 0.28],
      [1.7 * hour, 0.24],
      [1.9 * hour, 0.23],
      [1.6 * hour, 0.13],
      [2 * hour, 0.12],
    ],
    reads: 0.82,
    writes: 0.18,
    skew: 1.0666,
  },
  {
    cluster: 8,
    valueBytes: 9497,
    meanFrequency: 1532.6,
    once: 0.0034,
    ttls: [[1380, 1]],
    reads: 0.5,
    writes: 0.5,
    skew: 1.7366,
  },
  {
    cluster: 9,
    valueBytes: 39,
    meanFrequency: 463.9,
    once: 0.085,
    ttls: [
      [2 * hour, 0.79],
      [1.5 * hour, 0.21],
    ],
    reads: 0.99,
    writes: 0.01,
    skew: 1.6796,
  },
  {
    cluster: 12,
    valueBytes: 1030,
    meanFrequency: 1.3,
    once: 0.8143,
    ttls: [[5 * minute, 1]],
    reads: 0.2,
    writes: 0.8,
    skew: 0.3048,
  },
  {
    cluster: 13,
    valueBytes: 4266,
    meanFrequency: 1.6,
    once: 0.6439,
    ttls: [[5 * minute, 1]],
    reads: 0.38,
    writes: 0.62,
    skew: 0.4565,
  },
  {
    cluster: 14,
    valueBytes: 414,
    meanFrequency: 35.4,
    once: 0.1094,
    ttls: [[day, 1]],
    reads: 0.65,
    writes: 0.13,
    deletes: 0.22,
    skew: 1.2959,
  },
  {
    cluster: 16,
    valueBytes: 115,
    meanFrequency: 277,
    once: 0.0189,
    ttls: [[hour, 1]],
    reads: 0.93,
    writes: 0.05,
    skew: 1.7862,
  },
  {
    cluster: 19,
    valueBytes: 101,
    meanFrequency: 4.7,
    once: 0.0746,
    ttls: [
      [7.4 * hour, 1],
      [7.1 * hour, 1],
      [6.8 * hour, 1],
    ],
    reads: 0.75,
    writes: 0.25,
    skew: 0.735,
  },
  {
    cluster: 26,
    valueBytes: 1745,
    meanFrequency: 13,
    once: 0.0011,
    ttls: [
      [60, 0.67],
      [120, 0.12],
      [360, 0.09],
      [600, 0.06],
      [660, 0.03],
    ],
    reads: 0.71,
    writes: 0.29,
    skew: 0.6299,
  },
  {
    cluster: 28,
    valueBytes: 85,
    meanFrequency: 66.2,
    once: 0.2713,
    ttls: [
      [3 * hour, 0.56],
      [1.2 * day, 0.43],
    ],
    reads: 0.91,
    writes: 0.06,
    skew: 1.503,
  },
]

const week = 7 * day

/**
 * `keys` are those of the whole week; the stream is its first so many requests, on a clock of its own. Fewer keys than the cluster had mean
 * as many fewer requests a second, so that each key is asked for as often, and lives as long, as it did there.
 */
export function twitterStream(of: Cluster, requests: number, keys: number, seed: number): Stream {
  const { cluster, meanFrequency, once, skew, ttls, reads, writes, deletes = 0 } = of
  const random = randomFrom(seed)
  const repeated = Math.max(1, Math.round(keys * (1 - once)))
  const upTo = zipf(repeated, skew)
  const millisecondsApart = (week / (keys * meanFrequency)) * 1000
  const onceShare = once / meanFrequency
  const ttlWhole = ttls.reduce((sum, [, share]) => sum + share, 0)
  const builder = new StreamBuilder(
    `Twitter ${cluster}`,
    requests,
    sizeLaw({ law: 'log-normal', median: of.valueBytes * Math.exp(-0.125), sigma: 0.5, most: 2 ** 18 }),
  )
  const whole = reads + writes + deletes
  let next = repeated
  for (let at = 0; at < requests; at++) {
    const key = random() < onceShare ? next++ : rankOf(upTo, random())
    const which = random() * whole
    const ask = which < reads ? Ask.read : which < reads + writes ? Ask.update : Ask.remove
    let left = random() * ttlWhole
    const ttl = ttls.find(([, share]) => {
      left -= share
      return left < 0
    })
    builder.add(ask, key, Math.round((ttl ?? ttls[0]!)[0] * 1000), at * millisecondsApart)
  }
  return builder.finish()
}
