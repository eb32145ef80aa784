// Any value comes back as it went in by every way out of a cache: the first get, which decodes, the next ones, which may be near, the reads
// without traces, batches, take, a namespace, the other engine over the same memory, and another thread.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createCache } from '../../src/cache/create-cache.js'
import { benches } from '../behaviour/engines.js'
import { suite } from '../behaviour/suite.js'
import { knotted, value } from './arbitraries.js'
import { difference } from './equality.js'

const runs = Number(process.env['OSTRAKA_RUNS'] ?? 40)

suite('any value, by every way out', (bench) => {
  for (const values of ['frozen', 'reference', 'copy'] as const) {
    it(`with values: '${values}'`, async () => {
      const cache = bench.open({ maxBytes: '8mb', near: { values } })
      const views = [cache, cache.namespace('inner')]
      try {
        fc.assert(
          fc.property(fc.oneof(value, knotted), (input) => {
            for (const view of views) {
              expect(view.set('key', input)).toBe(true)
              // By turns two engines read in the mixed bench; twice each meets L1 and near.
              for (let i = 0; i < 4; i++) expect(difference(input, view.get('key'))).toBeUndefined()
              expect(difference(input, view.peek('key'))).toBeUndefined()
              for (const got of view.getMany(['key', 'key'])) expect(difference(input, got)).toBeUndefined()
              view.update('key', (old: unknown) => {
                expect(difference(input, old)).toBeUndefined()
                return undefined
              })
              expect(difference(input, view.take('key'))).toBeUndefined()
            }
          }),
          { numRuns: runs },
        )
      } finally {
        await cache.close()
      }
    })
  }
})

const native = benches.find(({ name }) => name === 'native')?.missing === undefined
const pairs = [
  ['js', 'js'],
  ['native', 'js'],
  ['js', 'native'],
] as const

it.each(pairs)('any value, by another thread: %s here, %s there', async (here, there) => {
  if (!native && (here === 'native' || there === 'native')) return console.log('skipped: no native engine')
  const name = `ways-out-${here}-${there}`
  const cache = createCache({ name, maxBytes: '64mb', engine: here })
  const entry = new URL('../behaviour/fixtures/echo.mjs', import.meta.url)
  const worker = new Worker(entry, { workerData: { name, engine: there } })
  try {
    await once(worker, 'message')
    const inputs = fc.sample(fc.oneof(value, knotted), { numRuns: 2 * runs, seed: 11 })
    for (const [i, input] of inputs.entries()) expect(cache.set(`in:${i}`, input)).toBe(true)
    worker.postMessage('echo')
    await once(worker, 'message')
    for (const [i, input] of inputs.entries()) {
      // What the thread read it has written again.
      expect(difference(input, cache.get(`out:${i}`))).toBeUndefined()
      expect(difference(input, cache.get(`out:${i}`))).toBeUndefined()
    }
  } finally {
    await worker.terminate()
    await cache.close()
  }
})
