// Batches of 100 operations (half reads, half sets of new keys) under churn with 2 M entries: p99.9 and the longest batch.
// The same loop over nothing stands beside them: the keys and values that it makes are garbage which V8 collects some
// once in 300 batches, so that no cache can have a p99.9 below such a collection.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { engines, lru, ours } from '../caches.mjs'
import { figure, freshKey, report, sink } from '../harness.mjs'

const ENTRIES = 2_000_000
const BATCHES = 40_000
const [, , which] = process.argv

if (which && !which.startsWith('--')) {
  const makers = {
    lru: () => lru(ENTRIES),
    nothing: () => ({ get: () => undefined, set: () => true }),
  }
  const cache = makers[which]?.() ?? ours(ENTRIES, 136, { engine: which, maxEntries: ENTRIES })
  // Values differ, as they do in life; one shared string would be one object for the collector.
  const value = (i) => `${i}:`.padEnd(100, 'v')
  for (let i = 0; i < ENTRIES; i++) cache.set(freshKey(i), value(i))
  let next = ENTRIES
  let state = 7
  const times = new Float64Array(BATCHES)
  for (let batch = 0; batch < BATCHES; batch++) {
    const start = performance.now()
    for (let i = 0; i < 50; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      sink.value += cache.get(freshKey(next - 1 - (state % ENTRIES)))?.length ?? 0
      cache.set(freshKey(next), value(next))
      next++
    }
    times[batch] = performance.now() - start
  }
  times.sort()
  console.log(
    JSON.stringify({ p50: times[BATCHES >> 1], p999: times[Math.floor(BATCHES * 0.999)], longest: times[BATCHES - 1] }),
  )
} else {
  const run = (name) => {
    const child = spawnSync(process.execPath, ['--max-old-space-size=8192', fileURLToPath(import.meta.url), name], {
      encoding: 'utf8',
    })
    if (child.status !== 0) throw new Error(child.stderr)
    return JSON.parse(child.stdout)
  }
  const theirs = run('lru')
  const floor = run('nothing')
  const rows = []
  for (const name of engines) {
    const mine = run(name)
    const detail = (key) =>
      `${mine[key].toFixed(2)} ms against ${theirs[key].toFixed(1)} ms, without any cache ${floor[key].toFixed(2)} ms`
    rows.push(
      figure(
        `100-operation batches, 2 M entries, p99.9, ${name}`,
        'lru-cache',
        { most: 0.025 },
        mine.p999 / theirs.p999,
        { detail: detail('p999') },
      ),
    )
    rows.push(
      figure(`… longest, ${name}`, 'lru-cache', { most: 0.05 }, mine.longest / theirs.longest, {
        detail: detail('longest'),
      }),
    )
  }
  report(rows)
}
