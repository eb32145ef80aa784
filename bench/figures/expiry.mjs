// get of an entry with a ttl against one without.
import { engines, HOUR, ours } from '../caches.mjs'
import { duel, figure, freshKey, ns, randomOrder, report } from '../harness.mjs'

const entries = 100_000
const operations = 300_000
const order = randomOrder(operations, entries)
const value = 'v'.repeat(100)
const rows = []
for (const engine of engines) {
  const plain = ours(entries, 136, { engine })
  const expiring = ours(entries, 136, { engine })
  for (let i = 0; i < entries; i++) {
    plain.set(freshKey(i), value)
    expiring.set(freshKey(i), value, { ttl: HOUR })
  }
  const read = (cache) => (n) => {
    let length = 0
    for (let i = 0; i < n; i++) length += cache.get(freshKey(order[i])).length
    return length
  }
  const both = duel(operations, read(expiring), read(plain))
  rows.push(
    figure(`get of an entry with ttl, ${engine}`, 'without', { most: 1.15 }, both.ratio, {
      detail: `${ns(both.ours)} against ${ns(both.theirs)}`,
    }),
  )
  await plain.close()
  await expiring.close()
}
report(rows)
