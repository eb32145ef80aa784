// A Fastify server on two worker threads over one cache: what one thread has loaded is there for the other.
//
//   node examples/fastify-workers.mjs             asks itself a few things, checks the answers and ends
//   PORT=3000 node examples/fastify-workers.mjs   stays up: ports 3000 and 3001, one for each thread
//
// Worker threads cannot listen on one port in Node 20: give each a port and let the proxy in front deal requests out. From Node 23.1 on,
// `listen({ port, reusePort: true })` lets the kernel do that on Linux.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import Fastify from 'fastify'
import { createCache } from 'ostraka'

// The same line in every thread gives the same cache. Nothing is posted, nothing is passed on.
const cache = createCache({ name: 'products', maxBytes: '64mb', ttl: '1m' })

async function serve() {
  const app = Fastify()
  app.get('/products/:id', (request) =>
    // One thread of all loads, the others wait for what it brings.
    cache.getOrSet(`product:${request.params.id}`, async () => {
      cache.increment('queries')
      await wait(5) // stands for a database
      return { id: request.params.id, price: 100, loadedBy: workerData.thread }
    }),
  )
  app.post('/products/:id/sales', async (request) => {
    // Exact over all threads: no update is lost.
    return { sales: cache.increment(`sales:${request.params.id}`) }
  })
  parentPort.on('message', async () => {
    await app.close()
    await cache.close()
    parentPort.close()
  })
  parentPort.postMessage(await app.listen({ port: workerData.port }))
}

async function main() {
  const port = Number(process.env.PORT ?? 0)
  const workers = [0, 1].map(
    (thread) => new Worker(new URL(import.meta.url), { workerData: { thread, port: port === 0 ? 0 : port + thread } }),
  )
  const addresses = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]))
  console.log(`listening: ${addresses.join(' ')}`)
  if (port !== 0) return

  const ask = async (thread, path, method = 'GET') => (await fetch(addresses[thread] + path, { method })).json()
  const all = await Promise.all([0, 1, 0, 1].map((thread) => ask(thread, '/products/7')))
  const [first] = all
  assert.equal(first.price, 100)
  for (const product of all) assert.deepEqual(product, first)
  assert.deepEqual(
    await ask(1 - first.loadedBy, '/products/7'),
    first,
    'the other thread finds what the first has loaded',
  )
  assert.equal(cache.get('queries'), 1, 'four requests in two threads at once, one load')

  await Promise.all(Array.from({ length: 100 }, (_, i) => ask(i % 2, '/products/7/sales', 'POST')))
  assert.equal(cache.get('sales:7'), 100, 'two threads counted together')
  console.log('ok: loaded once, read in both threads; 100 sales counted by two')

  for (const worker of workers) worker.postMessage('close')
  await Promise.all(workers.map((worker) => once(worker, 'exit')))
  await cache.close()
}

await (isMainThread ? main() : serve())
