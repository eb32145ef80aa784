// get and set of 100-byte strings in ours and the stores that Node programs use today, in one process, in turn.
//   node --expose-gc bench/rivals.mjs [--json FILE]
// Map and the LRU caches hand out references to what V8 holds; ours and lmdb copy out of memory that it does not see.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { open } from 'lmdb'
import { LRUCache } from 'lru-cache'
import mnemonist from 'mnemonist'
import QuickLRU from 'quick-lru'
import { engines, HOUR, ours } from './caches.mjs'
import { freshKey, machine, median, randomOrder, timed } from './harness.mjs'

const { values: given } = parseArgs({ options: { json: { type: 'string' } } })
const folder = mkdtempSync(path.join(os.tmpdir(), 'ostraka-bench-'))
const results = []
for (const entries of [10_000, 200_000]) {
  const stores = [
    ...engines.map((engine) => [`ostraka ${engine}`, ours(entries, 136, { engine })]),
    ['Map', new Map()],
    ['lru-cache, ttl', new LRUCache({ max: entries, ttl: HOUR })],
    ['lru-cache', new LRUCache({ max: entries })],
    ['quick-lru', new QuickLRU({ maxSize: entries })],
    ['mnemonist LRUMap', new mnemonist.LRUMap(entries)],
  ]
  const database = open({ path: path.join(folder, `${entries}`), encoding: 'string', noSync: true })
  const value = 'v'.repeat(100)
  await database.transaction(() => {
    for (let i = 0; i < entries; i++) database.put(freshKey(i), value)
  })
  for (const [, store] of stores) for (let i = 0; i < entries; i++) store.set(freshKey(i), value)
  const operations = 100_000
  const order = randomOrder(operations, entries)
  const works = [
    ...stores.flatMap(([name, store]) => [
      [name, 'get', (n) => sumOf(n, (i) => store.get(freshKey(order[i])).length)],
      [name, 'set', (n) => sumOf(n, (i) => Number(Boolean(store.set(freshKey(order[i]), value))))],
    ]),
    ['lmdb', 'get', (n) => sumOf(n, (i) => database.get(freshKey(order[i])).length)],
    [
      'lmdb',
      'set',
      (n) => database.transactionSync(() => sumOf(n, (i) => Number(database.putSync(freshKey(order[i]), value)))),
    ],
  ]
  const times = works.map(() => [])
  for (let round = 0; round < 8; round++) {
    works.forEach(([, , work], index) => {
      const nanoseconds = timed(operations, work)
      // The first round compiles.
      if (round > 0) times[index].push(nanoseconds)
    })
  }
  works.forEach(([name, operation], index) => {
    results.push({ entries, name, operation, nanoseconds: median(times[index]) })
  })
  await database.close()
}
rmSync(folder, { recursive: true, force: true })

for (const entries of [10_000, 200_000]) {
  console.log(`\n${entries} entries, fresh keys          get        set`)
  const names = [...new Set(results.map((row) => row.name))]
  for (const name of names) {
    const of = (operation) => results.find((r) => r.entries === entries && r.name === name && r.operation === operation)
    const cell = (operation) => `${of(operation).nanoseconds.toFixed(0)} ns`.padStart(11)
    console.log(`${name.padEnd(28)}${cell('get')}${cell('set')}`)
  }
}
if (given.json) writeFileSync(given.json, `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`)
process.exit()

function sumOf(count, work) {
  let sum = 0
  for (let i = 0; i < count; i++) sum += work(i)
  return sum
}
