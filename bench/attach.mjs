// How long attaching to an existing cache takes, by the way it goes. `node bench/attach.mjs [--rounds N] [--json]`; milliseconds.
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

const load = () => import('../dist/attach/open-cache.js')

function makeRegions() {
  const memory = (pages) => new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  return { control: memory(2), shards: [memory(1024)] }
}

/** A worker that opens `name` when told; with `early`, it loads the package before it is told. */
async function worker({ early }) {
  if (early) await load()
  parentPort.on('message', async (name) => {
    const began = performance.now()
    const { openCache } = await load()
    const loaded = performance.now()
    openCache(name, undefined, makeRegions)
    const opened = performance.now()
    parentPort.postMessage({ load: loaded - began, open: opened - loaded })
  })
  parentPort.postMessage('ready')
}

async function start(early) {
  const thread = new Worker(new URL(import.meta.url), { workerData: { early } })
  await once(thread, 'message')
  return thread
}

async function told(thread, name) {
  thread.postMessage(name)
  const [times] = await once(thread, 'message')
  await thread.terminate()
  return times
}

function summary(times) {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share) => Number(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(3))
  return { p50: at(0.5), p90: at(0.9), worst: at(1) }
}

async function main() {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' }, json: { type: 'boolean' } } })
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds needs a whole number above 0')
  // These know nothing: they are older than the first import in the main thread.
  const older = []
  for (let i = 0; i < rounds; i++) older.push(await start(false))
  const importing = performance.now()
  const { openCache } = await load()
  const imported = performance.now() - importing
  const results = { 'first import in main (with election)': [imported] }
  const times = (name, list) => {
    results[name] = list
  }

  const creating = []
  for (let i = 0; i < rounds; i++) {
    const began = performance.now()
    openCache(`created ${i}`, { options: {} }, makeRegions).release()
    creating.push(performance.now() - began)
  }
  times('create and close, 64 MiB', creating)

  openCache('bench', { options: {} }, makeRegions)
  const again = []
  for (let i = 0; i < rounds * 100; i++) {
    const began = performance.now()
    openCache('bench', undefined, makeRegions).release()
    again.push(performance.now() - began)
  }
  times('same thread again', again)

  const inherited = []
  for (let i = 0; i < rounds; i++) inherited.push((await told(await start(false), 'bench')).open)
  times('worker made later', inherited)

  const announced = []
  for (let i = 0; i < rounds; i++) {
    const thread = await start(true)
    const name = `announced ${i}`
    const cache = openCache(name, { options: {} }, makeRegions)
    announced.push((await told(thread, name)).open)
    cache.release()
  }
  times('worker that had loaded before the cache was created', announced)

  const asking = []
  for (const thread of older) {
    await delay(5)
    asking.push((await told(thread, 'bench')).open)
  }
  times('older worker that loads late and must ask', asking)

  const report = Object.fromEntries(Object.entries(results).map(([name, list]) => [name, summary(list)]))
  if (values.json) console.log(JSON.stringify({ node: process.version, rounds, milliseconds: report }))
  else console.table(report)
}

await (isMainThread ? main() : worker(workerData))
