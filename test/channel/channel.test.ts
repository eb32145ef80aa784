// The channel: random stories told step by step, real threads that flood one owner while both sides die, and how processes end.

import { execFile } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { channelBytes, Lane, shapeFor } from '../../src/channel/channel-layout.js'
import { ChannelMemory } from '../../src/channel/channel-memory.js'
import { Staging } from '../../src/channel/staging.js'
import { attachJs } from '../../src/engine/js/engine.js'
import { Control } from '../../src/engine/layout.js'
import { Row, State } from '../../src/owners/owner-layout.js'
import { Supervisor } from '../../src/owners/supervisor.js'
import { load, tell } from './campaign.mjs'
import { makeWorld } from './fixtures/world.mjs'

const soak = process.env['OSTRAKA_SOAK'] !== undefined
const dist = fileURLToPath(new URL('../../dist', import.meta.url))
const WATCHDOG = { timeout: soak ? 600_000 : 60_000, interval: 20 }

it('every request of random stories ends once, with the right answer or a code, and all memory is given back', async () => {
  const built = await load(dist)
  const first = Number(process.env['OSTRAKA_SEED'] ?? Math.floor(Math.random() * 1e6))
  for (let seed = first; seed < first + (soak ? 20_000 : 50); seed++) {
    expect({ seed, problems: await tell(built, seed) }).toEqual({ seed, problems: [] })
  }
})

it('staging memory is never given out twice, and all of it comes back', () => {
  const step = fc.oneof(fc.record({ take: fc.integer({ min: 0, max: 900 }) }), fc.record({ give: fc.nat(20) }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const staging = new Staging(4096)
      const taken: { at: number; bytes: number }[] = []
      for (const each of steps) {
        if ('take' in each) {
          const at = staging.take(each.take)
          if (at < 0) continue
          expect(at + each.take).toBeLessThanOrEqual(4096)
          for (const other of taken) expect(at >= other.at + other.bytes || other.at >= at + each.take).toBe(true)
          taken.push({ at, bytes: each.take })
        } else {
          const [given] = taken.splice(each.give % Math.max(1, taken.length), 1)
          if (given !== undefined) staging.give(given.at, given.bytes)
        }
      }
      for (const { at, bytes } of taken) staging.give(at, bytes)
      expect([staging.free, staging.take(4096)]).toEqual([4096, 0])
    }),
  )
})

it('has its share of the memory whatever the size of the cache', () => {
  for (const maxBytes of [2 ** 20, 8 * 2 ** 20, 64 * 2 ** 20, 2 ** 30, 2 ** 36]) {
    for (const owners of [1, 2, 8, 32]) {
      const shape = shapeFor(maxBytes, owners)
      expect(shape.lanes).toBeGreaterThanOrEqual(4)
      expect(shape.staging).toBeGreaterThanOrEqual(8 * 1024)
      expect(channelBytes(shape)).toBeLessThanOrEqual(Math.max(maxBytes / 64, owners * 64 * 1024) + 4096 * owners)
    }
  }
})

function floods(world: ReturnType<typeof makeWorld>, depth: number, count: number) {
  const counts = new Int32Array(new SharedArrayBuffer(32))
  const { owners, channel } = world
  const worker = new Worker(new URL('./fixtures/flood.mjs', import.meta.url), {
    workerData: { owners, channel, counts, depth, count },
  })
  const isOn = new Promise((resolve) => worker.once('message', resolve))
  const isOver = new Promise((resolve) => worker.once('exit', resolve))
  return { worker, counts, isOn, isOver }
}

const isFree = (world: ReturnType<typeof makeWorld>) => () => {
  const memory = new ChannelMemory(world.channel)
  const lanes = Array.from({ length: memory.shape.lanes }, (_, lane) => memory.lane(0, lane))
  return lanes.every((at) => Atomics.load(memory.words, at + Lane.sign) === 0)
}

it('eight threads that flood one owner get each of their answers', async () => {
  const world = makeWorld(64 * 2 ** 20)
  const engine = attachJs(world)
  const supervisor = new Supervisor({ name: 'flood', engine: 'js', regions: world, owners: world.owners, atOnce: true })
  await supervisor.ready()
  const each = soak ? 200_000 : 1_500
  const clients = Array.from({ length: 8 }, () => floods(world, 40, each))
  await Promise.all(clients.map(({ isOver }) => isOver))
  for (const { counts } of clients) expect([...counts.subarray(0, 5)]).toEqual([each, each, 0, 0, 0])
  await expect.poll(isFree(world), WATCHDOG).toBe(true)
  await close(world, supervisor)
  engine.detach()
})

it('clients and owners that are terminated all along cost no answer, no memory and nobody else anything', async () => {
  const started = new Set<Worker>()
  const note = (message: unknown) => started.add((message as { worker: Worker }).worker)
  subscribe('worker_threads', note)
  const world = makeWorld()
  const engine = attachJs(world)
  const supervisor = new Supervisor({ name: 'chaos', engine: 'js', regions: world, owners: world.owners, atOnce: true })
  await supervisor.ready()
  const mine = new Set<Worker>()
  const flood = () => {
    const client = floods(world, 20, Infinity)
    mine.add(client.worker)
    return client
  }
  const endOwner = async () => {
    await expect.poll(() => supervisor.memory.state(0), WATCHDOG).toBe(State.running)
    const owners = [...started].filter((worker) => !mine.has(worker) && worker.threadId > 0)
    // Else one that dies so often would be tried less and less often.
    supervisor.memory.write(0, Row.failures, 0)
    await Promise.all(owners.map((worker) => worker.terminate()))
  }
  const goal = soak ? 10_000_000 : 4_000
  const until = performance.now() + (soak ? 3_000_000 : 20_000)
  let clients = [0, 1, 2].map(flood)
  const gone: Int32Array[] = []
  let deaths = 0
  const total = (field: number) =>
    [...gone, ...clients.map(({ counts }) => counts)].reduce((sum, counts) => sum + (counts[field] as number), 0)
  for (let round = 0; (total(1) < goal || deaths < 5) && performance.now() < until; round++) {
    await new Promise((resolve) => setTimeout(resolve, 150 + ((round * 37) % 150)))
    if (round % 3 === 0) {
      await endOwner()
      deaths++
    } else {
      const [victim, ...others] = clients
      await victim?.worker.terminate()
      if (victim) gone.push(victim.counts)
      clients = [...others, flood()]
    }
  }
  for (const { worker } of clients) worker.postMessage('stop')
  await Promise.all(clients.map(({ isOver }) => isOver))
  expect(deaths).toBeGreaterThan(0)
  expect(total(1)).toBeGreaterThan(soak ? 1_000_000 : 500)
  expect(total(3)).toBe(0)
  for (const { counts } of clients) {
    const [asked = 0, answered = 0, failed = 0, , pending] = counts
    expect([answered + failed, pending]).toEqual([asked, 0])
  }
  await expect.poll(isFree(world), WATCHDOG).toBe(true)
  unsubscribe('worker_threads', note)
  await close(world, supervisor)
  engine.detach()
})

async function close(world: ReturnType<typeof makeWorld>, supervisor: Supervisor): Promise<void> {
  Atomics.or(new Int32Array(world.control.buffer), Control.world >> 2, 1)
  supervisor.leave()
  await supervisor.end()
}

describe('a process', () => {
  const run = promisify(execFile)
  const file = fileURLToPath(new URL('./fixtures/process.mjs', import.meta.url))
  it.each([
    ['answered', 'hello'],
    ['asked before it runs', 'early'],
    ['an owner that does not run', 'OSTRAKA_ERR_OWNER_GONE'],
    ['an owner that stands still', 'OSTRAKA_ERR_REQUEST_TIMEOUT'],
    ['aborted', 'TimeoutError'],
    ['closed', 'OSTRAKA_ERR_CLOSED'],
    ['upkeep', 'worked'],
  ])('stays as long as a request is pending, and no longer: %s', async (way, printed) => {
    const { stdout, stderr } = await run(process.execPath, [file, way], { timeout: 60_000 })
    expect([stdout.trim(), stderr]).toEqual([printed, ''])
  })
})
