// Memory back after a worker was terminated in the middle of its work: how long until a full cache takes sets again.
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { createCache } from '../../dist/index.js'
import { engines } from '../caches.mjs'
import { figure, freshKey, report } from '../harness.mjs'

const options = (engine) => ({ name: `death-${engine}`, maxBytes: '8mb', near: false, engine })
if (isMainThread) {
  const rows = []
  for (const engine of engines) {
    const cache = createCache(options(engine))
    let longest = 0
    for (let round = 0; round < 40; round++) {
      const worker = new Worker(new URL(import.meta.url), { workerData: { engine } })
      await new Promise((resolve) => worker.once('message', resolve))
      await new Promise((resolve) => setTimeout(resolve, 5 + (round % 7)))
      await worker.terminate()
      const start = performance.now()
      // More than the whole cache, so every segment must have been used again.
      let kept = 0
      const value = 'v'.repeat(1000)
      for (let i = 0; kept < 12_000; i++) if (cache.set(freshKey(i % 50_000), value)) kept++
      longest = Math.max(longest, performance.now() - start)
    }
    rows.push(
      figure(
        `whole cache rewritten after a terminated worker, longest of 40, ${engine}`,
        '100 ms',
        { most: 100, unit: ' ms' },
        longest,
      ),
    )
    await cache.close()
  }
  report(rows)
} else {
  const { parentPort } = await import('node:worker_threads')
  const cache = createCache(options(workerData.engine))
  const value = 'w'.repeat(500)
  parentPort.postMessage('at work')
  for (let i = 0; ; i++) {
    cache.set(freshKey(i % 40_000), value)
    cache.get(freshKey((i * 7) % 40_000))
  }
}
