// A thread of the load that `ostraka serve` shows: visitors of a shop, as getOrSet, get, set, getMany and invalidations with the waits that an origin has. Runs until
// it is terminated. May touch: the cache of that name.
import { setTimeout as wait } from 'node:timers/promises'
import { createCache } from '../index.js'

const PRODUCTS = 200_000
const VISITORS = 20_000
/** Operations between two pauses, so that the load leaves the machine to others. */
const AT_ONCE = 60

const cache = createCache({ name: 'demonstration' })
const products = cache.namespace<{ id: number; name: string; text: string }>('products', { ttl: '2m' })
const sessions = cache.namespace<{ visitor: number; seen: number[] }>('sessions', { ttl: '30s' })

/** Few are asked for often, many seldom. */
function popular(count: number): number {
  return Math.min(count - 1, Math.floor(count ** Math.random()) - 1)
}

async function loadProduct(id: number) {
  await wait(2 + Math.random() * 20 + (Math.random() < 0.002 ? 200 : 0))
  if (Math.random() < 0.001) throw new Error('the origin did not answer')
  return { id, name: `Product ${id}`, text: 'x'.repeat(200 + (id % 1000)) }
}

async function visit(): Promise<void> {
  const id = popular(PRODUCTS)
  const tags = [`department:${id % 12}`]
  await products.getOrSet(String(id), () => loadProduct(id), { tags }).catch(() => undefined)
  const visitor = popular(VISITORS)
  const session = sessions.get(String(visitor))
  sessions.set(String(visitor), { visitor, seen: [...(session?.seen ?? []).slice(-5), id] })
  if (Math.random() < 0.05) products.getMany(Array.from({ length: 8 }, () => String(popular(PRODUCTS))))
  if (Math.random() < 0.0005) await cache.invalidateTags(`department:${id % 12}`)
}

for (let wave = 0; ; wave++) {
  // More in some minutes than in others.
  const visits = AT_ONCE * (1.2 + Math.sin(wave / 120))
  await Promise.all(Array.from({ length: visits }, visit))
  await wait(5)
}
