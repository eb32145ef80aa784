// How long it takes a new thread to have a cache that another thread holds, once it has loaded the package; and one that is older than the cache.
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { engines } from '../caches.mjs'
import { figure, median, report } from '../harness.mjs'

const ROUNDS = 15

if (isMainThread) {
  const { createCache } = await import('../../dist/index.js')
  const rows = []
  for (const engine of engines) {
    const start = async (name) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: { engine, name } })
      await once(worker, 'message')
      return worker
    }
    const attached = async (worker) => {
      worker.postMessage('attach')
      const [milliseconds] = await once(worker, 'message')
      await worker.terminate()
      return milliseconds
    }
    const later = []
    const held = createCache({ name: `attach-${engine}`, maxBytes: '64mb', engine })
    for (let round = 0; round < ROUNDS; round++) later.push(await attached(await start(`attach-${engine}`)))
    await held.close()
    const older = []
    for (let round = 0; round < ROUNDS; round++) {
      const name = `attach-${engine}-${round}`
      const worker = await start(name)
      const cache = createCache({ name, maxBytes: '64mb', engine })
      older.push(await attached(worker))
      await cache.close()
    }
    const detail = (times) => `longest of ${ROUNDS} ${Math.max(...times).toFixed(2)} ms`
    const most = { most: 2, unit: ' ms' }
    rows.push(
      figure(`attach of a thread made later, ${engine}`, '2 ms', most, median(later), { detail: detail(later) }),
      figure(`… made before the cache, ${engine}`, '2 ms', most, median(older), { detail: detail(older) }),
    )
  }
  report(rows)
} else {
  const { createCache } = await import('../../dist/index.js')
  const { engine, name } = workerData
  parentPort.once('message', () => {
    const begun = performance.now()
    createCache({ name, engine })
    parentPort.postMessage(performance.now() - begun)
  })
  parentPort.postMessage('ready')
}
