// One contender of an election, step by step, against a rival that the test plays: what lets it win a place and what does not.
import { afterEach, expect, test } from 'vitest'
import { type Ballot, Election } from '../../src/attach/election.js'
import { Presence } from '../../src/attach/presence.js'

const ME = 3
const ABOVE = 11
const BELOW = 2
const ANYBODY = -1
/** Thread 3's first place in the tournament. */
const PLACE = '1/1'
const BRIEF_MS = 60

const flags: Presence[] = []

afterEach(() => {
  for (const flag of flags.splice(0)) flag.leave()
})

/** An election in which others stand at the gate and at my first place; `messages` come in one at a time. */
function contested(messages: readonly (readonly [from: number, to: number])[], known = false) {
  const groups = `trial/${Math.random()}`
  const said: (readonly [node: string, to: number])[] = []
  const coming = [...messages]
  let told = 0
  let called = false
  for (const place of ['gate', PLACE]) flags.push(new Presence(`${groups}/${place}`))
  const ballot: Ballot = {
    thread: ME,
    drain() {
      // Nothing before my own call: what had come before it belongs to an earlier contest.
      const message = called ? coming.shift() : undefined
      if (message) election.heard(PLACE, message[0], message[1])
    },
    knowsRoot: () => known && called,
    tie(node, to) {
      called = true
      said.push([node, to])
    },
    tell() {
      told++
    },
  }
  const election = new Election(ballot, () => true, groups)
  const outcome = election.contend(performance.now() + BRIEF_MS)
  election.withdraw()
  return { outcome, said, told }
}

test('an answer from a higher thread wins the place, and is answered', () => {
  const { outcome, said } = contested([[ABOVE, ME]])
  expect(outcome).toBe('won')
  expect(said).toEqual([
    [PLACE, ANYBODY],
    [PLACE, ABOVE],
  ])
})

test('a call alone does not: its caller may have gone, and its answer was for another', () => {
  const { outcome, said } = contested([[ABOVE, ANYBODY]])
  expect(outcome).toBe('timeout')
  expect(said).toEqual([
    [PLACE, ANYBODY],
    [PLACE, ABOVE],
  ])
})

test('a call and then the answer to mine do, and each call is answered', () => {
  const { outcome, said } = contested([
    [ABOVE, ANYBODY],
    [ABOVE, ANYBODY],
    [ABOVE, ME],
  ])
  expect(outcome).toBe('won')
  expect(said).toEqual([
    [PLACE, ANYBODY],
    [PLACE, ABOVE],
    [PLACE, ABOVE],
  ])
})

test("another's answer does not", () => {
  expect(contested([[ABOVE, BELOW]]).outcome).toBe('timeout')
})

test('an answer from a lower thread does not', () => {
  expect(contested([[BELOW, ME]]).outcome).toBe('timeout')
})

test('nor an answer from a higher one, once a lower one has called: it was answered and may win', () => {
  expect(
    contested([
      [BELOW, ANYBODY],
      [ABOVE, ME],
    ]).outcome,
  ).toBe('timeout')
})

test('who knows a root lets nobody win, but tells', () => {
  const { outcome, said, told } = contested([[ABOVE, ANYBODY]], true)
  expect(outcome).toBe('known')
  expect(told).toBe(1)
  expect(said).toEqual([[PLACE, ANYBODY]])
})

test('alone at the gate: no tournament, no call', () => {
  const said: string[] = []
  const quiet: Ballot = { thread: ME, drain() {}, knowsRoot: () => false, tie: (node) => said.push(node), tell() {} }
  const election = new Election(quiet, () => true, `trial/${Math.random()}`)
  expect(election.contend(performance.now() + BRIEF_MS)).toBe('won')
  election.withdraw()
  expect(said).toEqual([])
})
