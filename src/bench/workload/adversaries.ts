// Requests that bring caches down: floods that push out what is worth keeping, loops a little larger than the cache, a hot set that moves.
// May touch: nothing outside its arguments.
import { randomFrom } from '../../traces/generate.js'
import { rankOf, zipf } from '../../traces/zipf.js'
import { sizeLaw } from './sizes.js'
import { Ask, type Stream, StreamBuilder, scatter } from './stream.js'

export interface Adversary {
  readonly name: string
  readonly what: string
  make(requests: number, keys: number, seed: number): Stream
}

const bytes = sizeLaw({ law: 'fixed', bytes: 200 })

type Next = (at: number) => number

/** Reads, each of the key that `next` names. */
function reads(name: string, requests: number, next: Next, sizeOf = bytes): Stream {
  const builder = new StreamBuilder(name, requests, sizeOf)
  for (let at = 0; at < requests; at++) builder.add(Ask.read, next(at))
  return builder.finish()
}

function popular(keys: number, skew: number, random: () => number): () => number {
  const upTo = zipf(keys, skew)
  const scattered = scatter(keys)
  return () => scattered(rankOf(upTo, random()))
}

export const adversaries: readonly Adversary[] = [
  {
    name: 'moving hot set',
    what: 'the popular keys change all at once, eight times',
    make: (requests, keys, seed) => {
      const next = popular(keys, 1, randomFrom(seed))
      const phase = Math.ceil(requests / 8)
      return reads('moving hot set', requests, (at) => next() + Math.floor(at / phase) * keys)
    },
  },
  {
    name: 'loop between',
    what: 'Zipf, then a loop over all keys, then Zipf again',
    make: (requests, keys, seed) => {
      const next = popular(keys, 1, randomFrom(seed))
      const third = Math.ceil(requests / 3)
      return reads('loop between', requests, (at) => (Math.floor(at / third) === 1 ? keys + (at % keys) : next()))
    },
  },
  {
    name: 'scan flood',
    what: 'half of the requests read keys in order that never come again',
    make: (requests, keys, seed) => {
      const random = randomFrom(seed)
      const next = popular(keys, 0.9, random)
      let scanned = keys
      return reads('scan flood', requests, () => (random() < 0.5 ? scanned++ : next()))
    },
  },
  {
    name: 'one-hit flood',
    what: 'nine of ten requests are for keys never seen before',
    make: (requests, keys, seed) => {
      const random = randomFrom(seed)
      const next = popular(Math.ceil(keys / 10), 0.9, random)
      let fresh = keys
      return reads('one-hit flood', requests, () => (random() < 0.9 ? fresh++ : next()))
    },
  },
  {
    name: 'giant values',
    what: 'one key in fifty has a value of 256 KiB, the others 200 bytes',
    make: (requests, keys, seed) => {
      const sizeOf = sizeLaw({
        law: 'choices',
        of: [
          [200, 49],
          [2 ** 18, 1],
        ],
      })
      return reads('giant values', requests, popular(keys, 0.9, randomFrom(seed)), sizeOf)
    },
  },
]
