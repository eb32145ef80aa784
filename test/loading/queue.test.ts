// How many loads run at once in a thread, and how many wait.
import { expect, it, vi } from 'vitest'
import { suite } from '../behaviour/suite.js'
import { after, type Deferred, deferred, rejection, settled } from './deferred.js'

suite('bounded loads', (bench) => {
  // Two engines of one thread are as two threads, of which each has its own bounds.
  const inOneThread = it.runIf(bench.name !== 'mixed')

  const gates = () => {
    const all = new Map<string, Deferred<string>>()
    const loader = vi.fn(({ key }: { key: string }) => {
      const gate = deferred<string>()
      all.set(key, gate)
      return gate.promise
    })
    const release = async (key: string) => {
      all.get(key)?.resolve(key)
      await settled()
    }
    return { loader, release, running: () => [...all.keys()] }
  }

  inOneThread('run as many as may, in the order of their callers', async () => {
    const cache = bench.open({ loads: { concurrency: 2, queue: 2 } })
    const { loader, release, running } = gates()
    const asked = ['a', 'b', 'c', 'd'].map((key) => cache.getOrSet(key, loader))
    expect(running()).toEqual(['a', 'b'])
    expect(cache.stats().loads).toMatchObject({ running: 2, queued: 2, queueFull: 0 })
    const error = await rejection(cache.getOrSet('e', loader))
    expect(error).toMatchObject({ code: 'OSTRAKA_ERR_LOAD_QUEUE_FULL' })
    expect(cache.stats().loads.queueFull).toBe(1)
    // To join is not to load.
    const joined = cache.getOrSet('a', loader)
    const queued = cache.getOrSet('c', loader)
    await release('b')
    expect(running()).toEqual(['a', 'b', 'c'])
    for (const key of ['a', 'c', 'd']) await release(key)
    expect(await Promise.all([...asked, joined, queued])).toEqual(['a', 'b', 'c', 'd', 'a', 'c'])
    expect(await cache.getOrSet('a', loader)).toBe('a')
    expect(cache.stats().loads).toMatchObject({ running: 0, queued: 0, started: 4 })
    await cache.close()
  })

  it('do not wait for themselves: what a loader asks for runs within its own turn', async () => {
    const cache = bench.open({ loads: { concurrency: 1, queue: 10 } })
    expect(await cache.getOrSet('a', () => cache.getOrSet('b', () => cache.getOrSet('c', () => 1)))).toBe(1)
    const gate = deferred<void>()
    const outer = cache.getOrSet('outer', async () => {
      await gate.promise
      return cache.getOrSet('queued', () => 'unused')
    })
    const queued = cache.getOrSet('queued', () => 'queued')
    gate.resolve()
    expect(await Promise.all([outer, queued])).toEqual(['queued', 'queued'])
    expect(await cache.getOrSet('many', () => cache.getOrSetMany(['x', 'y'], (keys) => keys))).toEqual(['x', 'y'])
    await cache.close()
  })

  it('give their turn back however they end', async () => {
    const cache = bench.open({ loads: { concurrency: 1, queue: 10 } })
    const hangs = () => new Promise<string>(() => {})
    expect(await rejection(cache.getOrSet('late', hangs, { hardTimeout: 10 }))).toMatchObject({
      code: 'OSTRAKA_ERR_LOAD_TIMEOUT',
    })
    await rejection(cache.getOrSet('fails', () => Promise.reject(new Error('no'))))
    const controller = new AbortController()
    const aborted = rejection(cache.getOrSet('aborted', hangs, { signal: controller.signal }))
    const waiting = rejection(cache.getOrSet('waiting', hangs, { signal: controller.signal }))
    controller.abort()
    await Promise.all([aborted, waiting])
    await cache.getOrSet<undefined>('nothing', () => undefined)
    expect(await cache.getOrSet('fine', () => 'fine')).toBe('fine')
    expect(cache.stats().loads).toMatchObject({ running: 0, queued: 0 })
    await cache.close()
  })

  inOneThread('count the time in the queue: a caller waits no longer than its hard timeout', async () => {
    const cache = bench.open({ loads: { concurrency: 1, queue: 10 } })
    const gate = deferred<string>()
    const first = cache.getOrSet('first', () => gate.promise)
    const second = rejection(cache.getOrSet('second', () => 'unused', { hardTimeout: 20 }))
    expect(await second).toMatchObject({ code: 'OSTRAKA_ERR_LOAD_TIMEOUT' })
    gate.resolve('first')
    expect(await first).toBe('first')
    await cache.close()
  })

  inOneThread('in the background come after those that somebody waits for', async () => {
    const cache = bench.open({ clock: 'manual', loads: { concurrency: 1, queue: 10 } })
    const options = { ttl: '10s', grace: '1h', softTimeout: 0 }
    await cache.getOrSet('stale', () => 'old', options)
    cache.advance('11s')
    const order: string[] = []
    const gate = deferred<string>()
    const first = cache.getOrSet('first', () => gate.promise)
    expect(await cache.getOrSet('stale', () => after(order.push('stale'), 'new'), options)).toBe('old')
    const second = cache.getOrSet('second', () => after(order.push('second'), 'second'))
    gate.resolve('first')
    await Promise.all([first, second])
    await settled()
    expect(order).toEqual(['second', 'stale'])
    expect(cache.get('stale')).toBe('new')
    await cache.close()
  })

  inOneThread('take one turn for a batch', async () => {
    const cache = bench.open({ loads: { concurrency: 1, queue: 0 } })
    expect(await cache.getOrSetMany(['a', 'b', 'c'], (keys) => keys)).toEqual(['a', 'b', 'c'])
    const hangs = rejection(cache.getOrSet('x', () => new Promise(() => {}), { hardTimeout: 20 }))
    expect(await rejection(cache.getOrSetMany(['d', 'e'], (keys) => keys))).toMatchObject({
      code: 'OSTRAKA_ERR_LOAD_QUEUE_FULL',
    })
    await hangs
    await cache.close()
  })
})
