// What asking an owner costs: round trips from the main thread and from a worker, many at once, and what of it is waking: the ways to wake a main
// thread, measured bare.
import { isMainThread, MessageChannel, parentPort, Worker, workerData } from 'node:worker_threads'
import { channelBytes, shapeFor } from '../../dist/channel/channel-layout.js'
import { ChannelMemory } from '../../dist/channel/channel-memory.js'
import { ChannelClient } from '../../dist/channel/client.js'
import { createRegions } from '../../dist/engine/create.js'
import { attachJs } from '../../dist/engine/js/engine.js'
import { OwnerMemory } from '../../dist/owners/owner-memory.js'
import { Supervisor } from '../../dist/owners/supervisor.js'
import { engines } from '../caches.mjs'
import { figure, report } from '../harness.mjs'

const ROUNDS = 20_000
const MANY = 200_000
const PING = 1

function percentiles(times) {
  times.sort()
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))] * 1000
  return { p50: at(0.5), p99: at(0.99) }
}

async function roundTrips(client) {
  const times = new Float64Array(ROUNDS)
  for (let i = -2_000; i < ROUNDS; i++) {
    const from = performance.now()
    await client.request(0, PING, undefined, { room: 0 })
    if (i >= 0) times[i] = performance.now() - from
  }
  return percentiles(times)
}

/** Microseconds for each request with so many always under way. */
async function many(client, depth) {
  let asked = 0
  const from = performance.now()
  const lane = async () => {
    while (asked < MANY) {
      asked++
      await client.request(0, PING, undefined, { room: 0 })
    }
  }
  await Promise.all(Array.from({ length: depth }, lane))
  return ((performance.now() - from) * 1000) / MANY
}

const clientOf = ({ owners, channel }) => new ChannelClient(channel, new OwnerMemory(owners))

/** Bare: a worker waits at a word and wakes us, either by our word or by our port. */
async function wakings() {
  const words = new Int32Array(new SharedArrayBuffer(8))
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(new URL(import.meta.url), { workerData: { words, port: port2 }, transferList: [port2] })
  await new Promise((resolve) => worker.once('message', resolve))
  const result = {}
  for (const way of ['word', 'port']) {
    const times = new Float64Array(ROUNDS)
    for (let i = -2_000; i < ROUNDS; i++) {
      const from = performance.now()
      const seen = Atomics.load(words, 1)
      const woken =
        way === 'word'
          ? Promise.resolve(Atomics.waitAsync(words, 1, seen).value)
          : new Promise((resolve) => port1.once('message', resolve))
      Atomics.add(words, 0, way === 'word' ? 1 : 2 ** 16)
      Atomics.notify(words, 0)
      await woken
      if (i >= 0) times[i] = performance.now() - from
    }
    result[way] = percentiles(times)
  }
  await worker.terminate()
  return result
}

if (isMainThread) {
  const rows = []
  for (const name of engines) {
    const maxBytes = 64 * 2 ** 20
    const shape = shapeFor(maxBytes, 1)
    const regions = createRegions({ maxBytes, setAside: OwnerMemory.bytes(1) + channelBytes(shape) })
    const owners = new SharedArrayBuffer(OwnerMemory.bytes(1))
    OwnerMemory.initialise(owners, 1)
    const channel = ChannelMemory.create(shape)
    const engine = attachJs(regions)
    const all = { ...regions, owners, channel }
    const supervisor = new Supervisor({ name, engine: name, regions: all, owners, atOnce: true })
    await supervisor.ready()
    const client = clientOf(all)
    const main = await roundTrips(client)
    const worker = new Worker(new URL(import.meta.url), { workerData: { owners, channel } })
    const other = await new Promise((resolve) => worker.once('message', resolve))
    const detail = ({ p50, p99 }) => `p50 ${p50.toFixed(1)} µs, p99 ${p99.toFixed(0)} µs`
    const us = { unit: ' µs' }
    rows.push(
      figure(`round trip from the main thread, ${name}`, '–', { most: 50, ...us }, main.p50, { detail: detail(main) }),
      figure(`round trip from a worker, ${name}`, '–', { most: 20, ...us }, other.p50, { detail: detail(other) }),
    )
    for (const depth of [16, 256]) {
      const each = await many(client, depth)
      rows.push(
        figure(
          `each of many requests, ${depth} under way, ${name}`,
          '–',
          { most: depth === 256 ? 0.5 : 10, ...us },
          each,
        ),
      )
    }
    client.close()
    supervisor.leave()
    engine.detach()
    Atomics.or(new Int32Array(regions.control.buffer), 0x100 >> 2, 1)
    await supervisor.end()
  }
  const { word, port } = await wakings()
  rows.push(
    figure(
      'a main thread woken by its word (waitAsync), there and back',
      'by a port',
      { most: 1 },
      word.p50 / port.p50,
      {
        detail: `p50 ${word.p50.toFixed(1)} against ${port.p50.toFixed(1)} µs, p99 ${word.p99.toFixed(0)} against ${port.p99.toFixed(0)} µs`,
      },
    ),
  )
  report(rows)
} else if (workerData.words) {
  const { words, port } = workerData
  let seen = 0
  parentPort.postMessage('ready')
  for (;;) {
    Atomics.wait(words, 0, seen)
    const now = Atomics.load(words, 0)
    const byPort = now - seen >= 2 ** 16
    seen = now
    if (byPort) port.postMessage(0)
    else {
      Atomics.add(words, 1, 1)
      Atomics.notify(words, 1)
    }
  }
} else {
  const client = clientOf(workerData)
  const times = await roundTrips(client)
  client.close()
  parentPort.postMessage(times)
}
