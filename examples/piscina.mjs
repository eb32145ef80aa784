// A pool of piscina tasks that remember each other's results: what one worker has computed, no other computes again.
//
//   node examples/piscina.mjs   runs a few tasks, checks the answers and ends
//
// The cache is made in the main thread first, so that it lives as long as the pool, whatever workers come and go. Tasks find it by its name.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { isMainThread, threadId } from 'node:worker_threads'
import { createCache } from 'ostraka'
import { Piscina } from 'piscina'

const cache = createCache({ name: 'thumbnails', maxBytes: '64mb' })

// Stands for work that takes a while: a picture made smaller, a page rendered, a parsed document.
function compute(source) {
  let bytes = Buffer.from(source)
  for (let i = 0; i < 20_000; i++) bytes = createHash('sha256').update(bytes).digest()
  return bytes
}

// The task. While one worker computes, another that is asked for the same picture waits for it.
export async function thumbnail(source) {
  let computed = false
  // Bytes are kept as bytes; a Buffer comes back as a Buffer, a fresh copy for every reader.
  const bytes = await cache.getOrSet(source, () => {
    computed = true
    return compute(source)
  })
  return { ...describe(bytes), computed }
}

const describe = (bytes) => ({ digest: bytes.toString('hex').slice(0, 8), thread: threadId })

if (isMainThread) {
  const pool = new Piscina({
    filename: fileURLToPath(import.meta.url),
    name: 'thumbnail',
    minThreads: 2,
    maxThreads: 2,
  })
  const sources = Array.from({ length: 20 }, (_, i) => `picture-${i}.png`)
  // Each twice, and at once.
  const first = await Promise.all([...sources, ...sources].map((source) => pool.run(source)))
  const second = await Promise.all(sources.map((source) => pool.run(source)))
  assert.equal(first.filter(({ computed }) => computed).length, 20)
  assert.ok(
    second.every(({ computed }) => !computed),
    'nothing was computed twice, in whichever thread it was asked for',
  )
  assert.deepEqual(
    second.map(({ digest }) => digest),
    first.slice(0, 20).map(({ digest }) => digest),
  )
  // The main thread has it, too.
  assert.equal(cache.get('picture-0.png').toString('hex').slice(0, 8), first[0].digest)
  const threads = new Set([...first, ...second].map(({ thread }) => thread))
  console.log(`ok: 20 computed, 40 found, by ${threads.size} threads`)
  await pool.destroy()
  await cache.close()
}
