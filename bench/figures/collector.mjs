// A forced full garbage collection with 5 M entries in the cache, and with a full near cache beside them, against an
// empty process.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createCache } from '../../dist/index.js'
import { engines } from '../caches.mjs'
import { figure, freshKey, median, report } from '../harness.mjs'

const [, , mode, engine] = process.argv
if (!mode?.startsWith('--') && mode) {
  const cache = createCache({
    name: 'gc',
    maxBytes: mode === 'empty' ? '1mb' : '1gb',
    entryBytes: 160,
    ...(mode === 'near' ? {} : { near: false }),
    engine,
  })
  const value = 'v'.repeat(100)
  if (mode !== 'empty') for (let i = 0; i < 5_000_000; i++) cache.set(freshKey(i), value)
  if (mode === 'near') {
    // Twice what near keeps by default, so that it is full.
    for (let i = 0; i < 20_000; i++) {
      cache.set(`user:${i}`, { id: i, name: `user ${i}`, mail: `user${i}@example.org`, roles: ['reader', 'writer'] })
      cache.get(`user:${i}`)
    }
  }
  for (let i = 0; i < 5; i++) globalThis.gc()
  const times = []
  for (let i = 0; i < 15; i++) {
    const start = performance.now()
    globalThis.gc()
    times.push(performance.now() - start)
  }
  console.log(JSON.stringify({ size: cache.size, near: cache.stats().near?.entries, milliseconds: median(times) }))
} else {
  const run = (...rest) => {
    const child = spawnSync(process.execPath, ['--expose-gc', fileURLToPath(import.meta.url), ...rest], {
      encoding: 'utf8',
    })
    if (child.status !== 0) throw new Error(child.stderr)
    return JSON.parse(child.stdout)
  }
  const rows = []
  for (const name of engines) {
    const full = run('full', name)
    const empty = run('empty', name)
    const detail = `${full.milliseconds.toFixed(2)} ms against ${empty.milliseconds.toFixed(2)} ms, ${full.size} entries`
    rows.push(
      figure(
        `full collection, 5 M entries, near off, ${name}`,
        'empty cache',
        { most: 1.2 },
        full.milliseconds / empty.milliseconds,
        { detail },
      ),
    )
    const near = run('near', name)
    rows.push(
      figure(
        `… and ${near.near} objects near, ${name}`,
        'empty cache',
        { most: 4, unit: ' ms' },
        near.milliseconds - empty.milliseconds,
        { detail: `${near.milliseconds.toFixed(2)} ms` },
      ),
    )
  }
  report(rows)
}
