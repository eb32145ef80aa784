// Near hits must be uses like all others: with a near cache and without one, the same requests find the same share of what they ask for.
// One generated trace, and recorded ones where the folder of traces is there (OSTRAKA_TRACES).
import { existsSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { generateTrace } from '../../src/traces/generate.js'
import { loadTrace } from '../../src/traces/load.js'
import type { Trace } from '../../src/traces/trace.js'
import { type Bench, benches } from './engines.js'

type Policy = 's3-fifo' | 'adaptive'
/**
 * Most points, of a hundred, by which the hit ratios may differ. The adaptive policy chooses its mode by samples of requests, and near hits
 * are not among them.
 */
const MOST_POINTS: Record<Policy, number> = { 's3-fifo': 0.5, adaptive: 1 }
const folder = process.env['OSTRAKA_TRACES'] ?? ''

function keysOf(trace: Trace): string[] {
  const bytes = Buffer.from(trace.keyBytes)
  return Array.from({ length: trace.keys }, (_, n) => {
    return bytes.toString('utf8', trace.keyOffsets[n], trace.keyOffsets[n + 1])
  })
}

/** Hits of a hundred requests, each of which stores what it did not find. */
async function hitPercent(
  bench: Bench,
  trace: Trace,
  entries: number,
  policy: Policy,
  near: boolean,
): Promise<[number, number]> {
  const cache = bench.open({
    maxBytes: '16mb',
    maxEntries: entries,
    policy,
    clock: 'manual',
    seed: 1,
    near: near ? { maxEntries: entries } : false,
  })
  const keys = keysOf(trace)
  let hits = 0
  for (const id of trace.ids) {
    const key = keys[id] as string
    if (cache.get(key) !== undefined) hits++
    else cache.set(key, { id })
  }
  const nearHits = cache.stats().near?.hits ?? 0
  await cache.close()
  return [(100 * hits) / trace.requests, nearHits]
}

async function compare(bench: Bench, trace: Trace, share: number, policy: Policy = 's3-fifo'): Promise<void> {
  const entries = Math.max(64, Math.round(trace.keys * share))
  const [without] = await hitPercent(bench, trace, entries, policy, false)
  const [withNear, nearHits] = await hitPercent(bench, trace, entries, policy, true)
  expect(nearHits, `${trace.name}: near hits`).toBeGreaterThan(trace.requests / 100)
  expect(Math.abs(withNear - without), `${trace.name}, ${entries} entries`).toBeLessThanOrEqual(MOST_POINTS[policy])
}

for (const bench of benches.filter(({ name }) => name !== 'mixed')) {
  it.skipIf(bench.missing !== undefined)(`a generated trace (${bench.name})`, async () => {
    // Evicting one by one, the pure-JS engine takes several times as long.
    const keys = bench.name === 'js' ? 3_000 : 8_000
    const trace = generateTrace({ requests: 10 * keys, keys, seed: 7 })
    await compare(bench, trace, 0.02)
    await compare(bench, trace, 0.1)
    if (bench.name === 'native') await compare(bench, trace, 0.1, 'adaptive')
  })

  for (const name of ['cache2k-web12.csv.gz', 'lirs-multi1.csv.gz', 'arc-oltp.lis.gz']) {
    const file = path.join(folder, name)
    const missing = bench.missing !== undefined || !existsSync(file)
    it.skipIf(missing)(`${name}, where the traces are there (${bench.name})`, async () => {
      const trace = await loadTrace(file, { limit: 100_000 })
      await compare(bench, trace, 0.1)
    })
  }
}
