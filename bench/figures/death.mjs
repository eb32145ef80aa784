// Memory back after a worker was terminated in the middle of its work: how much longer it then takes to use all of a full cache again.
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { createCache } from '../../dist/index.js'
import { engines } from '../caches.mjs'
import { figure, freshKey, median, report } from '../harness.mjs'

const options = (engine) => ({ name: `death-${engine}`, maxBytes: '8mb', near: false, engine })
if (isMainThread) {
  const rows = []
  const value = 'v'.repeat(1000)
  for (const engine of engines) {
    const cache = createCache(options(engine))
    // More than the whole cache, so every segment must have been used again.
    const rewrite = () => {
      const start = performance.now()
      let kept = 0
      for (let i = 0; kept < 12_000; i++) if (cache.set(freshKey(i % 50_000), value)) kept++
      return performance.now() - start
    }
    // Until V8 has compiled it: the first round takes several times as long, whoever died.
    for (let warm = 0; warm < 3; warm++) rewrite()
    const usual = []
    let longest = 0
    for (let round = 0; round < 40; round++) {
      const worker = new Worker(new URL(import.meta.url), { workerData: { engine } })
      await new Promise((resolve) => worker.once('message', resolve))
      await new Promise((resolve) => setTimeout(resolve, 5 + (round % 7)))
      await worker.terminate()
      longest = Math.max(longest, rewrite())
      // The same with nobody dead: what is above it was lost to the death.
      usual.push(rewrite())
    }
    rows.push(
      figure(
        `rewriting the whole cache takes longer after a terminated worker by, longest of 40, ${engine}`,
        '100 ms',
        { most: 100, unit: ' ms' },
        Math.max(0, longest - median(usual)),
        { detail: `${longest.toFixed(0)} ms, usually ${median(usual).toFixed(0)} ms` },
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
