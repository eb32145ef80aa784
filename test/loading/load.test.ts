// getOrSet within one thread: who loads, who waits, what is kept, what callers get.
import { getEventListeners } from 'node:events'
import { expect, it, vi } from 'vitest'
import { OstrakaError } from '../../src/errors.js'
import type { LoadContext } from '../../src/loading/load-options.js'
import { suite } from '../behaviour/suite.js'
import { after, deferred, rejection } from './deferred.js'

suite('getOrSet', (bench) => {
  it('loads what is absent, once, and keeps it', async () => {
    const cache = bench.open()
    const loader = vi.fn(async ({ key }: LoadContext) => ({ key }))
    expect(await cache.getOrSet('k', loader)).toEqual({ key: 'k' })
    expect(await cache.getOrSet('k', loader)).toEqual({ key: 'k' })
    expect(cache.get('k')).toEqual({ key: 'k' })
    expect(loader).toHaveBeenCalledTimes(1)
    expect(cache.stats().loads).toMatchObject({ started: 1, failed: 0 })
    await cache.close()
  })

  it('answers a thousand callers with one load', async () => {
    const cache = bench.open()
    const gate = deferred<number>()
    const loader = vi.fn(() => gate.promise)
    const all = Array.from({ length: 1000 }, () => cache.getOrSet('k', loader))
    gate.resolve(7)
    expect(new Set(await Promise.all(all))).toEqual(new Set([7]))
    expect(loader).toHaveBeenCalledTimes(1)
    await cache.close()
  })

  it('takes a loader that is not asynchronous', async () => {
    const cache = bench.open()
    expect(await cache.getOrSet('k', () => 'value')).toBe('value')
    expect(cache.get('k')).toBe('value')
    await cache.close()
  })

  it.each([
    ['a string', 'text'],
    ['a number', 1.5],
    ['NaN', Number.NaN],
    ['null', null],
    ['false', false],
    ['a bigint', 10n],
    ['a map', new Map([[1, { a: 1 }]])],
    ['bytes', Buffer.from('bytes')],
    ['an object with a then that is no function', Object.fromEntries([['then', 1]])],
  ])('keeps %s', async (_, value) => {
    const cache = bench.open()
    expect(await cache.getOrSet('k', () => value)).toEqual(value)
    expect(await cache.getOrSet('k', () => expect.unreachable())).toEqual(value)
    expect(cache.get('k')).toEqual(value)
    await cache.close()
  })

  it('keeps nothing of undefined and of skip, and tells all who wait', async () => {
    const cache = bench.open()
    const gate = deferred<void>()
    const nothing = vi.fn(() => gate.promise)
    const skips = vi.fn(async ({ skip }: LoadContext) => {
      await gate.promise
      return skip()
    })
    const none = [cache.getOrSet('a', nothing), cache.getOrSet('a', nothing)]
    const skipped = [cache.getOrSet('b', skips), cache.getOrSet('b', skips)]
    gate.resolve()
    expect(await Promise.all([...none, ...skipped])).toEqual([undefined, undefined, undefined, undefined])
    expect([nothing, skips].map((loader) => loader.mock.calls.length)).toEqual([1, 1])
    expect([cache.has('a'), cache.has('b'), cache.size]).toEqual([false, false, 0])
    // Nothing is remembered of it.
    expect(await cache.getOrSet('a', () => 1)).toBe(1)
    await cache.close()
  })

  it('hands out the same kind of thing to every caller, the first included', async () => {
    const cache = bench.open({ near: {} })
    const own = { list: [1] }
    const gate = deferred<typeof own>()
    const both = [cache.getOrSet('k', () => gate.promise), cache.getOrSet('k', () => gate.promise)]
    gate.resolve(own)
    const [a, b] = await Promise.all(both)
    expect(a).toEqual(own)
    expect(a).not.toBe(own)
    expect([Object.isFrozen(a), Object.isFrozen(a?.list), Object.isFrozen(cache.get('k'))]).toEqual([true, true, true])
    if (bench.name !== 'mixed') expect(a).toBe(b)
    expect([Object.isFrozen(own), Object.isFrozen(own.list)]).toEqual([false, false])
    own.list.push(2)
    expect(await cache.getOrSet('k', () => own)).toEqual({ list: [1] })
    await cache.close()
  })

  it.each([
    ['with near off', { near: false as const }, { a: [1] }],
    ['with copies asked for', { near: { values: 'copy' as const } }, { a: [1] }],
    ['of what cannot be frozen', { near: {} }, new Map([[1, 2]])],
    ['of bytes', { near: {} }, Buffer.from('bytes')],
  ])('hands out a copy to each %s', async (_, options, value) => {
    const cache = bench.open(options)
    const gate = deferred<object>()
    const both = [cache.getOrSet('k', () => gate.promise), cache.getOrSet('k', () => gate.promise)]
    gate.resolve(value)
    const [a, b] = await Promise.all(both)
    expect(a).toEqual(value)
    expect(b).toEqual(value)
    expect(a).not.toBe(b)
    expect(a).not.toBe(value)
    expect(Object.isFrozen(a)).toBe(false)
    await cache.close()
  })

  it('hands a near value out anew when the entry has changed, is gone, or is another one', async () => {
    const cache = bench.open({ near: {} })
    const unused = () => expect.unreachable()
    cache.set('k', { version: 1 })
    expect(await cache.getOrSet('k', unused)).toEqual({ version: 1 })
    expect(await cache.getOrSet('k', unused)).toEqual({ version: 1 })
    cache.set('k', { version: 2 })
    expect(await cache.getOrSet('k', unused)).toEqual({ version: 2 })
    cache.delete('k')
    for (let i = 0; i < 100; i++) cache.set(`other${i}`, { other: i })
    for (let i = 0; i < 100; i++) expect(await cache.getOrSet(`other${i}`, unused)).toEqual({ other: i })
    cache.clear()
    expect(await cache.getOrSet('other1', () => ({ loaded: true }))).toEqual({ loaded: true })
    expect(await cache.getOrSet('k', () => ({ version: 3 }))).toEqual({ version: 3 })
    expect(await cache.getOrSet('k', unused)).toEqual({ version: 3 })
    await cache.close()
  })

  it('gives the same error to all who wait, and keeps nothing', async () => {
    const cache = bench.open()
    const failure = new Error('down')
    const loader = vi.fn(async () => {
      throw failure
    })
    const both = [rejection(cache.getOrSet('k', loader)), rejection(cache.getOrSet('k', loader))]
    expect(await Promise.all(both)).toEqual([failure, failure])
    expect(loader).toHaveBeenCalledTimes(1)
    expect(cache.stats().loads.failed).toBe(1)
    const synchronous = () => {
      throw failure
    }
    expect(await rejection(cache.getOrSet('k', synchronous))).toBe(failure)
    expect(await cache.getOrSet('k', () => 'up')).toBe('up')
    await cache.close()
  })

  it('passes on whatever is thrown', async () => {
    const cache = bench.open()
    for (const thrown of [undefined, null, 'text', 0, { code: 1 }]) {
      const caught = await cache
        .getOrSet('k', () => Promise.reject(thrown))
        .then(
          () => 'resolved',
          (error: unknown) => ({ error }),
        )
      expect(caught).toEqual({ error: thrown })
    }
    await cache.close()
  })

  it('rejects what cannot be encoded, and keeps nothing', async () => {
    const cache = bench.open()
    const error = await rejection(cache.getOrSet('k', () => ({ a: [() => 1] })))
    expect(error).toMatchObject({ code: 'OSTRAKA_ERR_INVALID_VALUE' })
    expect(String(error)).toContain('value.a[0]')
    expect(cache.size).toBe(0)
    expect(await cache.getOrSet('k', () => 1)).toBe(1)
    await cache.close()
  })

  it('gives a value that the cache does not take to its callers', async () => {
    const cache = bench.open({ maxBytes: '1mb' })
    const large = 'x'.repeat(3 * 2 ** 20)
    const loader = vi.fn(() => large)
    expect(await cache.getOrSet('k', loader)).toHaveLength(large.length)
    expect(cache.has('k')).toBe(false)
    const bytes = Buffer.alloc(3 * 2 ** 20)
    expect(await cache.getOrSet('k', () => bytes)).toHaveLength(bytes.length)
    await cache.close()
  })

  it('does not keep with ttl 0, of the option or of the loader', async () => {
    const cache = bench.open()
    const loader = vi.fn(() => 1)
    expect(await cache.getOrSet('k', loader, { ttl: 0 })).toBe(1)
    expect(await cache.getOrSet('k', ({ setTtl }) => after(setTtl(0), loader()))).toBe(1)
    expect(cache.has('k')).toBe(false)
    expect(loader).toHaveBeenCalledTimes(2)
    await cache.close()
  })

  it('keeps for the ttl of the option, or of the loader', async () => {
    const cache = bench.open({ clock: 'manual', ttl: '1h' })
    await cache.getOrSet('default', () => 1)
    await cache.getOrSet('option', () => 1, { ttl: '10s' })
    await cache.getOrSet('loader', ({ setTtl }) => after(setTtl('20s'), 1), { ttl: '10s' })
    expect(cache.expiresIn('default')).toBe(3_600_000)
    expect(cache.expiresIn('option')).toBe(10_000)
    expect(cache.expiresIn('loader')).toBe(20_000)
    cache.advance(10_000)
    expect([cache.has('option'), cache.has('loader')]).toEqual([false, true])
    await cache.close()
  })

  it('shortens the ttl by jitter, never lengthens it', async () => {
    const cache = bench.open({ clock: 'manual' })
    const left: number[] = []
    for (let i = 0; i < 50; i++) {
      await cache.getOrSet(`k${i}`, () => 1, { ttl: 1000, ttlJitter: 0.5 })
      left.push(cache.expiresIn(`k${i}`) as number)
    }
    expect(Math.max(...left)).toBeLessThanOrEqual(1000)
    expect(Math.min(...left)).toBeGreaterThanOrEqual(500)
    expect(new Set(left).size).toBeGreaterThan(10)
    await cache.close()
  })

  it('answers a loader that waits for its own key with an error', async () => {
    const cache = bench.open()
    const inner = vi.fn(() => 1)
    const error = await rejection(cache.getOrSet('k', () => cache.getOrSet('k', inner)))
    expect(error).toMatchObject({ code: 'OSTRAKA_ERR_LOAD_CYCLE' })
    expect(inner).not.toHaveBeenCalled()
    // After a pause, too.
    const later = cache.getOrSet('k', async () => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      return cache.getOrSet('k', inner)
    })
    expect(await rejection(later)).toMatchObject({ code: 'OSTRAKA_ERR_LOAD_CYCLE' })
    expect(await cache.getOrSet('k', () => 'fine')).toBe('fine')
    await cache.close()
  })

  it('answers loaders that wait for each other with an error', async () => {
    const cache = bench.open()
    const error = await rejection(
      cache.getOrSet('a', () => cache.getOrSet('b', () => cache.getOrSet('c', () => cache.getOrSet('a', () => 1)))),
    )
    expect(error).toMatchObject({ code: 'OSTRAKA_ERR_LOAD_CYCLE' })
    // Both begun from outside.
    const gate = deferred<void>()
    const a = cache.getOrSet('a', async () => {
      await gate.promise
      return cache.getOrSet('b', () => 'b')
    })
    const b = cache.getOrSet('b', async () => {
      await gate.promise
      return cache.getOrSet('a', () => 'a')
    })
    gate.resolve()
    const outcomes = await Promise.all([rejection(a), rejection(b)])
    for (const outcome of outcomes) expect(outcome).toMatchObject({ code: 'OSTRAKA_ERR_LOAD_CYCLE' })
    await cache.close()
  })

  it('lets loaders ask for other keys, several at once, and the same one', async () => {
    const cache = bench.open()
    const shared = vi.fn(async () => 1)
    const sum = async (name: string) =>
      cache.getOrSet(name, async () => {
        const parts = await Promise.all([
          cache.getOrSet('x', shared),
          cache.getOrSet('y', shared),
          cache.getOrSet('x', shared),
        ])
        return parts.reduce((total, part) => total + part, 0)
      })
    expect(await Promise.all([sum('a'), sum('b')])).toEqual([3, 3])
    expect(shared).toHaveBeenCalledTimes(2)
    await cache.close()
  })

  it('ends a load at its hard timeout, and lets the next caller load', async () => {
    const cache = bench.open()
    const gate = deferred<string>()
    let signal: AbortSignal | undefined
    const hangs = vi.fn((context: LoadContext) => {
      signal = context.signal
      return gate.promise
    })
    const both = [1, 2].map(() => rejection(cache.getOrSet('k', hangs, { hardTimeout: 30 })))
    for (const error of await Promise.all(both)) expect(error).toMatchObject({ code: 'OSTRAKA_ERR_LOAD_TIMEOUT' })
    expect(hangs).toHaveBeenCalledTimes(1)
    expect(signal?.aborted).toBe(true)
    expect(signal?.reason).toBeInstanceOf(OstrakaError)
    expect(await cache.getOrSet('k', () => 'new')).toBe('new')
    gate.resolve('late')
    await gate.promise
    await Promise.resolve()
    expect(cache.get('k')).toBe('new')
    expect(cache.stats().loads.refused).toBe(1)
    await cache.close()
  })

  it('does not keep a late value where nothing new is', async () => {
    const cache = bench.open()
    const gate = deferred<string>()
    await rejection(cache.getOrSet('k', () => gate.promise, { hardTimeout: 20 }))
    gate.resolve('late')
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(cache.has('k')).toBe(false)
    await cache.close()
  })

  it('lets a caller leave by its signal at once, and aborts the load with the last one', async () => {
    const cache = bench.open()
    const gate = deferred<string>()
    let signal: AbortSignal | undefined
    const loader = vi.fn((context: LoadContext) => {
      signal = context.signal
      return gate.promise
    })
    const first = new AbortController()
    const second = new AbortController()
    const a = rejection(cache.getOrSet('k', loader, { signal: first.signal }))
    const b = rejection(cache.getOrSet('k', loader, { signal: second.signal }))
    first.abort()
    expect(await a).toMatchObject({ name: 'AbortError' })
    expect(signal?.aborted).toBe(false)
    second.abort(new TypeError('enough'))
    expect(await b).toBeInstanceOf(TypeError)
    await vi.waitUntil(() => signal?.aborted)
    // Whoever comes now does not wait for a load that was given up, and that one's value is not kept.
    const third = cache.getOrSet('k', () => 'third')
    gate.resolve('late')
    expect(await third).toBe('third')
    expect(cache.get('k')).toBe('third')
    expect(loader).toHaveBeenCalledTimes(1)
    await cache.close()
  })

  it('listens to a signal once, however many calls it is given to, and not after they are answered', async () => {
    const cache = bench.open()
    const { signal } = new AbortController()
    const listeners = () => getEventListeners(signal, 'abort').length
    const gate = deferred<number>()
    const asked = Array.from({ length: 100 }, (_, i) => cache.getOrSet(`k${i % 10}`, () => gate.promise, { signal }))
    expect(listeners()).toBe(1)
    gate.resolve(1)
    await Promise.all(asked)
    expect(listeners()).toBe(0)
    const controller = new AbortController()
    const leaving = Array.from({ length: 20 }, (_, i) =>
      rejection(cache.getOrSet(`other${i}`, () => new Promise(() => {}), { signal: controller.signal })),
    )
    controller.abort()
    for (const error of await Promise.all(leaving)) expect(error).toMatchObject({ name: 'AbortError' })
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    await cache.close()
  })

  it('goes on loading while somebody without a signal waits', async () => {
    const cache = bench.open()
    const gate = deferred<string>()
    const controller = new AbortController()
    const leaver = rejection(cache.getOrSet('k', () => gate.promise, { signal: controller.signal }))
    const stayer = cache.getOrSet('k', () => 'other')
    controller.abort()
    await leaver
    gate.resolve('value')
    expect(await stayer).toBe('value')
    await cache.close()
  })

  it('rejects a caller whose signal was aborted before, without loading', async () => {
    const cache = bench.open()
    const loader = vi.fn(() => 1)
    const signal = AbortSignal.abort()
    expect(await rejection(cache.getOrSet('k', loader, { signal }))).toMatchObject({ name: 'AbortError' })
    cache.set('k', 1)
    expect(await rejection(cache.getOrSet('k', loader, { signal }))).toMatchObject({ name: 'AbortError' })
    expect(loader).not.toHaveBeenCalled()
    await cache.close()
  })

  it.each([
    ['delete', (cache: ReturnType<typeof bench.open>) => void cache.delete('k')],
    ['clear', (cache: ReturnType<typeof bench.open>) => cache.clear()],
    ['take', (cache: ReturnType<typeof bench.open>) => void cache.take('k')],
    ['invalidate', (cache: ReturnType<typeof bench.open>) => cache.invalidate('k')],
    ['invalidateTags', (cache: ReturnType<typeof bench.open>) => cache.invalidateTags(['t'])],
  ])('never serves after %s what a load brings that began before', async (_, change) => {
    const cache = bench.open()
    const gate = deferred<string>()
    const early = cache.getOrSet('k', () => gate.promise, { tags: ['t'] })
    await change(cache)
    const late = cache.getOrSet('k', () => 'new', { tags: ['t'] })
    gate.resolve('old')
    expect(await early).toBe('old')
    expect(await late).toBe('new')
    expect(cache.get('k')).toBe('new')
    expect(await cache.getOrSet('k', () => 'newest')).toBe('new')
    await cache.close()
  })

  it('keeps what was set while it was loading', async () => {
    const cache = bench.open()
    const gate = deferred<string>()
    const load = cache.getOrSet('k', () => gate.promise)
    cache.set('k', 'set')
    expect(await cache.getOrSet('k', () => 'unused')).toBe('set')
    gate.resolve('loaded')
    expect(await load).toBe('loaded')
    expect(cache.get('k')).toBe('set')
    expect(cache.stats().loads.refused).toBe(1)
    await cache.close()
  })

  it('returns what a loader brings that invalidates its own tag, and never serves it', async () => {
    const cache = bench.open()
    const value = await cache.getOrSet('k', async (context) => {
      context.setTags(['own'])
      await cache.invalidateTags('own')
      return 'value'
    })
    expect(value).toBe('value')
    expect(cache.has('k')).toBe(false)
    expect(cache.get('k')).toBeUndefined()
    expect(await cache.getOrSet('k', () => 'next')).toBe('next')
    await cache.close()
  })

  it('tags with the option, with what a function makes of the value, and with what the loader says', async () => {
    const cache = bench.open()
    await cache.getOrSet('list', () => 1, { tags: ['a', 'b'] })
    await cache.getOrSet('made', () => ({ org: 7 }), { tags: (value) => [`org:${value.org}`] })
    await cache.getOrSet('said', ({ setTags }) => after(setTags(['said']), 1), { tags: ['not this'] })
    await cache.getOrSet('none', () => 1)
    cache.set('set', 1, { tags: ['a'] })
    const all = ['list', 'made', 'said', 'none', 'set']
    const left = () => all.filter((key) => cache.get(key) !== undefined)
    expect(left()).toEqual(all)
    await cache.invalidateTags(['nobody', 'not this'])
    expect(left()).toEqual(all)
    await cache.invalidateTags('b')
    expect(left()).toEqual(['made', 'said', 'none', 'set'])
    await cache.invalidateTags(['org:7', 'a'])
    expect(left()).toEqual(['said', 'none'])
    await cache.invalidateTags(['said'])
    expect(left()).toEqual(['none'])
    expect(cache.stats().loads.tagInvalidations).toBeGreaterThanOrEqual(4)
    await cache.close()
  })

  it('rejects when tags cannot be made of the value', async () => {
    const cache = bench.open()
    const failure = new Error('no tags')
    const bad = cache.getOrSet('k', () => 1, {
      tags: () => {
        throw failure
      },
    })
    expect(await rejection(bad)).toBe(failure)
    const wrong = cache.getOrSet('k', () => 1, { tags: () => [1] as never })
    expect(await rejection(wrong)).toMatchObject({ code: 'OSTRAKA_ERR_INVALID_ARGUMENT' })
    expect(cache.has('k')).toBe(false)
    await cache.close()
  })

  it('refuses what is no key, no loader and no option, without throwing', async () => {
    const cache = bench.open()
    const codes = await Promise.all(
      [
        cache.getOrSet('', () => 1),
        cache.getOrSet('k', undefined as never),
        cache.getOrSet('k', () => 1, { tll: 5 } as never),
        cache.invalidate([1] as never),
        cache.invalidateTags([''] as never),
        cache.fetch('k', { timout: 1 } as never),
      ].map(async (promise) => ((await rejection(promise)) as OstrakaError).code),
    )
    expect(codes).toEqual([
      'OSTRAKA_ERR_INVALID_KEY',
      'OSTRAKA_ERR_INVALID_ARGUMENT',
      'OSTRAKA_ERR_INVALID_OPTION',
      'OSTRAKA_ERR_INVALID_KEY',
      'OSTRAKA_ERR_INVALID_ARGUMENT',
      'OSTRAKA_ERR_INVALID_OPTION',
    ])
    await cache.close()
  })

  it('fetches from memory, and loads nothing', async () => {
    const cache = bench.open()
    expect(await cache.fetch('k')).toBeUndefined()
    cache.set('k', { a: 1 })
    expect(await cache.fetch('k', { timeout: '1s', signal: new AbortController().signal })).toEqual({ a: 1 })
    expect(await rejection(cache.fetch('k', { signal: AbortSignal.abort() }))).toMatchObject({ name: 'AbortError' })
    await cache.close()
  })

  it('rejects its callers when the handle is closed, and aborts its loads', async () => {
    const cache = bench.open()
    let signal: AbortSignal | undefined
    const pending = rejection(
      cache.getOrSet('k', (context) => {
        signal = context.signal
        return new Promise(() => {})
      }),
    )
    await cache.close()
    expect(await pending).toMatchObject({ code: 'OSTRAKA_ERR_CLOSED' })
    expect(signal?.aborted).toBe(true)
    expect(await rejection(cache.getOrSet('k', () => 1))).toMatchObject({ code: 'OSTRAKA_ERR_CLOSED' })
    expect(await rejection(cache.invalidateTags('t'))).toMatchObject({ code: 'OSTRAKA_ERR_CLOSED' })
  })
})
