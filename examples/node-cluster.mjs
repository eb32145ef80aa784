// node:cluster starts processes, and a cache is the memory of one process: with two of them there are two caches, each with its own cold
// start and its own copy of everything. This program shows exactly that.
//
//   node examples/node-cluster.mjs   starts two processes, asks both, checks the answers and ends
//
// To share one cache, serve from worker threads (fastify-workers.mjs) instead of processes, or, where processes are a must, let each of them
// have few processes and several threads. A tier between processes is not part of this version.
import assert from 'node:assert/strict'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { createCache } from 'ostraka'

if (cluster.isPrimary) {
  const workers = [cluster.fork(), cluster.fork()]
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  const ask = async (worker, key) => {
    worker.send(key)
    return (await once(worker, 'message'))[0]
  }
  assert.equal(await ask(workers[0], 'greeting'), 'miss')
  assert.equal(await ask(workers[0], 'greeting'), 'hit')
  // The same name and the same line, and yet another cache: it is another process.
  assert.equal(await ask(workers[1], 'greeting'), 'miss')
  console.log('ok: one cache a process: what the first has loaded, the second loads again')
  for (const worker of workers) worker.disconnect()
} else {
  const cache = createCache({ name: 'greetings', maxBytes: '16mb' })
  process.on('message', (key) => {
    const found = cache.get(key)
    if (found === undefined) cache.set(key, 'hello')
    process.send(found === undefined ? 'miss' : 'hit')
  })
  process.send('ready')
}
