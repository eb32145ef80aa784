import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { createCache } from '../../src/cache/create-cache.js'
import { difference } from '../values/equality.js'
import { kept } from '../values/samples.js'
import { benches } from './engines.js'

const native = benches[0]?.missing === undefined
const engines = native ? (['native', 'js'] as const) : (['js'] as const)
const pairs = engines.flatMap((here) => engines.map((there) => [here, there] as const))

describe('values through another thread', () => {
  it.each(pairs)('come back as they went in: %s here, %s there', async (here, there) => {
    const name = `echo-${here}-${there}`
    const cache = createCache({ name, maxBytes: '64mb', engine: here })
    const samples: [string, unknown][] = [
      ...kept,
      ['text', 'plain'],
      ['lone', '\ud800'],
      ['number', 1.5],
      ['null', null],
    ]
    for (const [index, [, value]] of samples.entries()) expect(cache.set(`in:${index}`, value)).toBe(true)
    const worker = new Worker(new URL('./fixtures/echo.mjs', import.meta.url), { workerData: { name, engine: there } })
    await once(worker, 'message')
    for (let round = 0; round < 2; round++) {
      worker.postMessage('echo')
      await once(worker, 'message')
      for (const [index, [title, value]] of samples.entries()) {
        expect(difference(value, cache.get(`out:${index}`)), title).toBeUndefined()
        expect(difference(value, cache.get(`out:${index}`)), `${title}, near`).toBeUndefined()
        // The next round must bring what is new, not what this thread or the other keeps near.
        cache.set(`in:${index}`, samples[(index + 1) % samples.length]?.[1])
      }
      samples.push(samples.shift() as [string, unknown])
    }
    worker.postMessage('close')
    await once(worker, 'exit')
    await cache.close()
  })
})
