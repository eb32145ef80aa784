// One thread of the coherence suite: writes versions of a key, or reads it and tells what it saw and how late. May touch: the cache.
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { answer } from '../../demo/calls.js'
import { openSubject } from '../runner/load.js'
import type { BenchmarkCache } from '../runner/target.js'
import { type CoherenceTask, type Seen, Word } from './coherence-protocol.js'

const { subject, thread, threads, words, since } = workerData as CoherenceTask
const key = 'the one key'
let cache: BenchmarkCache

const answers = {
  open: async () => {
    cache = (await openSubject(subject, { thread, threads, connections: 1, seed: 1 })) as BenchmarkCache
    await cache.get(key)
  },

  write: async ({ versions, pause }: { versions: number; pause: number }) => {
    for (let version = 1; version <= versions; version++) {
      // Of one length, and an object, which a near cache keeps decoded.
      await cache.set(key, { version, text: 'v'.repeat(100) }, 0)
      Atomics.store(since, 0, process.hrtime.bigint())
      Atomics.store(words, Word.version, version)
      await sleep(pause)
    }
    Atomics.store(words, Word.over, 1)
  },

  read: async (): Promise<Seen> => {
    let reads = 0
    let stale = 0
    let last = 0
    const lags: number[] = []
    while (Atomics.load(words, Word.over) === 0) {
      // In runs, so that what answers at once is not slowed down by the event loop; answers from elsewhere need its turns.
      for (let run = 0; run < (cache.asynchronous ? 1 : 200); run++) {
        const known = Atomics.load(words, Word.version)
        const knownSince = Atomics.load(since, 0)
        const found = (cache.asynchronous ? await cache.get(key) : cache.get(key)) as { version: number } | undefined
        const version = found?.version ?? 0
        reads++
        if (version < known) stale++
        else if (known > last) {
          lags.push(Math.max(0, Number(process.hrtime.bigint() - knownSince) / 1e6))
          last = known
        }
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    return { reads, stale, lags }
  },
}
export type CoherenceAnswers = typeof answers

answer(parentPort!, answers)
