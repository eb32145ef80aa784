// What a thread of the cache's own is worth and costs: times of single sets under churn with it and without, as fast as one thread can and at a
// pace; what it takes while nobody uses the cache; how long it takes to come back after its death. Rounds are interleaved, each in a
// process of its own.
import { spawnSync } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import { fileURLToPath } from 'node:url'
import { createCache } from '../../dist/index.js'
import { engines } from '../caches.mjs'
import { figure, median, report } from '../harness.mjs'

const ROUNDS = 3
const IDLE_MS = 4_000
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const [, , way, engine, owners] = process.argv

function percentiles(times) {
  times.sort()
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))]
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), longest: at(1) }
}

const ways = {
  /** Sets of new keys into a full cache; `batch` of them, then a rest of a millisecond, or none. */
  async sets(cache, batch, count) {
    const value = 'v'.repeat(100)
    let next = 0
    for (; next < 200_000; next++) cache.set(`key:${next}`, value)
    const times = new Float64Array(count)
    for (let i = 0; i < count; ) {
      for (const end = Math.min(count, i + batch); i < end; i++, next++) {
        const key = `key:${next}`
        const from = performance.now()
        cache.set(key, value)
        times[i] = (performance.now() - from) * 1_000
      }
      await (batch < 1_000 ? pause(1) : new Promise(setImmediate))
    }
    return percentiles(times)
  },
  paced: (cache) => ways.sets(cache, 100, 60_000),
  flat: (cache) => ways.sets(cache, 2_000, 600_000),
  /** Per cent of a core. */
  async idle(cache) {
    cache.set('key', 1)
    await pause(600)
    const before = process.cpuUsage()
    const from = performance.now()
    await pause(IDLE_MS)
    const { user, system } = process.cpuUsage(before)
    return ((user + system) / 1_000 / (performance.now() - from)) * 100
  },
}

if (way && !way.startsWith('--')) {
  const cache = createCache({ engine, maxBytes: '16mb', owners: Number(owners) })
  await cache.ready
  console.log(JSON.stringify(await ways[way](cache)))
} else {
  const run = (...args) => {
    const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), ...args.map(String)], {
      encoding: 'utf8',
    })
    if (child.status !== 0) throw new Error(child.stderr)
    return JSON.parse(child.stdout)
  }
  const rows = []
  for (const name of engines) {
    for (const [pace, title] of [
      ['paced', '100 sets a millisecond'],
      ['flat', 'sets without a rest'],
    ]) {
      const rounds = []
      for (let i = 0; i < ROUNDS; i++) rounds.push([run(pace, name, 1), run(pace, name, 0)])
      for (const key of ['p50', 'p99', 'p999', 'longest']) {
        const mine = median(rounds.map(([one]) => one[key]))
        const without = median(rounds.map(([, none]) => none[key]))
        rows.push(
          figure(`${title}, ${key}, ${name}`, 'owners: 0', { most: 1 }, mine / without, {
            detail: `${mine.toFixed(1)} µs against ${without.toFixed(1)} µs`,
          }),
        )
      }
    }
    const idle = [1, 0].map((count) => median(Array.from({ length: ROUNDS }, () => run('idle', name, count))))
    rows.push(
      figure(`an idle cache with its owner, of a core, ${name}`, '–', { most: 0.2, unit: ' %' }, idle[0], {
        detail: `without it ${idle[1].toFixed(2)} %`,
      }),
    )
    rows.push(await revival(name))
  }
  report(rows)
}

/** From the end of an owner's thread until the next one works. */
async function revival(name) {
  let worker
  const note = (message) => {
    worker = message.worker
  }
  subscribe('worker_threads', note)
  const cache = createCache({ name: `revival ${name}`, engine: name, maxBytes: '16mb', owners: 1 })
  const thread = () => cache.stats().owners.threads[0]
  const times = []
  for (let i = 0; i < 5; i++) {
    while (thread().state !== 'running' && thread().state !== 'asleep') await pause(1)
    // One that has just started is not replaced at once when it dies.
    await pause(1_700)
    const { restarts } = thread()
    const from = performance.now()
    void worker.terminate()
    while (thread().restarts === restarts || thread().state !== 'running') await pause(1)
    times.push(performance.now() - from)
  }
  await cache.close()
  return figure(`a new owner after the death of one, ${name}`, '–', { most: 1_000, unit: ' ms' }, median(times), {
    detail: `longest of ${times.length}: ${Math.max(...times).toFixed(0)} ms`,
  })
}
