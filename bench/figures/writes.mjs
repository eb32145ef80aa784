// set of a 100-byte string: reused and fresh keys, all of them present already (overwriting).
import { engines, lru, ours } from '../caches.mjs'
import { duel, figure, freshKey, ns, randomOrder, report, reusedKeys } from '../harness.mjs'

const value = 'v'.repeat(100)
const rows = []
for (const [entries, what, fresh, most] of [
  [10_000, '10 k reused keys', false, 1.6],
  [65_536, '64 k fresh keys', true, 1.0],
  [1_000_000, '1 M fresh keys', true, 0.6],
]) {
  const operations = 300_000
  const order = randomOrder(operations, entries)
  const keys = fresh ? undefined : reusedKeys(entries)
  const key = fresh ? freshKey : (index) => keys[index]
  const theirs = lru(entries)
  for (let i = 0; i < entries; i++) theirs.set(key(i), value)
  for (const engine of engines) {
    if (engine === 'js' && entries !== 1_000_000) continue
    const cache = ours(entries, 136, { engine })
    for (let i = 0; i < entries; i++) cache.set(key(i), value)
    const write = (target) => (n) => {
      for (let i = 0; i < n; i++) target.set(key(order[i]), value)
      return n
    }
    const set = duel(operations, write(cache), write(theirs))
    const detail = `${ns(set.ours)} against ${ns(set.theirs)}`
    const limit = engine === 'native' ? most : 1.0
    rows.push(figure(`set 100 B, ${what}, ${engine}`, 'lru-cache', { most: limit }, set.ratio, { detail }))
    await cache.close()
  }
}
report(rows)
