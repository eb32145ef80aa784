// A forced full garbage collection with 5 M entries in the cache against an empty process.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createCache } from '../../dist/index.js'
import { engines } from '../caches.mjs'
import { figure, freshKey, median, report } from '../harness.mjs'

const [, , mode, engine] = process.argv
if (mode === 'empty' || mode === 'full') {
  const cache = createCache({
    name: 'gc',
    maxBytes: mode === 'full' ? '1gb' : '1mb',
    entryBytes: 160,
    near: false,
    engine,
  })
  const value = 'v'.repeat(100)
  if (mode === 'full') for (let i = 0; i < 5_000_000; i++) cache.set(freshKey(i), value)
  for (let i = 0; i < 5; i++) globalThis.gc()
  const times = []
  for (let i = 0; i < 15; i++) {
    const start = performance.now()
    globalThis.gc()
    times.push(performance.now() - start)
  }
  console.log(JSON.stringify({ size: cache.size, milliseconds: median(times) }))
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
  }
  report(rows)
}
