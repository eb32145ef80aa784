// Threads that create one name at the same moment, in a process whose main thread never loads the package: exactly one creates,
// all others attach to its memory.
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { Peer } from './peer.js'

const soak = process.env['OSTRAKA_SOAK'] !== undefined
/** For the tests that start hundreds of threads, on a machine that is busy with other things. */
const WATCHDOG_MS = soak ? 3_600_000 : 300_000
const THREADS = 4

interface Raced {
  readonly name: string
  readonly created: boolean
  readonly mark: number
  readonly words: Int32Array
  readonly error?: string
}

const workers: Worker[] = []

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()))
})

function next<T>(worker: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

/** Lets fresh workers open the names at once; every name must come out as one cache. */
async function race(names: readonly string[], importFirst: boolean): Promise<void> {
  const start = new Int32Array(new SharedArrayBuffer(4))
  const url = new URL('./fixtures/racer.mjs', import.meta.url)
  for (let i = 0; i < THREADS; i++) workers.push(new Worker(url, { workerData: { start, names, importFirst } }))
  await Promise.all(workers.map(next))
  const answers = workers.map((worker) => next<Raced[]>(worker))
  Atomics.store(start, 0, 1)
  Atomics.notify(start, 0)
  const results = await Promise.all(answers)
  for (const index of names.keys()) {
    const raced = results.map((result) => result[index] as Raced)
    expect(raced.map(({ error }) => error)).toEqual(Array(THREADS).fill(undefined))
    expect(raced.filter(({ created }) => created)).toHaveLength(1)
    // One memory: everybody's mark is the creator's, and everybody's count arrived in it.
    expect(new Set(raced.map(({ mark }) => mark)).size).toBe(1)
    expect(raced.map(({ words }) => Atomics.load(words, 1))).toEqual(Array(THREADS).fill(THREADS))
  }
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()))
}

test.each([
  ['loaded before', true],
  ['loaded at the same moment', false],
])(
  'fresh workers, no root anywhere, the package %s',
  async (_, importFirst) => {
    for (let round = 0; round < (soak ? 2_000 : 25); round++) await race(['x', 'y'], importFirst)
  },
  WATCHDOG_MS,
)

test(
  'hundreds of names in the same workers',
  async () => {
    const names = Array.from({ length: soak ? 500 : 300 }, (_, i) => `name ${i}`)
    for (let round = 0; round < (soak ? 100 : 2); round++) await race(names, true)
  },
  WATCHDOG_MS,
)

test(
  'one name, created and closed by four threads in hundreds of rounds',
  async () => {
    const peers = await Promise.all(Array.from({ length: THREADS }, () => Peer.loaded()))
    const rounds = soak ? 20_000 : 300
    let last = 0
    for (let round = 0; round < rounds; round++) {
      const opened = await Promise.all(peers.map((peer) => peer.open('again', { round })))
      expect(opened.filter(({ created }) => created)).toHaveLength(1)
      expect(new Set(opened.map(({ mark, incarnation }) => `${mark} ${incarnation}`)).size).toBe(1)
      expect(opened[0]?.incarnation).toBeGreaterThan(last)
      last = opened[0]?.incarnation ?? 0
      const lasts = await Promise.all(peers.map((peer) => peer.call<boolean>('release', { name: 'again' })))
      expect(lasts.filter(Boolean)).toHaveLength(1)
    }
    await Promise.all(peers.map((peer) => peer.end()))
  },
  WATCHDOG_MS,
)
