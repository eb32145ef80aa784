// get of an object that the thread keeps near, against lru-cache: keys that are the same strings again, and keys built anew; and with a tag.
import { HOUR, lru, ours } from '../caches.mjs'
import { duel, figure, freshKey, ns, randomOrder, report, reusedKeys } from '../harness.mjs'

const rows = []
for (const [entries, name] of [
  [1_000, '1 k'],
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

// An entry with tags against one without: what it takes to know that none of them was invalidated.
{
  const entries = 10_000
  const operations = 400_000
  const order = randomOrder(operations, entries)
  const keys = reusedKeys(entries)
  const cache = ours(entries, 96, { near: { maxEntries: 2 * entries, maxBytes: '1gb' } })
  const [plain, tagged] = [cache.namespace('plain'), cache.namespace('tagged')]
  for (let i = 0; i < entries; i++) {
    plain.set(keys[i], { id: i })
    tagged.set(keys[i], { id: i }, { tags: ['all'] })
  }
  const readTagged = (n) => {
    let sum = 0
    for (let i = 0; i < n; i++) sum += tagged.get(keys[order[i]]).id
    return sum
  }
  const readPlain = (n) => {
    let sum = 0
    for (let i = 0; i < n; i++) sum += plain.get(keys[order[i]]).id
    return sum
  }
  const got = duel(operations, readTagged, readPlain)
  rows.push(
    figure('get of an object with a tag, near, 10 k', 'without', { most: 1.15 }, got.ratio, { detail: ns(got.ours) }),
  )
  await cache.close()
}
report(rows)
