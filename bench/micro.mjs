// Small parts by themselves, with the `benchmark` package: it batches, so its resolution is fine, but it lets V8 delete work
// whose result nobody uses. Every case adds to `sink`, and the empty case shows what is left of it.
//   node bench/micro.mjs [--json FILE]

import { writeFileSync } from 'node:fs'
import { createHistogram } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import Benchmark from 'benchmark'
import { engines, ours } from './caches.mjs'
import { freshKey, machine, sink } from './harness.mjs'

const { values: given } = parseArgs({ options: { json: { type: 'string' } } })
const suite = new Benchmark.Suite()
const histogram = createHistogram()
let turn = 0
suite.add('nothing but the sum', () => {
  sink.value += turn++ & 1
})
suite.add("Node's createHistogram().record", () => {
  histogram.record(1 + (turn++ & 1023))
})
const keys = Array.from({ length: 1024 }, (_, index) => freshKey(index))
for (const engine of engines) {
  const cache = ours(10_000, 136, { engine })
  for (const key of keys) cache.set(key, 'v'.repeat(100))
  cache.set('number', 1)
  suite.add(`${engine}: get of 100 bytes`, () => {
    sink.value += cache.get(keys[turn++ & 1023]).length
  })
  suite.add(`${engine}: get of an absent key`, () => {
    sink.value += cache.get('absent') === undefined ? 1 : 0
  })
  suite.add(`${engine}: has`, () => {
    sink.value += cache.has(keys[turn++ & 1023]) ? 1 : 0
  })
  suite.add(`${engine}: get of a number`, () => {
    sink.value += cache.get('number')
  })
  suite.add(`${engine}: increment`, () => {
    sink.value += cache.increment('counter')
  })
}
const results = []
suite.on('cycle', ({ target }) => {
  const nanoseconds = target.stats.mean * 1e9
  results.push({ name: target.name, nanoseconds, relativeError: target.stats.rme / 100 })
  console.log(`${target.name.padEnd(34)}${nanoseconds.toFixed(1).padStart(9)} ns  ±${target.stats.rme.toFixed(1)} %`)
})
suite.run()
if (given.json) writeFileSync(given.json, `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`)
process.exit(sink.value === -1 ? 1 : 0)
