// Owners and channel interrupted at each of their atomic accesses, by another whole operation or by a death (steps.mjs; mutants.mjs shows what that notices).
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Opened, open, scenarios } from './steps.mjs'

let opened: Opened
beforeAll(async () => {
  opened = await open()
})
afterAll(() => opened.discard())

it.each(Object.keys(scenarios))('%s', async (name) => {
  const { problems, steps } = (await scenarios[name]?.(opened.built)) ?? { problems: ['no such scenario'], steps: 0 }
  expect(problems).toEqual([])
  // An operation without accesses to interrupt would prove nothing.
  expect(steps).toBeGreaterThan(3)
})
