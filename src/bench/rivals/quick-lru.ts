// quick-lru with `maxSize`, as its README begins; a time to live only where the workload has one, since without it it is faster.
import type { BenchmarkCache } from '../runner/target.js'
import { imported, type Rival, type RivalOptions } from './rival.js'

export const quickLru: Rival = {
  name: 'quick-lru',
  ours: false,
  package: 'quick-lru',
  module: import.meta.url,
  modes: ['reference', 'copy'],
  bound: 'entries',
  shared: false,
  asynchronous: false,
  follows: false,
  guessedOverhead: 200,
}

export async function open(options: unknown): Promise<BenchmarkCache> {
  const { mode, budget } = options as RivalOptions
  const { default: QuickLRU } = await imported('quick-lru', () => import('quick-lru'))
  // It keeps two generations of up to `maxSize` each: what is bounded is half of what it holds at most.
  const held = new QuickLRU<string, unknown>({ maxSize: Math.max(1, Math.ceil(budget / 2)) })
  const set = (key: string, value: unknown, ttl: number) => held.set(key, value, ttl > 0 ? { maxAge: ttl } : undefined)
  return {
    ...(mode === 'reference'
      ? { get: (key: string) => held.get(key), set }
      : {
          get: (key: string) => {
            const text = held.get(key)
            return text === undefined ? undefined : JSON.parse(text as string)
          },
          set: (key: string, value: unknown, ttl: number) => set(key, JSON.stringify(value), ttl),
        }),
    delete: (key) => held.delete(key),
    // Its own `size` never says more than `maxSize`, whatever the older generation still holds.
    size: () => [...held.keys()].length,
  }
}
