// The election of a root among threads that share nothing: exactly one wins, whatever the order, and deaths are seen.
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { Presence, presenceWorks } from '../../src/attach/presence.js'

const soak = process.env['OSTRAKA_SOAK'] !== undefined

interface Report {
  readonly outcomes: readonly string[]
  readonly ties: number
}

async function elect(threads: number, rounds: number, withFlags: boolean): Promise<Report[]> {
  const gate = new Int32Array(new SharedArrayBuffer(4))
  const salt = Math.random()
  const workers = Array.from(
    { length: threads },
    () =>
      new Worker(new URL('./fixtures/contender.mjs', import.meta.url), {
        workerData: { rounds, threads, gate, withFlags, salt },
      }),
  )
  return Promise.all(
    workers.map(
      (worker) =>
        new Promise<Report>((resolve, reject) => {
          worker.once('message', resolve)
          worker.once('error', reject)
        }),
    ),
  )
}

function winnersPerRound(reports: readonly Report[], rounds: number): number[] {
  return Array.from(
    { length: rounds },
    (_, round) => reports.filter(({ outcomes }) => outcomes[round] === 'won').length,
  )
}

test.each([2, 3, 4, 7])('%i threads at once: exactly one wins, the others hear of it', async (threads) => {
  const rounds = soak ? 20_000 : 250
  const reports = await elect(threads, rounds, true)
  expect(winnersPerRound(reports, rounds)).toEqual(Array(rounds).fill(1))
  expect(reports.flatMap(({ outcomes }) => outcomes).filter((outcome) => outcome === 'timeout')).toEqual([])
  // Without ties the rounds would not have been contended, and nothing shown.
  expect(reports.reduce((sum, { ties }) => sum + ties, 0)).toBeGreaterThan(rounds / 10)
})

test('without flags, threads that are awake agree as well', async () => {
  const reports = await elect(3, 5, false)
  expect(winnersPerRound(reports, 5)).toEqual(Array(5).fill(1))
})

test('flags work on this Node', () => {
  expect(presenceWorks()).toBe(true)
})

test("a dead thread's flag falls, a living one's stands, even while its thread is blocked", async () => {
  const group = `trial/${Math.random()}`
  const mine = new Presence(group)
  expect(mine.alone()).toBe(true)
  const blocked = new Worker(
    `const { BroadcastChannel, parentPort, workerData } = require('node:worker_threads')
     const channel = new BroadcastChannel(workerData)
     parentPort.postMessage('in')
     Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)`,
    { eval: true, workerData: group },
  )
  await new Promise((resolve) => blocked.once('message', resolve))
  expect(mine.alone()).toBe(false)
  await blocked.terminate()
  expect(mine.alone()).toBe(true)
  mine.leave()
})
