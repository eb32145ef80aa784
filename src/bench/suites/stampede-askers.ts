// The loading caches that stampede compares, as functions that answer for a key: each as its own documentation sets it up. Opened in every
// thread anew. May touch: the packages, where they are installed.
import { createCache } from '../../index.js'
import type { LoadOptions } from '../../loading/load-options.js'
import { imported } from '../rivals/rival.js'

export type Load = (key: string) => Promise<object>
export type Ask = (key: string) => Promise<unknown>

interface Asker {
  readonly ours: boolean
  /** Named by `--rivals`; absent for ours and for no cache function at all. */
  readonly rival?: string
  open(load: Load, ttl: number): Ask | Promise<Ask>
}

const most = 10_000

async function lru(options: { readonly allowStale?: boolean }, load: Load, ttl: number): Promise<Ask> {
  const { LRUCache } = await imported('lru-cache', () => import('lru-cache'))
  const cache = new LRUCache<string, object>({ max: most, ttl, fetchMethod: load, ...options })
  return (key) => cache.fetch(key)
}

async function bento(options: object, load: Load, ttl: number): Promise<Ask> {
  const { BentoCache, bentostore } = await imported('bentocache', () => import('bentocache'))
  const { memoryDriver } = await imported('bentocache', () => import('bentocache/drivers/memory'))
  const store = bentostore().useL1Layer(memoryDriver({ maxItems: most, serialize: false }))
  const cache = new BentoCache({ default: 'memory', stores: { memory: store } })
  return (key) => cache.getOrSet({ key, factory: () => load(key), ttl, ...options })
}

async function dedupe(options: object, load: Load, ttl: number): Promise<Ask> {
  const { createCache: create } = await imported('async-cache-dedupe', () => import('async-cache-dedupe'))
  const settings = { ttl: ttl / 1000, storage: { type: 'memory' as const, options: { size: most } }, ...options }
  const cache = create(settings as Parameters<typeof create>[0]).define('one', (key: string) => load(key))
  return (key) => (cache as unknown as { one(key: string): Promise<unknown> }).one(key)
}

function ostraka(options: LoadOptions<object>): Asker {
  return {
    ours: true,
    open: (load, ttl) => {
      const cache = createCache({ name: `stampede ${JSON.stringify(options)}`, maxBytes: '16mb' })
      return (key) => cache.getOrSet<object>(key, ({ key }) => load(key), { ttl, ...options })
    },
  }
}

export const askers: Readonly<Record<string, Asker>> = {
  'get, load, set with lru-cache': {
    ours: false,
    rival: 'lru-cache',
    open: async (load, ttl) => {
      const { LRUCache } = await imported('lru-cache', () => import('lru-cache'))
      const cache = new LRUCache<string, object>({ max: most, ttl })
      return async (key) => {
        const found = cache.get(key)
        if (found !== undefined) return found
        const value = await load(key)
        cache.set(key, value)
        return value
      }
    },
  },
  'lru-cache fetch': { ours: false, rival: 'lru-cache', open: (load, ttl) => lru({}, load, ttl) },
  'lru-cache fetch, allowStale': {
    ours: false,
    rival: 'lru-cache',
    open: (load, ttl) => lru({ allowStale: true }, load, ttl),
  },
  'cacheable getOrSet': {
    ours: false,
    rival: 'cacheable',
    open: async (load, ttl) => {
      const { Cacheable } = await imported('cacheable', () => import('cacheable'))
      const cache = new Cacheable()
      return (key) => cache.getOrSet(key, () => load(key), { ttl })
    },
  },
  'async-cache-dedupe': { ours: false, rival: 'async-cache-dedupe', open: (load, ttl) => dedupe({}, load, ttl) },
  'async-cache-dedupe, stale': {
    ours: false,
    rival: 'async-cache-dedupe',
    open: (load, ttl) => dedupe({ stale: 60 }, load, ttl),
  },
  bentocache: { ours: false, rival: 'bentocache', open: (load, ttl) => bento({}, load, ttl) },
  'bentocache, grace, timeout 0': {
    ours: false,
    rival: 'bentocache',
    open: (load, ttl) => bento({ grace: '1m', timeout: 0 }, load, ttl),
  },
  ostraka: ostraka({}),
  'ostraka, ttlJitter 0.3': ostraka({ ttlJitter: 0.3 }),
  'ostraka, earlyExpiry': ostraka({ earlyExpiry: true }),
  'ostraka, earlyExpiry and ttlJitter 0.3': ostraka({ earlyExpiry: true, ttlJitter: 0.3 }),
  'ostraka, refreshAhead 0.2': ostraka({ refreshAhead: 0.2 }),
  'ostraka, grace, softTimeout 0': ostraka({ grace: '1m', softTimeout: 0 }),
}
