// Every cache that suites compare, and which of them run here. May touch: whether packages and servers are there.
import type { Skipped } from '../results/result.js'
import { bentocache } from './bentocache.js'
import { lmdb } from './lmdb.js'
import { lruCache } from './lru-cache.js'
import { map } from './map.js'
import { type EngineName, open, ostraka } from './ostraka.js'
import { quickLru } from './quick-lru.js'
import { redis, redisClientCache } from './redis.js'
import { imported, type Rival, RivalMissing } from './rival.js'

export const rivals: readonly Rival[] = [map, lruCache, quickLru, lmdb, bentocache, redis, redisClientCache]

/** How they are named on a command line. */
export const rivalIds: Readonly<Record<string, Rival>> = {
  map,
  'lru-cache': lruCache,
  'quick-lru': quickLru,
  lmdb,
  bentocache,
  redis,
  'redis-client-cache': redisClientCache,
}

export interface Field {
  readonly ours: readonly Rival[]
  readonly rivals: readonly Rival[]
  readonly skipped: readonly Skipped[]
}

/** Those of the wanted ones that run here, and why the others do not. Starts a server for a moment where a rival needs one. */
export async function takeField(engines: readonly EngineName[], wanted: readonly string[]): Promise<Field> {
  const skipped: Skipped[] = []
  const running = async (rival: Rival): Promise<boolean> => {
    try {
      if (rival.ours) {
        await open({
          mode: 'copy',
          budget: 2 ** 20,
          ttl: 0,
          ...(rival.more ? { more: rival.more } : {}),
          id: 'bench-probe',
        }).close?.()
      } else if (rival.prepare) await (await rival.prepare(0)).stop()
      else if (rival.package) await imported(rival.package, () => import(rival.package!))
      return true
    } catch (error) {
      if (!(error instanceof RivalMissing)) throw error
      skipped.push({ what: rival.name, reason: error.message })
      return false
    }
  }
  const ours: Rival[] = []
  for (const engine of engines.map(ostraka)) if (await running(engine)) ours.push(engine)
  const others: Rival[] = []
  for (const rival of wanted.map((id) => rivalIds[id]!)) if (await running(rival)) others.push(rival)
  return { ours, rivals: others, skipped }
}
