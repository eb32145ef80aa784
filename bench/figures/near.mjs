// get of an object that the thread keeps near, against lru-cache: keys that are the same strings again, and keys built anew.
import { HOUR, lru, ours } from '../caches.mjs'
import { duel, figure, freshKey, ns, randomOrder, report, reusedKeys } from '../harness.mjs'

const rows = []
for (const [entries, name] of [
  [10_000, '10 k'],
  [1_000_000, '1 M'],
]) {
  const operations = 400_000
  const order = randomOrder(operations, entries)
  const keys = reusedKeys(entries)
  const valueAt = (i) => ({ id: i, name: `user ${i}`, roles: ['reader'] })
  const theirs = lru(entries)
  for (let i = 0; i < entries; i++) theirs.set(keys[i], valueAt(i))
  for (const ttl of [undefined, HOUR]) {
    const near = { maxEntries: entries, maxBytes: '1gb' }
    const cache = ours(entries, 96, { near, ttl })
    for (let i = 0; i < entries; i++) cache.set(keys[i], valueAt(i))
    for (let i = 0; i < entries; i++) cache.get(keys[i])
    // Loops of their own: in a server, too, a line of code calls one kind of cache.
    const loops = {
      reused: [
        (n) => {
          let sum = 0
          for (let i = 0; i < n; i++) sum += cache.get(keys[order[i]]).id
          return sum
        },
        (n) => {
          let sum = 0
          for (let i = 0; i < n; i++) sum += theirs.get(keys[order[i]]).id
          return sum
        },
      ],
      fresh: [
        (n) => {
          let sum = 0
          for (let i = 0; i < n; i++) sum += cache.get(freshKey(order[i])).id
          return sum
        },
        (n) => {
          let sum = 0
          for (let i = 0; i < n; i++) sum += theirs.get(freshKey(order[i])).id
          return sum
        },
      ],
    }
    for (const [kind, [mine, other]] of Object.entries(loops)) {
      const got = duel(operations, mine, other)
      const what = `get of an object, near${ttl === undefined ? '' : ', with ttl'}, ${kind} keys, ${name}`
      const detail = `${ns(got.ours)} against ${ns(got.theirs)}`
      rows.push(figure(what, 'lru-cache', { most: 1.0 }, got.ratio, { detail }))
    }
    await cache.close()
  }
}
report(rows)
