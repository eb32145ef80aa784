// The shared memory of owners: exactly one of many threads starts an owner, no shard is ever two owners', nobody is declared dead for being slow.
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Row, State } from '../../src/owners/owner-layout.js'
import { OwnerMemory, ticks } from '../../src/owners/owner-memory.js'

function memoryOf(count: number): OwnerMemory {
  const buffer = new SharedArrayBuffer(OwnerMemory.bytes(count))
  OwnerMemory.initialise(buffer, count)
  return new OwnerMemory(buffer)
}

const living = { word: 1, startLow: 0, startHigh: 0 }

it('a start is claimed once, and only where nobody is', () => {
  const memory = memoryOf(2)
  const epoch = memory.claimStart(1)
  expect(epoch).toBe(1)
  expect(new OwnerMemory(memory.buffer).claimStart(1)).toBe(0)
  expect(memory.begin(1, epoch, living, 9)).toBe(true)
  expect(memory.claimStart(1)).toBe(0)
  expect([memory.state(0), memory.state(1), memory.isRunning(1, epoch)]).toEqual([State.vacant, State.running, true])
  memory.end(1, epoch)
  expect(memory.claimStart(1)).toBe(2)
})

it('a worker that comes after its start was given up is not admitted, and spoils nothing', () => {
  const memory = memoryOf(1)
  const late = memory.claimStart(0)
  memory.inspect(0)
  expect(memory.state(0)).toBe(State.starting)
  memory.write(0, Row.since, ticks() - 60_000)
  memory.inspect(0)
  const epoch = memory.claimStart(0)
  expect(epoch).toBe(late + 1)
  expect(memory.begin(0, late, living, 5)).toBe(false)
  expect(memory.begin(0, epoch, living, 6)).toBe(true)
  expect(memory.begin(0, late, living, 5)).toBe(false)
  memory.bury(0, late)
  expect([memory.isRunning(0, epoch), memory.read(0, Row.nodeThread)]).toEqual([true, 6])
})

it('owners that do not come up are tried again less and less often', () => {
  const memory = memoryOf(1)
  memory.bury(0, memory.claimStart(0))
  const second = memory.claimStart(0)
  expect(second).toBe(2)
  memory.bury(0, second)
  expect(memory.claimStart(0)).toBe(0)
  memory.write(0, Row.notBefore, ticks())
  const third = memory.claimStart(0)
  memory.begin(0, third, living, 1)
  memory.write(0, Row.since, ticks() - 5_000)
  memory.bury(0, third)
  expect(memory.read(0, Row.failures)).toBe(0)
  expect(memory.claimStart(0)).toBe(4)
})

it('whatever comes and goes in whatever order, no shard has two owners, and where somebody runs none is left alone', () => {
  const step = fc.record({
    index: fc.nat(3),
    action: fc.constantFrom('start', 'begin', 'deal', 'end', 'bury', 'lateBegin'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.constantFrom(1, 2, 8), (steps, shards) => {
      const memory = memoryOf(4)
      const epochs = [0, 0, 0, 0]
      const held: number[][] = [[], [], [], []]
      for (const { index, action } of steps) {
        const epoch = epochs[index] as number
        memory.write(index, Row.notBefore, ticks())
        if (action === 'start') epochs[index] = memory.claimStart(index) || epoch
        else if (action === 'begin') memory.begin(index, epoch, living, 1)
        else if (action === 'lateBegin') memory.begin(index, epoch - 1, living, 1)
        else if (action === 'end') memory.end(index, epoch)
        else if (action === 'bury') memory.bury(index, epoch)
        else if (memory.isRunning(index, epoch)) held[index] = memory.deal(index, epoch, shards)
        for (const [owner, list] of held.entries()) {
          if (!memory.isRunning(owner, epochs[owner] as number)) list.length = 0
        }
        const all = held.flat()
        expect(new Set(all).size).toBe(all.length)
      }
      const running = [0, 1, 2, 3].filter((index) => memory.isRunning(index, epochs[index] as number))
      // One round to give back what has a home, one to take it.
      for (let round = 0; round < 2; round++) {
        for (const index of running) held[index] = memory.deal(index, epochs[index] as number, shards)
      }
      const dealt = running.flatMap((index) => held[index] as number[]).sort((a, b) => a - b)
      expect(dealt).toEqual(running.length === 0 ? [] : Array.from({ length: shards }, (_, shard) => shard))
      for (const index of running) {
        for (const shard of held[index] as number[]) {
          if (running.includes(shard % 4)) expect(shard % 4).toBe(index)
        }
      }
    }),
    { numRuns: process.env['OSTRAKA_SOAK'] ? 20_000 : 300 },
  )
})

it('one that stands still keeps its place and its shards, goes on when it can, and is buried once its thread is gone', async () => {
  const memory = memoryOf(2)
  const go = new Int32Array(new SharedArrayBuffer(4))
  const epoch = memory.claimStart(0)
  const worker = new Worker(new URL('./fixtures/still.mjs', import.meta.url), {
    workerData: { buffer: memory.buffer, index: 0, epoch, go, shards: 4 },
  })
  const said = () => new Promise<unknown>((resolve) => worker.once('message', resolve))
  expect(await said()).toEqual({ begun: true, dealt: [0, 1, 2, 3] })
  memory.write(0, Row.beat, ticks() - 3_600_000)
  const other = memory.claimStart(1)
  memory.begin(1, other, living, 7)
  for (let i = 0; i < 20; i++) {
    memory.inspect(0)
    expect([memory.isRunning(0, epoch), memory.claimStart(0), memory.deal(1, other, 4)]).toEqual([true, 0, []])
  }
  const next = said()
  Atomics.store(go, 0, 1)
  Atomics.notify(go, 0)
  // What has a home of its own that runs again is given back.
  expect(await next).toEqual({ runs: true, dealt: [0, 2] })
  await worker.terminate()
  memory.write(0, Row.beat, ticks() - 3_600_000)
  const isBuried = () => {
    memory.inspect(0)
    return memory.state(0) === State.vacant
  }
  await expect.poll(isBuried, { timeout: 30_000 }).toBe(true)
  expect(memory.deal(1, other, 4)).toEqual([0, 1, 2, 3])
  expect(memory.claimStart(0)).toBe(epoch + 1)
})
