// 200 hot keys that were set together and so expire together, again and again, in front of a source that answers 20 queries at a time in
// 20 ms each: how often it is asked, by how many at once, and how long callers wait. Over one thread and over two, of which each sends
// half of the requests.
//   node bench/stampede.mjs [--json FILE] [--only ours,lru,…] [--threads 1,2]
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { machine } from './harness.mjs'

const KEYS = 200
const TTL = 1000
const QUERY_MS = 20
const AT_ONCE = 20
const SECONDS = 4
const REQUESTS_PER_MS = 8
const PATIENCE_MS = 3000

/** Queries of this thread that wait for the source, and how many of its places are free. */
const line = []
let free = Infinity

/** A function that answers for a key, each made anew in every thread; `load` asks the source. */
const contenders = {
  'no cache function: get, load, set': async (load) => {
    const { LRUCache } = await import('lru-cache')
    const cache = new LRUCache({ max: 10_000, ttl: TTL })
    return async (key) => {
      const found = cache.get(key)
      if (found !== undefined) return found
      const value = await load(key)
      cache.set(key, value)
      return value
    }
  },
  'lru-cache fetch': async (load) => {
    const { LRUCache } = await import('lru-cache')
    const cache = new LRUCache({ max: 10_000, ttl: TTL, fetchMethod: load })
    return (key) => cache.fetch(key)
  },
  'lru-cache fetch, allowStale': async (load) => {
    const { LRUCache } = await import('lru-cache')
    const cache = new LRUCache({ max: 10_000, ttl: TTL, fetchMethod: load, allowStale: true })
    return (key) => cache.fetch(key)
  },
  'cacheable getOrSet': async (load) => {
    const { Cacheable } = await import('cacheable')
    const cache = new Cacheable()
    return (key) => cache.getOrSet(key, () => load(key), { ttl: TTL })
  },
  'async-cache-dedupe': async (load) => {
    const { createCache } = await import('async-cache-dedupe')
    const cache = createCache({ ttl: TTL / 1000, storage: { type: 'memory', options: { size: 10_000 } } })
    cache.define('one', load)
    return (key) => cache.one(key)
  },
  'async-cache-dedupe, stale': async (load) => {
    const { createCache } = await import('async-cache-dedupe')
    const cache = createCache({ ttl: TTL / 1000, stale: 60, storage: { type: 'memory', options: { size: 10_000 } } })
    cache.define('one', load)
    return (key) => cache.one(key)
  },
  bentocache: async (load) => bento(load, {}),
  'bentocache, grace, timeout 0': async (load) => bento(load, { grace: '1m', timeout: 0 }),
  ostraka: async (load) => ostraka(load, {}),
  'ostraka, ttlJitter 0.3': async (load) => ostraka(load, { ttlJitter: 0.3 }),
  'ostraka, earlyExpiry': async (load) => ostraka(load, { earlyExpiry: true }),
  'ostraka, earlyExpiry and ttlJitter 0.3': async (load) => ostraka(load, { earlyExpiry: true, ttlJitter: 0.3 }),
  'ostraka, refreshAhead 0.2': async (load) => ostraka(load, { refreshAhead: 0.2 }),
  'ostraka, grace, softTimeout 0': async (load) => ostraka(load, { grace: '1m', softTimeout: 0 }),
}

async function bento(load, options) {
  const { BentoCache, bentostore } = await import('bentocache')
  const { memoryDriver } = await import('bentocache/drivers/memory')
  const store = bentostore().useL1Layer(memoryDriver({ maxItems: 10_000, serialize: false }))
  const cache = new BentoCache({ default: 'memory', stores: { memory: store } })
  return (key) => cache.getOrSet({ key, factory: () => load(key), ttl: TTL, ...options })
}

async function ostraka(load, options) {
  const { createCache } = await import('../dist/index.js')
  const cache = createCache({ name: `stampede ${JSON.stringify(options)}`, maxBytes: '16mb' })
  return (key) => cache.getOrSet(key, ({ key }) => load(key), { ttl: TTL, ...options })
}

if (isMainThread) await main()
else await worker()

async function main() {
  const { values } = parseArgs({
    options: { json: { type: 'string' }, only: { type: 'string' }, threads: { type: 'string', default: '1,2' } },
  })
  const wanted = values.only?.split(',')
  const names = Object.keys(contenders).filter((name) => wanted?.some((part) => name.includes(part)) ?? true)
  const results = []
  for (const threads of values.threads.split(',').map(Number)) {
    console.log(
      `\n${threads} thread${threads > 1 ? 's' : ''}${''.padEnd(34)}loads  most at once      p50      p99  longest`,
    )
    for (const name of names) {
      const result = await measure(name, threads)
      results.push({ name, threads, ...result })
      const ms = (value) => `${value.toFixed(1)} ms`.padStart(9)
      const { loads, atOnce, p50, p99, longest } = result
      console.log(
        `${name.padEnd(42)}${`${loads}`.padStart(6)}${`${atOnce}`.padStart(14)}${ms(p50)}${ms(p99)}${ms(longest)}`,
      )
    }
  }
  const about = {
    keys: KEYS,
    ttl: TTL,
    queryMs: QUERY_MS,
    atOnce: AT_ONCE,
    seconds: SECONDS,
    requestsPerMs: REQUESTS_PER_MS,
  }
  if (values.json) {
    mkdirSync(path.dirname(path.resolve(values.json)), { recursive: true })
    writeFileSync(values.json, `${JSON.stringify({ machine: machine(), about, results }, null, 2)}\n`)
  }
}

async function measure(name, threads) {
  // [queries, waiting or running now, most of these at once]
  const shared = new Int32Array(new SharedArrayBuffer(64))
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL(import.meta.url), { workerData: { name, threads, shared } }),
  )
  const message = (one) => new Promise((resolve, reject) => one.once('message', resolve).once('error', reject))
  await Promise.all(workers.map(message))
  shared.fill(0)
  const answers = workers.map(message)
  for (const one of workers) one.postMessage('go')
  const latencies = (await Promise.all(answers)).flatMap((list) => [...list]).sort((a, b) => a - b)
  await Promise.all(workers.map((one) => one.terminate()))
  const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))]
  return {
    requests: latencies.length,
    loads: shared[0],
    atOnce: shared[2],
    p50: at(0.5),
    p99: at(0.99),
    longest: at(1),
  }
}

async function worker() {
  const { name, threads, shared } = workerData
  const ask = await contenders[name]((key) => query(key, shared))
  // All at once, by a source that is not busy yet; not counted.
  await Promise.all(Array.from({ length: KEYS }, (_, i) => ask(`key ${i}`)))
  free = AT_ONCE / threads
  parentPort.postMessage('ready')
  await new Promise((resolve) => parentPort.once('message', resolve))
  const perTick = REQUESTS_PER_MS / threads
  const latencies = new Float64Array(SECONDS * 1000 * perTick)
  const begin = performance.now()
  let sent = 0
  const answers = []
  while (sent < latencies.length) {
    // As many as are due by the clock: a thread that was late catches up, and what waited is measured from when it was due.
    const due = Math.min(latencies.length, Math.floor((performance.now() - begin) * perTick))
    for (; sent < due; sent++) answers.push(timed(ask, `key ${(sent * 7919) % KEYS}`, latencies, sent))
    await sleep(1)
  }
  // What is not answered by then has waited at least that long: a source that cannot keep up would be waited for without end.
  await Promise.race([Promise.all(answers), sleep(PATIENCE_MS)])
  for (let i = 0; i < latencies.length; i++) if (latencies[i] === 0) latencies[i] = PATIENCE_MS
  parentPort.postMessage(latencies)
}

async function timed(ask, key, latencies, index) {
  const begin = performance.now()
  await ask(key)
  latencies[index] = performance.now() - begin
}

/** The source: whoever comes while it is busy waits in line; each thread has its share of it. */
async function query(key, shared) {
  Atomics.add(shared, 0, 1)
  const now = Atomics.add(shared, 1, 1) + 1
  if (now > Atomics.load(shared, 2)) Atomics.store(shared, 2, now)
  if (free > 0) free--
  else await new Promise((resolve) => line.push(resolve))
  await sleep(QUERY_MS)
  const next = line.shift()
  if (next === undefined) free++
  else next()
  Atomics.sub(shared, 1, 1)
  return { key, at: Date.now() }
}
