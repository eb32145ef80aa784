// Recorded histories of real threads over a few hot keys, in a cache so small that its memory is reused all the time: for every key there
// must be one order of all operations that explains every answer. Native, JS, and both over the same memory.
import { expect, test } from 'vitest'
import { benches } from '../behaviour/engines.js'
import { check, describe } from './checker.mjs'
import { Recording, type Setup } from './recorded.js'

const soak = process.env['OSTRAKA_SOAK'] !== undefined
const ROUNDS = soak ? 400 : 2
const OPERATIONS = soak ? 20_000 : 1500

const nativeMissing = benches.find(({ name }) => name === 'native')?.missing

type Threads = Setup['engines']

const mixes: Record<string, Threads> = {
  'native, 2 threads': ['native', 'native'],
  'native, 4 threads': ['native', 'native', 'native', 'native'],
  'js, 2 threads': ['js', 'js'],
  'js, 4 threads': ['js', 'js', 'js', 'js'],
  'mixed, 2 threads': ['native', 'js'],
  'mixed, 4 threads': ['native', 'js', 'native', 'js'],
}

const tiny = { maxBytes: '1mb', near: false } as const
const worlds: Record<string, Omit<Setup, 'engines'>> = {
  'bytes run out': { options: tiny, hotKeys: 5, counterKeys: 2, coldKeys: 4000, clears: 0 },
  'entries run out': {
    options: { ...tiny, maxEntries: 60 },
    hotKeys: 5,
    counterKeys: 2,
    coldKeys: 500,
    clears: 0,
  },
  'cleared often': { options: tiny, hotKeys: 4, counterKeys: 2, coldKeys: 1000, clears: 200 },
  'with near caches': {
    options: { maxBytes: '1mb', near: { maxEntries: 100 } },
    hotKeys: 6,
    counterKeys: 1,
    coldKeys: 2000,
    clears: 500,
  },
}

let serial = 0

for (const [world, setup] of Object.entries(worlds)) {
  for (const [mix, engines] of Object.entries(mixes)) {
    // In the short run each world meets every mix of engines, once with two threads or with four.
    const index = Object.keys(mixes).indexOf(mix) + Object.keys(worlds).indexOf(world)
    if (!soak && index % 2 === 1) continue
    test.skipIf(engines.includes('native') && nativeMissing !== undefined)(`${world}: ${mix}`, async () => {
      const recording = await Recording.start({
        ...setup,
        engines,
        options: { ...setup.options, name: `histories-${++serial}` },
      })
      try {
        await examine(recording)
      } finally {
        await recording.stop()
      }
    })
  }
}

async function examine(recording: Recording): Promise<void> {
  const first = Number(process.env['OSTRAKA_SEED'] ?? Date.now() % 1_000_000)
  let reads = 0
  let hits = 0
  let evicted = 0
  let segmentsFreed = 0
  for (let round = 0; round < ROUNDS; round++) {
    const seed = first + round
    const played = await recording.play(seed, OPERATIONS)
    reads += played.reads
    hits += played.hits
    evicted = played.evicted
    segmentsFreed = played.segmentsFreed
    for (const [key, threads] of played.keys.entries()) {
      const verdict = check(threads, { strict: played.refusals === 0, vanishes: true })
      expect(verdict.stuckAt.map(describe), `OSTRAKA_SEED=${seed}, key ${key}, value ${verdict.value}`).toEqual([])
      expect(verdict.linearizable).toBe(true)
    }
  }
  expect(hits / reads).toBeGreaterThan(0.5)
  expect(evicted).toBeGreaterThan(100)
  // Without a bound on entries memory comes round; with one it may take longer than a short run.
  expect(segmentsFreed).toBeGreaterThanOrEqual(soak ? 10 : 0)
}
