// bentocache with its memory layer alone: `serialize: false` hands out references, its default copies by JSON.
import type { BenchmarkCache } from '../runner/target.js'
import { imported, type Rival, type RivalOptions } from './rival.js'

export const bentocache: Rival = {
  name: 'bentocache',
  ours: false,
  package: 'bentocache',
  module: import.meta.url,
  modes: ['reference', 'copy'],
  bound: 'entries',
  shared: false,
  asynchronous: true,
  follows: false,
  guessedOverhead: 700,
}

export async function open(options: unknown): Promise<BenchmarkCache> {
  const { mode, budget, ttl } = options as RivalOptions
  const { BentoCache, bentostore } = await imported('bentocache', () => import('bentocache'))
  const { memoryDriver } = await imported('bentocache', () => import('bentocache/drivers/memory'))
  const memory = bentostore().useL1Layer(
    memoryDriver({ maxItems: budget, ...(mode === 'reference' ? { serialize: false } : {}) }),
  )
  const cache = new BentoCache({ default: 'memory', stores: { memory }, ttl: ttl || '1h' })
  return {
    asynchronous: true,
    get: (key) => cache.get({ key }),
    set: (key, value, own) => cache.set({ key, value, ...(own > 0 ? { ttl: own } : {}) }),
    delete: (key) => cache.delete({ key }),
    close: () => cache.disconnectAll(),
  }
}
