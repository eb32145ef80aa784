// Two threads on one cache against one: reading all of it, reading one hot key, writing (roomy, so that nothing is evicted).
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { createCache } from '../../dist/index.js'
import { engines } from '../caches.mjs'
import { figure, freshKey, median, randomOrder, report } from '../harness.mjs'

const ENTRIES = 100_000
const MILLISECONDS = 400
const options = (engine) => ({ name: `threads-${engine}`, maxBytes: '256mb', entryBytes: 136, near: false, engine })

if (isMainThread) {
  const rows = []
  for (const engine of engines) {
    const cache = createCache(options(engine))
    const value = 'v'.repeat(100)
    for (let i = 0; i < ENTRIES; i++) cache.set(freshKey(i), value)
    const gate = new Int32Array(new SharedArrayBuffer(8))
    const workers = [0, 1].map((index) => new Worker(new URL(import.meta.url), { workerData: { engine, index, gate } }))
    const answer = (worker) => new Promise((resolve) => worker.once('message', resolve))
    await Promise.all(workers.map(answer))
    const run = async (work, active) => {
      Atomics.store(gate, 0, 0)
      const answers = active.map(answer)
      for (const worker of active) worker.postMessage(work)
      await new Promise((resolve) => setTimeout(resolve, 30))
      Atomics.store(gate, 0, 1)
      Atomics.notify(gate, 0)
      return (await Promise.all(answers)).reduce((sum, n) => sum + n, 0)
    }
    for (const [work, what, least] of [
      ['read', 'two threads reading one cache', 1.9],
      ['hot', 'two threads reading one hot key', 1.8],
      ['write', 'two threads writing', 1.5],
    ]) {
      await run(work, workers)
      const ratios = []
      for (let round = 0; round < 7; round++) {
        const one = await run(work, [workers[round % 2]])
        const two = await run(work, workers)
        ratios.push(two / one)
      }
      rows.push(figure(`${what}, ${engine}`, 'one thread', { least }, median(ratios)))
    }
    await Promise.all(workers.map((worker) => worker.terminate()))
    await cache.close()
  }
  report(rows)
} else {
  const { engine, index, gate } = workerData
  const cache = createCache(options(engine))
  const order = randomOrder(1 << 16, ENTRIES, 99 + index)
  const value = 'v'.repeat(100)
  const works = {
    read: (i) => cache.get(freshKey(order[i & 65_535])).length,
    hot: () => cache.get(freshKey(7)).length,
    // Each thread its own half of the keys: what is measured is the memory they share, not a race for one entry.
    write: (i) => cache.set(freshKey((order[i & 65_535] & ~1) | index), value),
  }
  parentPort.on('message', (name) => {
    const work = works[name]
    Atomics.wait(gate, 0, 0)
    const end = performance.now() + MILLISECONDS
    let done = 0
    let sum = 0
    while (performance.now() < end) {
      for (let i = 0; i < 1000; i++) sum += Number(work(done + i))
      done += 1000
    }
    parentPort.postMessage(sum === -1 ? 0 : done)
  })
  parentPort.postMessage('ready')
}
