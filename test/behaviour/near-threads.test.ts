// Near values against other threads that change the same keys, stand still, and are terminated: none is served once a change after it has
// returned, and nothing of a thread's death stays behind.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import type { Cache } from '../../src/cache/cache.js'
import { createCache } from '../../src/cache/create-cache.js'
import { benches } from './engines.js'

const soak = process.env['OSTRAKA_SOAK'] !== undefined
const nativeMissing = benches.find(({ name }) => name === 'native')?.missing !== undefined
const KEYS = 8
const READS = soak ? 3_000_000 : 60_000

interface Stored {
  readonly key: number
  readonly version: number
}

let serial = 0
const workers: Worker[] = []
const caches: Cache[] = []
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()))
  for (const cache of caches.splice(0)) await cache.close({ all: true })
})

describe.each([
  ['native', 'native'],
  ['js', 'js'],
  ['native', 'js'],
  ['js', 'native'],
] as const)('near values: %s here, %s there', (here, there) => {
  const missing = nativeMissing && (here === 'native' || there === 'native')

  it.skipIf(missing)(
    'are never behind what another thread has done, whether it runs, stands or is terminated',
    async () => {
      const options = { name: `near-threads-${serial++}`, maxBytes: '1mb' } as const
      const cache = createCache({ ...options, engine: here })
      caches.push(cache)
      const gate = new SharedArrayBuffer(4)
      const stop = new Int32Array(gate)
      const returned = new SharedArrayBuffer(4 * KEYS * 2)
      const rows = new Int32Array(returned)
      const start = async (first: number) => {
        const workerData = { options: { ...options, engine: there }, first, keys: KEYS, returned, gate }
        const worker = new Worker(new URL('./fixtures/changer.mjs', import.meta.url), { workerData })
        workers.push(worker)
        await once(worker, 'message')
        return worker
      }
      // Each changes keys of its own, so that its versions follow one another.
      await start(0)
      const doomed = await start(KEYS)
      const behind: string[] = []
      const look = (reads: number) => {
        for (let i = 0; i < reads; i++) {
          const key = i % (2 * KEYS)
          const least = Atomics.load(rows, key)
          const found = cache.get<Stored>(`k${key}`)
          if (found !== undefined && (found.key !== key || found.version < least)) {
            behind.push(`key ${key}: ${found.key}/${found.version} after ${least}`)
          }
        }
      }
      look(READS)
      await doomed.terminate()
      look(READS)
      // Nothing changes the keys of the dead thread any more: what is near, what is in memory, and what comes next agree.
      for (let key = KEYS; key < 2 * KEYS; key++) {
        const near = cache.get(`k${key}`)
        const again = cache.peek(`k${key}`)
        if (near !== undefined && again !== undefined) expect(again).toEqual(near)
      }
      Atomics.store(stop, 0, 1)
      look(READS)
      for (let key = 0; key < 2 * KEYS; key++) {
        cache.set(`k${key}`, { key, version: 2 ** 30 })
        expect(cache.get(`k${key}`)).toEqual({ key, version: 2 ** 30 })
        cache.delete(`k${key}`)
        expect(cache.get(`k${key}`)).toBeUndefined()
      }
      Atomics.store(stop, 0, 0)
      Atomics.notify(stop, 0)
      look(READS)
      cache.clear()
      look(READS)
      expect(behind).toEqual([])
      expect(cache.stats().near?.hits).toBeGreaterThan(READS / 20)
      expect(cache.stats().near?.outdated).toBeGreaterThan(100)
    },
  )

  it.skipIf(missing)('count as hits for all threads', async () => {
    const name = `near-counts-${serial++}`
    const cache = createCache({ name, maxBytes: '1mb', engine: here })
    caches.push(cache)
    cache.set('k', { a: 1 })
    const worker = new Worker(
      `const { workerData, parentPort } = require('node:worker_threads')
       const { createCache } = require(workerData.entry)
       const cache = createCache({ name: workerData.name, engine: workerData.engine })
       const users = cache.namespace('users')
       users.set('u', { b: 1 })
       for (let i = 0; i < 1000; i++) { cache.get('k'); users.get('u') }
       cache.stats(), users.stats()
       parentPort.postMessage('done')
       parentPort.once('message', () => {})`,
      {
        eval: true,
        workerData: { name, engine: there, entry: new URL('../../dist/index.js', import.meta.url).pathname },
      },
    )
    workers.push(worker)
    await once(worker, 'message')
    for (let i = 0; i < 10; i++) cache.get('k')
    expect(cache.stats()).toMatchObject({ hits: 2010, misses: 0 })
    const users = cache.namespace('users')
    for (let i = 0; i < 10; i++) users.get('u')
    expect(users.stats()).toMatchObject({ hits: 1010, misses: 0, sets: { stored: 1 } })
    expect(cache.stats().hits).toBe(2020)
    worker.postMessage('end')
  })

  it.skipIf(missing)('share the defaults of a namespace', async () => {
    const name = `near-defaults-${serial++}`
    const cache = createCache({ name, maxBytes: '1mb', engine: here })
    caches.push(cache)
    cache.namespace('users', { ttl: '5m', codec: 'json' })
    const worker = new Worker(
      `const { workerData, parentPort } = require('node:worker_threads')
       const { createCache } = require(workerData.entry)
       const cache = createCache({ name: workerData.name, engine: workerData.engine })
       try { cache.namespace('users', { ttl: '6m', codec: 'v8', idle: '1h' }) } catch (error) { parentPort.postMessage([error.code, error.faults.map((fault) => fault.path + ' ' + fault.message)]) }
       const users = cache.namespace('users')
       users.set('u', 1)
       parentPort.postMessage(users.expiresIn('u') > 299000 && users.expiresIn('u') <= 300000)`,
      {
        eval: true,
        workerData: { name, engine: there, entry: new URL('../../dist/index.js', import.meta.url).pathname },
      },
    )
    workers.push(worker)
    const messages: unknown[] = []
    worker.on('message', (message) => messages.push(message))
    await once(worker, 'exit')
    expect(messages).toEqual([
      [
        'OSTRAKA_ERR_OPTIONS_DIFFER',
        ['ttl here 360000, there 300000', 'idle here 3600000, there none', "codec here 'v8', there 'json'"],
      ],
      true,
    ])
  })
})
