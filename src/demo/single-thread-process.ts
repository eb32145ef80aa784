// Times get and set of a small set of hot objects on one thread, in each cache in turn, several rounds. Forked by the demo.
// May touch: caches of its own.
import { createCache } from '../index.js'
import { answer } from './calls.js'
import { importLruCache, isMissing } from './store.js'

export interface StoreTimes {
  readonly contender: 'native' | 'js' | 'lru-cache'
  /** Nanoseconds, medians of the rounds. */
  readonly get: number
  readonly set: number
}

const objects = 1000
const operations = 50_000
const rounds = 7

interface Timed {
  readonly contender: StoreTimes['contender']
  get(key: string): unknown
  set(key: string, value: object): unknown
  readonly gets: number[]
  readonly sets: number[]
}

async function contenders(): Promise<Timed[]> {
  const found: Timed[] = []
  for (const contender of ['native', 'js', 'lru-cache'] as const) {
    try {
      if (contender === 'lru-cache') {
        const LRUCache = await importLruCache()
        const lru = new LRUCache<object>({ max: objects, ttl: 60_000 })
        found.push({
          contender,
          get: (key) => lru.get(key),
          set: (key, value) => lru.set(key, value),
          gets: [],
          sets: [],
        })
      } else {
        const cache = createCache({
          name: `ostraka-demo-${contender}`,
          maxBytes: '8mb',
          ttl: 60_000,
          engine: contender,
        })
        found.push({
          contender,
          get: (key) => cache.get(key),
          set: (key, value) => cache.set(key, value),
          gets: [],
          sets: [],
        })
      }
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }
  return found
}

/** What the loops read ends here, so that no compiler may leave them out. */
export let consumed = 0

function nanoseconds(work: (at: number) => unknown): number {
  const begun = process.hrtime.bigint()
  for (let at = 0; at < operations; at++) if (work(at) !== undefined) consumed++
  return Number(process.hrtime.bigint() - begun) / operations
}

const answers = {
  measure: async () => {
    const keys = Array.from({ length: objects }, (_, i) => `user:${1000 + i}`)
    const values = keys.map((key, i) => ({ id: key, name: `User ${i}`, roles: ['reader'], visits: i }))
    const stores = await contenders()
    for (let round = 0; round < rounds; round++) {
      for (const { get, set, gets, sets } of stores) {
        sets.push(nanoseconds((at) => set(keys[at % objects]!, values[at % objects]!)))
        gets.push(nanoseconds((at) => get(keys[at % objects]!)))
      }
    }
    const middle = (times: number[]) => times.sort((a, b) => a - b)[rounds >> 1]!
    return {
      objects,
      times: stores.map(({ contender, gets, sets }) => ({ contender, get: middle(gets), set: middle(sets) })),
    }
  },
}
export type SingleThreadAnswers = typeof answers

answer(process, answers)
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())
