// What huge pages bring: get and set of 100-byte strings over 1 M entries with and without them. Native engine, Linux.
import { nativeThere, ours } from '../caches.mjs'
import { duel, figure, freshKey, ns, randomOrder, report } from '../harness.mjs'

const rows = []
if (nativeThere && process.platform === 'linux') {
  const entries = 1_000_000
  const operations = 300_000
  const order = randomOrder(operations, entries)
  const value = 'v'.repeat(100)
  const [huge, plain] = [true, false].map((hugePages) => {
    const cache = ours(entries, 136, { engine: 'native', hugePages })
    for (let i = 0; i < entries; i++) cache.set(freshKey(i), value)
    return cache
  })
  const read = (cache) => (n) => {
    let length = 0
    for (let i = 0; i < n; i++) length += cache.get(freshKey(order[i])).length
    return length
  }
  const write = (cache) => (n) => {
    for (let i = 0; i < n; i++) cache.set(freshKey(order[i]), value)
    return n
  }
  for (const [name, work] of [
    ['get', read],
    ['set', write],
  ]) {
    const both = duel(operations, work(huge), work(plain))
    const detail = `${ns(both.ours)} against ${ns(both.theirs)}`
    rows.push(figure(`${name}, 1 M entries, huge pages, native`, 'without', { most: 1 }, both.ratio, { detail }))
  }
  await huge.close()
  await plain.close()
}
report(rows)
