// The caches that figures compare, set up alike: ours in either engine, and lru-cache 11 with a ttl, as its README does.
import { LRUCache } from 'lru-cache'
import { createCache } from '../dist/index.js'

export const HOUR = 3_600_000
let names = 0

/** Our cache with near off unless asked for, roomy enough that nothing of `entries` of about `entryBytes` is evicted. */
export function ours(entries, entryBytes, options = {}) {
  const maxBytes = Math.max(64 * 1024 * 1024, Math.ceil(entries * (entryBytes + 40) * 1.35))
  return createCache({ name: `bench-${names++}`, maxBytes, entryBytes, near: false, ...options })
}

export function lru(entries) {
  return new LRUCache({ max: entries, ttl: HOUR })
}

export const nativeThere = (() => {
  try {
    const cache = createCache({ name: 'bench-probe', engine: 'native', maxBytes: '1mb' })
    void cache.close()
    return true
  } catch {
    return false
  }
})()

export const engines = nativeThere ? ['native', 'js'] : ['js']
