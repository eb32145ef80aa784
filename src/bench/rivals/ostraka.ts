// Ours, in either engine: by reference with a near cache as large as the entries, as copies without one.

import { OstrakaError } from '../../errors.js'
import { createCache } from '../../index.js'
import type { CacheOptions } from '../../options/cache-options.js'
import type { BenchmarkCache } from '../runner/target.js'
import { type Rival, RivalMissing, type RivalOptions } from './rival.js'

export type EngineName = 'native' | 'js'

export function ostraka(engine: EngineName): Rival {
  return {
    name: `ostraka ${engine}`,
    ours: true,
    module: import.meta.url,
    modes: ['reference', 'copy'],
    bound: 'bytes',
    shared: true,
    asynchronous: false,
    follows: true,
    guessedOverhead: 40,
    more: { engine },
  }
}

/** Near as large as the entries of a thread may become: what is measured is the cache, not its smallest part. */
const near = { maxEntries: 2_000_000, maxBytes: '1gb', maxValueBytes: '1mb' } as const

/** Errors: RivalMissing where the engine does not run. */
export function open(options: unknown): BenchmarkCache {
  const { mode, budget, ttl, follow = false, more = {}, id } = options as RivalOptions
  const settings: CacheOptions = {
    ...(id === undefined ? {} : { name: id }),
    maxBytes: budget,
    ...(ttl > 0 ? { ttl } : {}),
    near: mode === 'reference' ? near : false,
    ...(follow ? { clock: 'manual' } : {}),
    ...more,
  }
  let followed = 0
  try {
    const cache = createCache(settings)
    return {
      get: (key) => cache.get(key),
      set: (key, value, own) => cache.set(key, value as string, own > 0 ? { ttl: own } : undefined),
      delete: (key) => cache.delete(key),
      getMany: (keys) => cache.getMany(keys),
      size: () => cache.size,
      close: () => cache.close(),
      ...(follow
        ? {
            follow: (time: number) => {
              cache.advance(Math.max(0, time - followed))
              followed = time
            },
          }
        : {}),
    }
  } catch (error) {
    if (error instanceof OstrakaError && error.code === 'OSTRAKA_ERR_ENGINE_UNAVAILABLE') {
      throw new RivalMissing(error.message, { cause: error })
    }
    throw error
  }
}
