// Random histories with processes that end at any moment: nothing comes back that was gone before the last awaited flush.
import { describe, expect, test } from 'vitest'
import { type Play, type Played, play } from './play.js'

const soak = process.env['OSTRAKA_SOAK'] !== undefined
const runs = soak ? 1000 : 6
const firstSeed = Number(process.env['OSTRAKA_SEED'] ?? Math.floor(Math.random() * 1e9))

async function playMany(count: number, options: Omit<Play, 'seed'>): Promise<Played[]> {
  const all: Played[] = []
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const played = await play({ ...options, seed })
    expect(played.faults, `OSTRAKA_SEED=${seed}`).toEqual([])
    all.push(played)
  }
  return all
}

const sum = (all: readonly Played[], of: (played: Played) => number) => all.reduce((total, one) => total + of(one), 0)

describe('random histories', () => {
  test.each([
    ['closed and opened again', { steps: 400, closes: 0.02, clears: 0.002 }],
    ['killed', { steps: 400, crashes: 0.02, clears: 0.002 }],
    ['killed and closed, with regions by lifetime', { steps: 600, crashes: 0.01, closes: 0.01, lifetimes: 3 }],
    ['without power', { steps: 400, crashes: 0.02, clears: 0.002, power: true }],
  ])('%s', async (_, options) => {
    const all = await playMany(runs, options)
    // The histories are worth something: values were read, regions emptied.
    expect(sum(all, ({ hits }) => hits)).toBeGreaterThan(5 * runs)
    expect(sum(all, ({ counters }) => counters.emptied)).toBeGreaterThan(runs)
  })
})
