// The native engine against the pure-JS one, in one process.
import { nativeThere, ours } from '../caches.mjs'
import { duel, figure, freshKey, ns, randomOrder, report } from '../harness.mjs'

const rows = []
if (nativeThere) {
  const entries = 200_000
  const operations = 200_000
  const order = randomOrder(operations, entries)
  const value = 'v'.repeat(100)
  const caches = ['native', 'js'].map((engine) => {
    const cache = ours(entries, 136, { engine })
    for (let i = 0; i < entries; i++) cache.set(freshKey(i), value)
    return cache
  })
  const small = ['native', 'js'].map((engine) => ours(0, 136, { engine, maxBytes: '16mb' }))
  const works = {
    get: (cache) => (n) => {
      let length = 0
      for (let i = 0; i < n; i++) length += cache.get(freshKey(order[i])).length
      return length
    },
    set: (cache) => (n) => {
      for (let i = 0; i < n; i++) cache.set(freshKey(order[i]), value)
      return n
    },
    getMany: (cache) => (n) => {
      let length = 0
      for (let i = 0; i + 32 <= n; i += 32) {
        const keys = []
        for (let j = 0; j < 32; j++) keys.push(freshKey(order[i + j]))
        for (const got of cache.getMany(keys)) length += got.length
      }
      return length
    },
  }
  for (const [name, work] of Object.entries(works)) {
    const both = duel(operations, work(caches[0]), work(caches[1]))
    rows.push(
      figure(`${name}, native`, 'pure JS', { most: 1 }, both.ratio, {
        detail: `${ns(both.ours)} against ${ns(both.theirs)}`,
      }),
    )
  }
  let serial = 0
  const churn = (cache) => (n) => {
    for (let i = 0; i < n; i++) cache.set(freshKey(serial++), value)
    return n
  }
  const both = duel(operations, churn(small[0]), churn(small[1]))
  rows.push(
    figure('churn (every set evicts), native', 'pure JS', { most: 1 }, both.ratio, {
      detail: `${ns(both.ours)} against ${ns(both.theirs)}`,
    }),
  )
  for (const cache of [...caches, ...small]) await cache.close()
}
report(rows)
