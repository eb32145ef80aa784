// What observing costs: each level against counting nothing, for the operations that are short enough to feel it. Two caches of one
// process, alike but for the level, in turns.

import { createCache } from '../../dist/index.js'
import { engines } from '../caches.mjs'
import { duel, figure, freshKey, ns, randomOrder, report, reusedKeys } from '../harness.mjs'

const entries = 10_000
const operations = 20_000
const order = randomOrder(operations, entries)
const keys = reusedKeys(entries)
const text = 'v'.repeat(100)
const rows = []
const open = (engine, stats, near) =>
  createCache({
    name: `observing-${engine}-${stats}-${near}`,
    maxBytes: '64mb',
    engine,
    stats,
    near: near ? {} : false,
  })

const kinds = {
  'get of a string from L1': {
    near: false,
    value: () => text,
    run: (cache) => (n) => {
      let found = 0
      for (let i = 0; i < n; i++) found += cache.get(freshKey(order[i])).length
      return found
    },
  },
  'get of an object, near': {
    near: true,
    value: (i) => ({ id: i }),
    run: (cache) => (n) => {
      let found = 0
      for (let i = 0; i < n; i++) found += cache.get(keys[order[i]]).id
      return found
    },
  },
  'set of a string': {
    near: false,
    value: () => text,
    run: (cache) => (n) => {
      let stored = 0
      for (let i = 0; i < n; i++) stored += cache.set(keys[order[i]], text) ? 1 : 0
      return stored
    },
  },
}
// What is held of 'full' is that it stays usable: it reads two clocks on each operation.
const limits = { counters: 1.05, sampled: 1.05, full: 12 }
for (const engine of engines) {
  for (const [kind, { near, value, run }] of Object.entries(kinds)) {
    for (const [level, most] of Object.entries(limits)) {
      const off = open(engine, 'off', near)
      const on = open(engine, level, near)
      for (const cache of [off, on]) for (let i = 0; i < entries; i++) cache.set(freshKey(i), value(i))
      const both = duel(operations, run(on), run(off), 41)
      rows.push(
        figure(`${kind}, ${engine}, ${level}`, 'off', { most }, both.ratio, {
          detail: `${ns(both.ours)} against ${ns(both.theirs)}`,
        }),
      )
      await off.close()
      await on.close()
    }
  }
}
report(rows)
