// Workers terminated at random instants, in both engines and both at once: nobody is held up by the dead, no value is wrong, no count
// drifts, no memory and no place in the registry is lost, and the process ends as if nothing had happened.

import { setTimeout as after } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { benches } from '../behaviour/engines.js'
import { type Battle, type EngineName, run } from './arena.js'

const soak = process.env['OSTRAKA_SOAK'] !== undefined
const nativeMissing = benches.find(({ name }) => name === 'native')?.missing

interface Seen {
  readonly started: number
  readonly killed: number
  readonly crashed: number
  readonly faults: readonly string[]
  readonly slowestRecoveryMs: number
  readonly reaped: number
  readonly evicted: number
}

const mixes: Record<string, { mix: readonly EngineName[]; mainEngine: EngineName }> = {
  native: { mix: ['native', 'native', 'native'], mainEngine: 'native' },
  js: { mix: ['js', 'js', 'js'], mainEngine: 'js' },
  mixed: { mix: ['js', 'native', 'js'], mainEngine: 'native' },
}

const bounds: Record<string, Pick<Battle, 'options' | 'keys'>> = {
  'bytes run out': { options: { name: 'deaths', maxBytes: '1mb', near: false }, keys: 2000 },
  'entries run out': { options: { name: 'deaths', maxBytes: '2mb', maxEntries: 200, near: false }, keys: 500 },
}

for (const [bound, world] of Object.entries(bounds)) {
  for (const [name, engines] of Object.entries(mixes)) {
    const [batches, kills] = soak ? [60, 60] : [1, 6]
    const missing = engines.mix.includes('native') && nativeMissing !== undefined
    test.skipIf(missing)(`${name} workers die while ${bound}`, async () => {
      const seed = Number(process.env['OSTRAKA_SEED'] ?? Date.now() % 1_000_000)
      const outcome = await run('arena.mjs', { ...engines, ...world, batches, kills, seed })
      expect(outcome.signal, `seed ${seed}`).toBeNull()
      const seen = JSON.parse(outcome.output) as Seen
      expect(seen.faults, `seed ${seed}`).toEqual([])
      expect(seen.killed).toBe(batches * (kills + 3))
      expect(seen.evicted).toBeGreaterThan(100)
      expect([outcome.code, outcome.errors]).toEqual([0, ''])
    })
  }
}

test('workers that end by an exception of their own', async () => {
  const seed = Number(process.env['OSTRAKA_SEED'] ?? Date.now() % 1_000_000)
  const engines = nativeMissing === undefined ? mixes['mixed'] : mixes['js']
  const outcome = await run('arena.mjs', {
    ...engines,
    ...bounds['entries run out'],
    batches: 2,
    kills: 20,
    seed,
    crashes: true,
  })
  expect(outcome.signal, `seed ${seed}`).toBeNull()
  const seen = JSON.parse(outcome.output) as Seen
  expect(seen.faults, `seed ${seed}`).toEqual([])
  expect(seen.crashed).toBeGreaterThan(0)
  expect([outcome.code, outcome.errors]).toEqual([0, ''])
})

test('more workers than the registry has places, ended wherever they are', async () => {
  const seed = Number(process.env['OSTRAKA_SEED'] ?? Date.now() % 1_000_000)
  const engines = nativeMissing === undefined ? mixes['mixed'] : mixes['js']
  const battle = { ...engines, ...bounds['entries run out'], batches: soak ? 40 : 1, kills: 140, seed, hasty: true }
  const outcome = await run('arena.mjs', battle)
  expect(outcome.signal, `seed ${seed}`).toBeNull()
  const seen = JSON.parse(outcome.output) as Seen
  expect(seen.faults, `seed ${seed}`).toEqual([])
  expect(seen.started).toBeGreaterThan(128)
  expect([outcome.code, outcome.errors]).toEqual([0, ''])
})

test.skipIf(process.platform === 'win32')(
  'a process that is stopped for seconds: nobody is taken for dead',
  async () => {
    const engines = nativeMissing === undefined ? mixes['mixed'] : mixes['js']
    const outcome = await run(
      'arena.mjs',
      { ...engines, ...bounds['bytes run out'], batches: 1, kills: 6, seed: 7 },
      async (pid) => {
        for (let i = 0; i < 2; i++) {
          await after(700)
          process.kill(pid, 'SIGSTOP')
          await after(2000)
          process.kill(pid, 'SIGCONT')
        }
      },
    )
    const seen = JSON.parse(outcome.output) as Seen
    expect(seen.faults).toEqual([])
    expect(seen.reaped).toBeLessThanOrEqual(seen.killed)
    expect([outcome.code, outcome.errors]).toEqual([0, ''])
  },
)

const leaving: readonly (readonly ['exit' | 'terminate' | 'crash', number, RegExp])[] = [
  ['exit', 0, /^$/],
  ['terminate', 0, /^$/],
  // Nobody listens to that worker's error, so Node ends the process with it: with its message, and in no worse way.
  ['crash', 1, /planned crash/],
]

for (const [how, code, errors] of leaving) {
  test(`a process that ends by ${how} in the middle of everything`, async () => {
    const mix = nativeMissing === undefined ? ['native', 'js', 'native'] : ['js', 'js']
    for (const milliseconds of soak ? [0, 5, 10, 20, 40, 80, 160] : [0]) {
      const { options } = bounds['bytes run out'] as { options: Battle['options'] }
      const outcome = await run('leave.mjs', {
        mix,
        options,
        how,
        milliseconds: how === 'crash' ? 60_000 : milliseconds,
      })
      expect([outcome.code, outcome.signal]).toEqual([code, null])
      expect(outcome.errors).toMatch(errors)
    }
  })
}
