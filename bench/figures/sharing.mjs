// One shared cache against one lru-cache in each thread, in the same resident memory: how often the origin is asked. Threads read the same
// keys, Zipf 0.9, of which the shared cache holds about a third.

import { lruCache } from '../../dist/bench/rivals/lru-cache.js'
import { ostraka } from '../../dist/bench/rivals/ostraka.js'
import { subjectOf } from '../../dist/bench/rivals/rival.js'
import { startProcess } from '../../dist/bench/runner/host.js'
import { makeStream } from '../../dist/bench/workload/stream.js'
import { engines } from '../caches.mjs'
import { figure, report } from '../harness.mjs'

const MEMORY = 24 * 1024 * 1024
const REQUESTS = 600_000

/** Loads of a thousand requests once the cache is full, and what it then takes. */
async function measure(rival, budget, threads, stream) {
  const subject = subjectOf(rival, { mode: rival.ours ? 'copy' : 'reference', budget, ttl: 3_600_000 })
  const requests = { values: 'string', fill: true, keys: 'fresh' }
  const host = await startProcess({ subject, stream, requests, threads, connections: 1, seed: 1 })
  try {
    const slice = { requests: REQUESTS, ramp: 0, coolDown: 0, drain: 0, atOnce: 1, sampleEvery: 1024, seed: 1 }
    await host.run(slice)
    const { resident } = await host.memory()
    const { counts } = await host.run(slice)
    return { resident, loads: (1000 * (counts.reads - counts.hits)) / counts.reads }
  } finally {
    await host.close()
  }
}

/** lru-cache with as many entries in each thread as take so many resident bytes in all. */
async function asLargeAs(resident, first, threads, stream) {
  let entries = first
  let measured = await measure(lruCache, entries, threads, stream)
  for (let corrected = 0; corrected < 2 && Math.abs(measured.resident / resident - 1) > 0.04; corrected++) {
    entries = Math.round((entries * resident) / measured.resident)
    measured = await measure(lruCache, entries, threads, stream)
  }
  return measured
}

const rows = []
for (const [values, sizes, mean, most] of [
  ['values of 100 to 300 bytes', { law: 'uniform', least: 100, most: 300 }, 200, 0.6],
  ['values of 2 KiB', { law: 'fixed', bytes: 2048 }, 2048, 0.85],
]) {
  const keys = Math.floor((MEMORY * 3) / (mean + 60))
  const stream = makeStream({ requests: 1_000_000, keys, mix: { read: 1 }, skew: 0.9, sizes })
  for (const threads of [2, 4]) {
    let theirs
    for (const engine of engines) {
      const ours = await measure(ostraka(engine), MEMORY, threads, stream)
      // Found once, for the first engine: both take the same.
      theirs ??= await asLargeAs(ours.resident, Math.floor(MEMORY / threads / (mean + 380)), threads, stream)
      const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`
      const detail = `${ours.loads.toFixed(0)} of 1,000 in ${mib(ours.resident)} against ${theirs.loads.toFixed(0)} in ${mib(theirs.resident)}`
      const what = `origin loads, ${threads} threads, ${values}, ${engine}`
      rows.push(figure(what, 'one lru-cache a thread', { most }, ours.loads / theirs.loads, { detail }))
    }
  }
}
report(rows)
