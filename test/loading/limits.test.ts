// At the edges: more loads than there are leases, tags without number, loads through namespaces, values whose reading runs code.
import { expect, it, vi } from 'vitest'
import { LEASES } from '../../src/engine/layout.js'
import { suite } from '../behaviour/suite.js'
import { deferred, rejection, settled } from './deferred.js'

suite('more loads than leases', (bench) => {
  const crowd = async () => {
    const cache = bench.open({ loads: { concurrency: LEASES * 2, queue: 0 } })
    const gate = deferred<string>()
    const others = Array.from({ length: LEASES }, (_, index) => cache.getOrSet(`held:${index}`, () => gate.promise))
    return { cache, gate, others }
  }

  it('go on without one: their values reach all callers, and are not kept', async () => {
    const { cache, gate, others } = await crowd()
    const inner = deferred<string>()
    const loader = vi.fn(() => inner.promise)
    const first = cache.getOrSet('k', loader)
    expect(cache.stats().loads.withoutLease).toBeGreaterThanOrEqual(1)
    inner.resolve('value')
    expect(await first).toBe('value')
    expect(cache.has('k')).toBe(false)
    gate.resolve('held')
    expect(new Set(await Promise.all(others))).toEqual(new Set(['held']))
    expect(cache.size).toBe(LEASES)
    // Leases are free again.
    expect(await cache.getOrSet('k', () => 'kept')).toBe('kept')
    expect(cache.get('k')).toBe('kept')
    await cache.close()
  })

  it.runIf(bench.name !== 'mixed')('share one load for all who asked before it began', async () => {
    const { cache, gate, others } = await crowd()
    const gates = [deferred<string>(), deferred<string>(), deferred<string>()]
    const loader = vi.fn(() => gates[loader.mock.calls.length - 1]?.promise as Promise<string>)
    const first = cache.getOrSet('k', loader)
    // Nobody could say whether something was deleted since the first load began: these wait for one that begins after they asked.
    const later = Array.from({ length: 100 }, () => cache.getOrSet('k', loader))
    gates[0]?.resolve('first')
    expect(await first).toBe('first')
    await settled()
    expect(loader).toHaveBeenCalledTimes(2)
    gates[1]?.resolve('second')
    expect(new Set(await Promise.all(later))).toEqual(new Set(['second']))
    expect(loader).toHaveBeenCalledTimes(2)
    gate.resolve('held')
    await Promise.all(others)
    await cache.close()
  })

  it('fail and time out as others do', async () => {
    const { cache, gate, others } = await crowd()
    const failure = new Error('down')
    expect(await rejection(cache.getOrSet('k', () => Promise.reject(failure)))).toBe(failure)
    const hangs = cache.getOrSet('k', () => new Promise(() => {}), { hardTimeout: 20 })
    expect(await rejection(hangs)).toMatchObject({ code: 'OSTRAKA_ERR_LOAD_TIMEOUT' })
    expect(await cache.getOrSet<undefined>('k', () => undefined)).toBeUndefined()
    gate.resolve('held')
    await Promise.all(others)
    await cache.close()
  })
})

suite('tags without number', (bench) => {
  it('need no memory of their own: a million of them, and what has others stays', async () => {
    const cache = bench.open({ maxBytes: '16mb' })
    // Two tags may share a counter: then more is invalidated than was asked for, never less.
    for (let i = 0; i < 1000; i++) cache.set(`k${i}`, i, { tags: [`kept:${i}`] })
    const tags = Array.from({ length: 250 }, () => '')
    for (let i = 0; i < 4000; i++) {
      for (let j = 0; j < tags.length; j++) tags[j] = `tag:${i * tags.length + j}`
      if (i % 40 === 0) cache.set(`victim:${i}`, i, { tags: [tags[7] as string, `more:${i}`] })
      else if (i % 40 === 1) expect(cache.has(`victim:${i - 1}`)).toBe(false)
      if (i % 40 === 0 || i > 3900) await cache.invalidateTags(tags.slice(0, 10))
    }
    expect(cache.size).toBeGreaterThan(900)
    await cache.invalidateTags(Array.from({ length: 250 }, (_, i) => `kept:${i}`))
    for (let i = 0; i < 250; i++) expect(cache.has(`k${i}`)).toBe(false)
    await cache.close()
  })

  it('of one entry are up to 256', async () => {
    const cache = bench.open()
    const tags = Array.from({ length: 256 }, (_, index) => `t${index}`)
    expect(cache.set('k', 1, { tags })).toBe(true)
    expect(await cache.getOrSet('loaded', () => 1, { tags })).toBe(1)
    expect([cache.get('k'), cache.get('loaded')]).toEqual([1, 1])
    await cache.invalidateTags('t255')
    expect([cache.get('k'), cache.get('loaded')]).toEqual([undefined, undefined])
    expect(() => cache.set('k', 1, { tags: [...tags, 'one more'] })).toThrow(/256/)
    await cache.close()
  })
})

suite('loads through namespaces', (bench) => {
  it('have keys and defaults of their own, and share tags', async () => {
    const cache = bench.open({ clock: 'manual' })
    const users = cache.namespace<{ id: string }>('users', { ttl: '1h' })
    const loader = vi.fn(({ key }: { key: string }) => ({ id: key }))
    expect(await users.getOrSet('1', loader, { tags: ['t'] })).toEqual({ id: '1' })
    expect([users.get('1'), cache.get('1'), users.expiresIn('1')]).toEqual([{ id: '1' }, undefined, 3_600_000])
    expect(await cache.getOrSet('1', () => 'other')).toBe('other')
    const getUser = users.wrap('get', async (id: string) => ({ id }))
    await getUser('2')
    expect([getUser.peek('2'), users.get(getUser.key('2')), cache.get(getUser.key('2'))]).toEqual([
      { id: '2' },
      { id: '2' },
      undefined,
    ])
    expect(await users.getOrSetMany(['1', '3'], (keys) => keys.map((id) => ({ id })))).toEqual([
      { id: '1' },
      { id: '3' },
    ])
    await cache.invalidateTags('t')
    expect(users.get('1')).toBeUndefined()
    await users.invalidate('3')
    expect(users.has('3')).toBe(false)
    expect(await users.fetch(getUser.key('2'))).toEqual({ id: '2' })
    await cache.close()
    expect(await rejection(users.getOrSet('1', loader))).toMatchObject({ code: 'OSTRAKA_ERR_CLOSED' })
  })

  it('are bounded by themselves', async () => {
    const cache = bench.open({ loads: { concurrency: 1, queue: 0 } })
    const slow = cache.namespace('slow', { loads: { concurrency: 1, queue: 0 } })
    const gate = deferred<string>()
    const held = slow.getOrSet('a', () => gate.promise)
    if (bench.name !== 'mixed') {
      expect(await rejection(slow.getOrSet('b', () => 'b'))).toMatchObject({ code: 'OSTRAKA_ERR_LOAD_QUEUE_FULL' })
    }
    expect(await cache.getOrSet('b', () => 'fine')).toBe('fine')
    gate.resolve('a')
    expect(await held).toBe('a')
    await cache.close()
  })

  it('clear with their namespace: what was being loaded is not kept, and nothing stale is left', async () => {
    const cache = bench.open({ clock: 'manual' })
    const users = cache.namespace('users')
    const options = { ttl: '1s', grace: '1h' }
    await users.getOrSet('stale', () => 'old', options)
    await cache.getOrSet('stale', () => 'another', options)
    cache.advance('2s')
    const gate = deferred<string>()
    const early = users.getOrSet('k', () => gate.promise)
    users.clear()
    gate.resolve('old')
    expect(await early).toBe('old')
    expect(users.get('k')).toBeUndefined()
    const failure = new Error('down')
    expect(await rejection(users.getOrSet('stale', () => Promise.reject(failure), options))).toBe(failure)
    expect(await cache.getOrSet('stale', () => Promise.reject(failure), options)).toBe('another')
    await cache.close()
  })
})

suite('loads whose values run code', (bench) => {
  it('may use the cache, the key itself included, or close it', async () => {
    const cache = bench.open()
    const value = await cache.getOrSet('k', () => ({
      get other() {
        cache.set('other', { nested: [1, 2, 3] })
        void cache.getOrSet('third', () => ({ third: true }))
        return cache.get('other')
      },
    }))
    expect(value).toEqual({ other: { nested: [1, 2, 3] } })
    expect(cache.get('k')).toEqual({ other: { nested: [1, 2, 3] } })
    expect(cache.get('third')).toEqual({ third: true })
    const sets = await cache.getOrSet('s', () => ({
      get own() {
        cache.set('s', 'set meanwhile')
        return 1
      },
    }))
    expect(sets).toEqual({ own: 1 })
    expect(cache.get('s')).toBe('set meanwhile')
    const closes = cache.getOrSet('c', () => ({
      get own() {
        void cache.close()
        return 1
      },
    }))
    expect(await rejection(closes)).toMatchObject({ code: 'OSTRAKA_ERR_CLOSED' })
    await cache.close()
  })
})
