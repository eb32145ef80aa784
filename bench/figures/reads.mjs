// get of a 100-byte string from shared memory with fresh keys, and getMany against as many gets.
import { engines, lru, ours } from '../caches.mjs'
import { duel, figure, freshKey, ns, randomOrder, report } from '../harness.mjs'

const value = 'v'.repeat(100)
const rows = []
for (const [entries, name, most, manyMost] of [
  [10_000, '10 k', undefined, 0.9],
  [65_536, '64 k', 1.1, 0.7],
  [1_000_000, '1 M', 0.6, 0.7],
]) {
  const operations = 400_000
  const order = randomOrder(operations, entries)
  const theirs = lru(entries)
  for (let i = 0; i < entries; i++) theirs.set(freshKey(i), value)
  for (const engine of engines) {
    const cache = ours(entries, 136, { engine })
    for (let i = 0; i < entries; i++) cache.set(freshKey(i), value)
    const readOurs = (n) => {
      let length = 0
      for (let i = 0; i < n; i++) length += cache.get(freshKey(order[i])).length
      return length
    }
    const readTheirs = (n) => {
      let length = 0
      for (let i = 0; i < n; i++) length += theirs.get(freshKey(order[i])).length
      return length
    }
    const get = duel(operations, readOurs, readTheirs)
    const limit = engine === 'native' ? most : entries === 1_000_000 ? 1.0 : undefined
    if (limit !== undefined) {
      const detail = `${ns(get.ours)} against ${ns(get.theirs)}`
      rows.push(
        figure(`get 100 B, fresh keys, ${name}, ${engine}`, 'lru-cache', { most: limit }, get.ratio, { detail }),
      )
    }
    if (engine === 'native') {
      const readMany = (n) => {
        let length = 0
        for (let i = 0; i + 32 <= n; i += 32) {
          const keys = []
          for (let j = 0; j < 32; j++) keys.push(freshKey(order[i + j]))
          for (const got of cache.getMany(keys)) length += got.length
        }
        return length
      }
      const many = duel(operations, readMany, readOurs)
      rows.push(
        figure(`getMany(32) a key, ${name}`, '32 × get', { most: manyMost }, many.ratio, { detail: ns(many.ours) }),
      )
    }
    await cache.close()
  }
}
report(rows)
