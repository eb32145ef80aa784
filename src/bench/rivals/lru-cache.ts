// lru-cache with `max` and `ttl`, as its README begins. Copies are JSON text: it has no mode of its own that copies.
import type { BenchmarkCache } from '../runner/target.js'
import { imported, type Rival, type RivalOptions } from './rival.js'

export const lruCache: Rival = {
  name: 'lru-cache',
  ours: false,
  package: 'lru-cache',
  module: import.meta.url,
  modes: ['reference', 'copy'],
  bound: 'entries',
  shared: false,
  asynchronous: false,
  follows: true,
  guessedOverhead: 350,
}

const hour = 3_600_000

export async function open(options: unknown): Promise<BenchmarkCache> {
  const { mode, budget, ttl, follow = false } = options as RivalOptions
  const { LRUCache } = await imported('lru-cache', () => import('lru-cache'))
  let now = 1
  // Its clock is kept for a millisecond by default, and a timer then forgets it: no use where time comes from elsewhere.
  const clock = follow ? { perf: { now: () => now }, ttlResolution: 0 } : {}
  const held = new LRUCache<string, NonNullable<unknown>>({ max: budget, ttl: ttl || hour, ...clock })
  const set = (key: string, value: NonNullable<unknown>, own: number) =>
    held.set(key, value, own > 0 ? { ttl: own } : undefined)
  return {
    ...(mode === 'reference'
      ? {
          get: (key: string) => held.get(key),
          set: (key: string, value: unknown, own: number) => set(key, value!, own),
        }
      : {
          get: (key: string) => {
            const text = held.get(key)
            return text === undefined ? undefined : JSON.parse(text as string)
          },
          set: (key: string, value: unknown, own: number) => set(key, JSON.stringify(value), own),
        }),
    delete: (key) => held.delete(key),
    size: () => held.size,
    ...(follow
      ? {
          follow: (time: number) => {
            now = time + 1
          },
        }
      : {}),
  }
}
