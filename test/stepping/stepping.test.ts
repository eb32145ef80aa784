// The pure-JS engine one step at a time: the built source, every atomic access and kernel call a step, real threads that take steps only
// when the schedule says so, deaths before any step. After each schedule the raw memory must be whole, and one order must explain what
// everybody was told. A schedule that fails is printed and can be played again with `Stage.play`.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { campaign, efforts } from './harness/campaign.mjs'
import { Stage, scenarios } from './harness/stage.mjs'

const soak = process.env['OSTRAKA_SOAK'] !== undefined
const seed = Number(process.env['OSTRAKA_SEED'] ?? Date.now() % 1_000_000)
let stage: Stage

beforeAll(async () => {
  stage = await Stage.open()
})

afterAll(() => stage.close())

for (const [number, { name }] of scenarios.entries()) {
  test(name, () => {
    const { played, died, failure } = campaign(stage, number, soak ? efforts.soak : efforts.short, seed)
    expect(failure, `OSTRAKA_SEED=${seed}`).toBeUndefined()
    expect(played).toBeGreaterThan(10)
    expect(died).toBeGreaterThan(0)
  })
}

test('a schedule that is played again goes the same way', () => {
  const schedule = { mode: 'random', seed: 17, odds: 3, first: 1 }
  const once = stage.play(2, schedule)
  expect(stage.play(2, schedule)).toEqual(once)
})
