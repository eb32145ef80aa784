// An overwrite storm on one key: the hits of a static half of the cache during it against before.
import { engines, ours } from '../caches.mjs'
import { figure, freshKey, report } from '../harness.mjs'

const rows = []
for (const engine of engines) {
  const cache = ours(0, 136, { engine, maxBytes: '64mb' })
  const value = 'v'.repeat(100)
  // Half of what fits.
  const entries = 200_000
  const hits = () => {
    let found = 0
    for (let i = 0; i < entries; i++) if (cache.get(freshKey(i)) !== undefined) found++
    return found
  }
  for (let i = 0; i < entries; i++) cache.set(freshKey(i), value)
  const before = hits()
  for (let i = 0; i < 5_000_000; i++) cache.set('storm', value)
  rows.push(
    figure(`hits of the static half under an overwrite storm, ${engine}`, 'before', { least: 0.98 }, hits() / before, {
      detail: `${before} entries`,
    }),
  )
  await cache.close()
}
report(rows)
