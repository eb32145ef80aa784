// The longest synchronous calls: clear of 10 M entries, and set of 64 MiB with room free against a copy of it.
import { createCache } from '../../dist/index.js'
import { engines } from '../caches.mjs'
import { figure, freshKey, median, report } from '../harness.mjs'

const rows = []
for (const engine of engines) {
  const many = createCache({ name: `clear-${engine}`, maxBytes: '900mb', entryBytes: 64, near: false, engine })
  for (let i = 0; i < 10_000_000; i++) many.set(freshKey(i), 'v')
  const size = many.size
  const start = performance.now()
  many.clear()
  const cleared = performance.now() - start
  rows.push(
    figure(`clear of 10 M entries, ${engine}`, '1 ms', { most: 1, unit: ' ms' }, cleared, {
      detail: `${size} entries`,
    }),
  )
  await many.close({ all: true })

  const length = 64 * 1024 * 1024
  const source = Buffer.alloc(length, 1)
  const target = Buffer.alloc(length, 2)
  const large = createCache({ name: `large-${engine}`, maxBytes: '640mb', near: false, engine })
  const sets = []
  const copies = []
  for (let round = 0; round < 9; round++) {
    const a = performance.now()
    const stored = large.set(`big-${round % 2}`, source)
    const b = performance.now()
    target.set(source)
    const c = performance.now()
    if (!stored) throw new Error('a 64 MiB value was refused')
    // The first rounds touch memory that the system has yet to give.
    if (round >= 4) {
      sets.push(b - a)
      copies.push(c - b)
    }
  }
  const detail = `${median(sets).toFixed(1)} ms against ${median(copies).toFixed(1)} ms`
  rows.push(
    figure(`set of 64 MiB, room free, ${engine}`, 'a copy of it', { most: 1.5 }, median(sets) / median(copies), {
      detail,
    }),
  )
  await large.close({ all: true })
}
report(rows)
