// get of an entry with a ttl, with tags and with a soft expiry, against one without.
import { createRegions } from '../../dist/engine/create.js'
import { attachJs } from '../../dist/engine/js/engine.js'
import { loadAddon } from '../../dist/engine/load-addon.js'
import { attachNative } from '../../dist/engine/native.js'
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

// What the engines themselves take: entries of every sort in memories of the same size, keys in the same order.
const sorts = {
  tag: { tags: [1] },
  'four tags': { tags: [1, 2, 3, 4] },
  'soft expiry': { soft: HOUR, ttl: 2 * HOUR },
}
for (const name of engines) {
  const attach = name === 'js' ? attachJs : (regions) => attachNative(regions, loadAddon().addon)
  const filled = (fields) => {
    const engine = attach(createRegions({ maxBytes: 64 * 1024 * 1024, entryBytes: 136 }))
    const none = { ttl: -1, idle: -1, soft: -1, cost: -1, lease: 0, stamp: engine.tagStamp() }
    const all = { ...none, ...fields, tags: new Uint32Array(fields.tags ?? []) }
    for (let i = 0; i < entries; i++) engine.writeEntry(freshKey(i), value, 0, 0, all)
    return engine
  }
  const read = (engine) => (n) => {
    let length = 0
    for (let i = 0; i < n; i++) length += engine.read(freshKey(order[i]), true).length
    return length
  }
  const plain = filled({})
  for (const [sort, fields] of Object.entries(sorts)) {
    const other = filled(fields)
    const both = duel(operations, read(other), read(plain))
    rows.push(
      figure(`read of an entry with ${sort}, ${name}`, 'without', { most: 1.15 }, both.ratio, {
        detail: `${ns(both.ours)} against ${ns(both.theirs)}`,
      }),
    )
    other.detach()
  }
  plain.detach()
}
report(rows)
