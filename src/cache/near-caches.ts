// The near caches of one engine: views with the same bounds share one store, and the same view made twice (two modules with the same line)
// shares one near cache, so that nothing is kept twice. Touches its own lists.
import type { Regions } from '../engine/create.js'
import type { Engine } from '../engine/engine.js'
import type { NearSettings } from '../options/cache-options.js'
import { NearCache } from './near.js'
import { NearRecords, WORLD } from './near-record.js'
import { NearStore } from './near-store.js'

/** Of each of the two lists. Beyond, the oldest is forgotten here; a view that holds it keeps it. */
const MOST_KNOWN = 256

export class NearCaches {
  readonly #engine: Engine
  readonly #records: NearRecords
  readonly #stores = new Map<string, NearStore>()
  readonly #caches = new Map<string, NearCache>()

  constructor(engine: Engine, regions: Regions) {
    this.#engine = engine
    this.#records = new NearRecords(regions)
  }

  /** The near cache of the view whose keys have this prefix; undefined where none could ever keep anything. */
  of(settings: NearSettings | undefined, prefix: string): NearCache | undefined {
    if (settings === undefined || settings.values === 'copy') return undefined
    const bounds = JSON.stringify(settings)
    return getOrMake(this.#caches, `${bounds}${prefix}`, () => {
      const world = () => Atomics.load(this.#records.control, WORLD)
      const store = getOrMake(this.#stores, bounds, () => {
        return new NearStore(settings, this.#engine, this.#records, world())
      })
      return new NearCache(store)
    })
  }

  /** The thread's last handle is closed: whoever goes on holding a view holds no shared memory by it. */
  release(): void {
    this.#records.release()
    this.#stores.clear()
    this.#caches.clear()
  }

  /** So that what this thread reads of its counters is exact. */
  countHits(): void {
    for (const cache of this.#caches.values()) cache.countHits()
  }
}

function getOrMake<T>(known: Map<string, T>, key: string, make: () => T): T {
  const there = known.get(key)
  if (there !== undefined) return there
  const made = make()
  if (known.size >= MOST_KNOWN) known.delete(known.keys().next().value as string)
  known.set(key, made)
  return made
}
