// The caches that the demo compares, behind one small interface. May touch: the public API, and lru-cache where it is installed.
import type { Cache } from '../index.js'
import { createCache, OstrakaError } from '../index.js'

export const contenderNames = ['native', 'js', 'lru-cache', 'none'] as const
export type ContenderName = (typeof contenderNames)[number]

export interface StoreSettings {
  readonly contender: ContenderName
  /** What the cache may hold: bytes in all for the shared ones, entries in each thread for lru-cache. */
  readonly budget: number
}

/** One thread's way to the bodies: its own cache, or the shared one. */
export interface Store {
  get(key: string): string | undefined
  set(key: string, body: string): void
  /** The body that `load` brings, which is kept; whoever asks meanwhile waits for the same load: in this thread, or of a shared cache in any. */
  load(key: string, load: () => Promise<string>): Promise<string>
  /** Entries that this thread can reach. */
  readonly size: number
  /** Of the shared ones. */
  readonly cache: Cache | undefined
  close(): Promise<void>
}

/** As a server would say it. Both kinds of cache pay for it. */
const ttl = 5 * 60_000

/** Errors: OSTRAKA_ERR_ENGINE_UNAVAILABLE; code DEMO_LRU_CACHE_MISSING where lru-cache is not installed. */
export async function openStore({ contender, budget }: StoreSettings): Promise<Store> {
  if (contender === 'none') return withoutCache()
  if (contender === 'lru-cache') return lruStore(budget)
  // Every core of the demo has its work, and the budgets leave no memory for a thread more.
  return sharedStore(createCache({ name: 'ostraka-demo', maxBytes: budget, ttl, engine: contender, owners: 0 }))
}

function sharedStore(cache: Cache): Store {
  return {
    get: (key) => cache.get<string>(key),
    set: (key, body) => {
      cache.set(key, body)
    },
    load: (key, load) => cache.getOrSet(key, load),
    get size() {
      return cache.size
    },
    cache,
    close: () => cache.close(),
  }
}

function withoutCache(): Store {
  return {
    get: () => undefined,
    set: () => {},
    load: (_key, load) => load(),
    size: 0,
    cache: undefined,
    close: async () => {},
  }
}

/** What the demo uses of it; the package itself needs none. */
export interface LruCache<V> {
  get(key: string): V | undefined
  set(key: string, value: V): unknown
  readonly size: number
}

type LruConstructor = new <V>(options: { max: number; ttl?: number }) => LruCache<V>

/** lru-cache from wherever Node finds it: a rival that no user of this package should have to install. */
export async function importLruCache(): Promise<LruConstructor> {
  try {
    const { LRUCache } = (await import('lru-cache')) as { LRUCache?: LruConstructor }
    if (LRUCache !== undefined) return LRUCache
    throw new Error('its version is too old')
  } catch (cause) {
    const why = (cause as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND' ? 'it is not installed' : String(cause)
    throw Object.assign(new Error(`${why}; to compare: npm install lru-cache`, { cause }), { code: missingLruCache })
  }
}

export const missingLruCache = 'DEMO_LRU_CACHE_MISSING'

/** Loads of one thread that are under way, by key, as lru-cache's own `fetch` keeps them. */
function inFlight(keep: (key: string, body: string) => void): Store['load'] {
  const loads = new Map<string, Promise<string>>()
  return (key, load) => {
    const running = loads.get(key)
    if (running !== undefined) return running
    const loading = load()
      .then((body) => {
        keep(key, body)
        return body
      })
      .finally(() => loads.delete(key))
    loads.set(key, loading)
    return loading
  }
}

async function lruStore(max: number): Promise<Store> {
  const LRUCache = await importLruCache()
  const lru = new LRUCache<string>({ max, ttl })
  const set = (key: string, body: string) => {
    lru.set(key, body)
  }
  return {
    get: (key) => lru.get(key),
    set,
    load: inFlight(set),
    get size() {
      return lru.size
    },
    cache: undefined,
    close: async () => {},
  }
}

/** Whether a contender cannot run here, as against having failed. */
export function isMissing(error: unknown): error is Error {
  return (
    (error instanceof OstrakaError && error.code === 'OSTRAKA_ERR_ENGINE_UNAVAILABLE') ||
    (error as { code?: unknown }).code === missingLruCache
  )
}
