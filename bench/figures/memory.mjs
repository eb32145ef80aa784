// Bytes per entry beyond key and value at 1 M entries, and resident memory under churn of mixed sizes against maxBytes.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createCache } from '../../dist/index.js'
import { engines, HOUR } from '../caches.mjs'
import { figure, freshKey, report } from '../harness.mjs'

const [, , mode, engine] = process.argv

/**
 * Resident bytes of this process without V8's heap, which grows and shrinks with the loop that fills the cache. Read once they stand
 * still: V8 gives memory back in the background.
 */
async function resident() {
  let last = Infinity
  for (let turn = 0; turn < 20; turn++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 100))
    const { rss, heapTotal } = process.memoryUsage()
    if (turn > 2 && Math.abs(rss - heapTotal - last) < 65_536) break
    last = rss - heapTotal
  }
  return last
}

if (mode === 'entries') {
  // The cache's own accounting: everything mapped that holds something. Values are 100 bytes, keys 14.
  const count = 1_000_000
  const ttl = process.argv[4] === 'ttl'
  // The addon's code and V8's for this loop are no part of an entry.
  const first = createCache({ name: 'first', maxBytes: '1mb', near: false, engine })
  for (let i = 0; i < 20_000; i++) first.set(freshKey(i), 'v'.repeat(100), ttl ? { ttl: HOUR } : undefined)
  await first.close()
  const before = await resident()
  const cache = createCache({ name: 'm', maxBytes: '512mb', maxEntries: count, near: false, engine })
  const value = 'v'.repeat(100)
  for (let i = 0; i < count; i++) cache.set(freshKey(i), value, ttl ? { ttl: HOUR } : undefined)
  const size = cache.size
  const used = (await resident()) - before
  console.log(JSON.stringify({ size, perEntry: used / size - 114 }))
} else if (mode === 'churn' || mode === 'idle') {
  const maxBytes = 128 * 1024 * 1024
  const before = await resident()
  const cache = createCache({ name: 'm', maxBytes, near: false, engine })
  if (mode === 'churn') {
    let state = 1
    const random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 4_294_967_296
    }
    const source = Buffer.alloc(256 * 1024, 7)
    let written = 0
    while (written < maxBytes * 6) {
      const size = Math.floor(64 * 2 ** (random() * 11.9))
      cache.set(`k${Math.floor(random() * 200_000)}`, source.subarray(0, size))
      written += size
    }
  }
  console.log(JSON.stringify({ grown: (await resident()) - before, maxBytes }))
} else {
  const run = (...rest) => {
    // A small young generation: a large one is counted whole in the heap and resident only where it was touched.
    const flags = ['--expose-gc', '--max-semi-space-size=1']
    const child = spawnSync(process.execPath, [...flags, fileURLToPath(import.meta.url), ...rest], { encoding: 'utf8' })
    if (child.status !== 0) throw new Error(child.stderr)
    return JSON.parse(child.stdout)
  }
  const rows = []
  for (const name of engines) {
    const plain = run('entries', name)
    rows.push(
      figure(
        `bytes per entry beyond key and value, 1 M, ${name}`,
        'memcached 56, lru-cache 300+',
        { most: 36, unit: ' B' },
        plain.perEntry,
        { detail: `${plain.size} entries` },
      ),
    )
    const expiring = run('entries', name, 'ttl')
    rows.push(
      figure(`… with ttl, ${name}`, 'the same', { most: 40, unit: ' B' }, expiring.perEntry, {
        detail: `${expiring.size} entries`,
      }),
    )
    const churn = run('churn', name)
    const idle = run('idle', name)
    rows.push(
      figure(
        `resident under churn of mixed sizes, ${name}`,
        'maxBytes',
        { most: 1.05 },
        (churn.grown - idle.grown) / churn.maxBytes,
      ),
    )
  }
  report(rows)
}
