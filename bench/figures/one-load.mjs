// Threads that ask for one absent key at the same moment: how often it is loaded.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { createCache } from '../../dist/index.js'
import { engines } from '../caches.mjs'
import { figure, report } from '../harness.mjs'

const ROUNDS = 100
const THREADS = 4

if (isMainThread) {
  const rows = []
  for (const engine of engines) {
    const cache = createCache({ name: `one-load-${engine}`, maxBytes: '8mb', engine })
    const loads = new Int32Array(new SharedArrayBuffer(ROUNDS * 4))
    // The round that is open, and how many threads are done with it.
    const gate = new Int32Array(new SharedArrayBuffer(8))
    const start = () => new Worker(new URL(import.meta.url), { workerData: { engine, loads, gate } })
    const workers = Array.from({ length: THREADS }, start)
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    for (let round = 0; round < ROUNDS; round++) {
      Atomics.store(gate, 1, 0)
      for (const worker of workers) worker.postMessage(round)
      await Promise.all(workers.map((worker) => once(worker, 'message')))
    }
    await Promise.all(workers.map((worker) => worker.terminate()))
    await cache.close()
    const detail = `${loads.reduce((sum, count) => sum + count, 0)} loads in ${ROUNDS} rounds`
    const what = `loads of one absent key that ${THREADS} threads ask for, most of ${ROUNDS} rounds, ${engine}`
    rows.push(figure(what, 'exactly 1', { most: 1, unit: '' }, Math.max(...loads), { detail }))
    rows.push(figure('… least', 'exactly 1', { least: 1, unit: '' }, Math.min(...loads)))
  }
  report(rows)
} else {
  const { engine, loads, gate } = workerData
  const cache = createCache({ name: `one-load-${engine}`, engine })
  parentPort.on('message', async (round) => {
    // All of them at once.
    Atomics.add(gate, 1, 1)
    while (Atomics.load(gate, 1) < THREADS) {}
    await cache.getOrSet(`key ${round}`, async () => {
      Atomics.add(loads, round, 1)
      await sleep(2)
      return { round }
    })
    parentPort.postMessage('done')
  })
  parentPort.postMessage('ready')
}
