// What threads read while entries are invalidated all the time: nobody who asks after an invalidation has resolved gets anything older, whatever
// was being loaded, however it lies in the cache.
import { describe, expect, it } from 'vitest'
import { mixes, Threads } from './threads.js'

const rounds = process.env['OSTRAKA_SOAK'] ? 20_000 : 300

const kinds: Record<string, (threads: Threads) => unknown> = {
  invalidateTags: (threads) => threads.cache.invalidateTags('t'),
  invalidate: (threads) => threads.cache.invalidate('k'),
  delete: (threads) => threads.cache.delete('k'),
  clear: (threads) => threads.cache.clear(),
}

describe.each(mixes.map((engines) => ({ name: engines.join(' and '), engines })))(
  'after an invalidation, $name',
  ({ engines }) => {
    it.each(Object.entries(kinds))('by %s nothing older is read', async (_, invalidate) => {
      const threads = await Threads.open(engines, 3)
      const { shared } = threads
      const watching = threads.all.map((thread, index) =>
        // Some with grace, whose entries are two times in one.
        thread.call('watch', {
          tags: ['t', `t${index}`],
          options: index === 1 ? { ttl: 5, grace: '1m' } : { ttl: '1m' },
        }),
      )
      for (let version = 1; version <= rounds; version++) {
        Atomics.store(shared, 2, version)
        await invalidate(threads)
        Atomics.store(shared, 3, version)
        await new Promise((resolve) => (version % 3 === 0 ? setTimeout(resolve, 3) : setImmediate(resolve)))
      }
      Atomics.store(shared, 4, 1)
      const watched = (await Promise.all(watching)) as { asked: number; tooOld: unknown[] }[]
      expect(watched.flatMap(({ tooOld }) => tooOld)).toEqual([])
      for (const { asked } of watched) expect(asked).toBeGreaterThan(rounds / 10)
      expect(threads.loads).toBeGreaterThan(rounds / 10)
      await threads.close()
    })
  },
)
