// The race that a shared table loses most easily: several threads set one absent key at the same moment. If two of them linked a record
// of their own, the key would still be readable after its delete.
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { benches } from '../behaviour/engines.js'
import { next } from './recorded.js'

const soak = process.env['OSTRAKA_SOAK'] !== undefined
const nativeMissing = benches.find(({ name }) => name === 'native')?.missing

interface Answer {
  readonly faults: readonly string[]
  /** Rounds in which this thread found another one's value after its own set. */
  readonly both: number
  readonly size: number
  readonly left: readonly string[]
}

const races: readonly (readonly ('native' | 'js')[])[] = [
  ['native', 'native'],
  ['js', 'js'],
  ['native', 'js'],
  ['native', 'native', 'js', 'js'],
]

for (const engines of races) {
  // Four threads on fewer processors meet slowly.
  const rounds = Math.round((soak ? 1_000_000 : 32_000) / (engines.length > 2 ? 16 : 1))
  test.skipIf(engines.includes('native') && nativeMissing !== undefined)(
    `${rounds} first sets by ${engines.join(' and ')}`,
    async () => {
      const gate = new Int32Array(new SharedArrayBuffer(4))
      const workers: Worker[] = []
      for (const [thread, engine] of engines.entries()) {
        const options = { name: `first-set-${engines.join('-')}`, maxBytes: '1mb', near: false, engine }
        const data = { options, thread, threads: engines.length, rounds, keys: 64, gate }
        const worker = new Worker(new URL('./fixtures/first-set.mjs', import.meta.url), { workerData: data })
        workers.push(worker)
        await next(worker)
      }
      const answers = workers.map((worker) => next<Answer>(worker))
      for (const worker of workers) worker.postMessage('go')
      try {
        const seen = await Promise.all(answers)
        expect(seen.flatMap(({ faults }) => faults)).toEqual([])
        expect(seen.map(({ size, left }) => [size, left])).toEqual(engines.map(() => [0, []]))
        // They did meet.
        expect(Math.max(...seen.map(({ both }) => both))).toBeGreaterThan(0)
      } finally {
        await Promise.all(workers.map((worker) => worker.terminate()))
      }
    },
  )
}
