// What one thread does in a second, as orders of magnitude: 100-byte strings, 200,000 entries, keys built anew.
import { runBenchmark } from '../../dist/bench/index.js'
import { ours } from '../caches.mjs'
import { figure, freshKey, report } from '../harness.mjs'

const ENTRIES = 200_000
const value = 'v'.repeat(100)
const cache = ours(ENTRIES, 136)
const subject = {
  name: 'ostraka',
  open: () => ({ get: (key) => cache.get(key), set: (key, given) => cache.set(key, given), size: () => cache.size }),
}
const run = async (mix) => {
  const { subjects } = await runBenchmark({
    subjects: [subject],
    workload: { requests: 500_000, keys: ENTRIES, mix, skew: 0 },
    budget: 3000,
    slice: 300,
  })
  return subjects[0]
}
const reads = await run({ read: 1 })
const writes = await run({ update: 1 })
const mixed = await run({ read: 0.6, update: 0.4 })
const perSecond = (subject) => subject.throughput.median / 1000
const micro = (nanoseconds) => nanoseconds / 1000

// Writes in batches of 32.
const begun = performance.now()
let written = 0
while (performance.now() - begun < 1000) {
  cache.setMany(Array.from({ length: 32 }, (_, at) => [freshKey((written + at) % ENTRIES), value]))
  written += 32
}
const batched = written / (performance.now() - begun)
await cache.close()

const rate = (least) => ({ least, unit: ' k/s' })
const time = (most) => ({ most, unit: ' µs' })
report([
  figure('point reads a second', 'as an order of magnitude', rate(500), perSecond(reads)),
  figure('… p99', 'as an order of magnitude', time(5000), micro(reads.latencies.p99)),
  figure('writes a second', 'as an order of magnitude', rate(200), perSecond(writes)),
  figure('reads and writes, 60 to 40, a second', 'as an order of magnitude', rate(150), perSecond(mixed)),
  figure('writes in batches of 32, a second', 'as an order of magnitude', rate(100), batched),
  figure('a read from memory, p99', 'as an order of magnitude', time(100), micro(reads.latencies.p99)),
])
