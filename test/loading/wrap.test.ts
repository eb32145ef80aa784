// Functions whose results are kept, and loads of many keys at once.
import { Readable } from 'node:stream'
import { expect, expectTypeOf, it, vi } from 'vitest'
import { currentLoad } from '../../src/loading/context.js'
import { suite } from '../behaviour/suite.js'
import { deferred, rejection, settled } from './deferred.js'

interface User {
  readonly id: string
  readonly org: number
}

suite('wrap', (bench) => {
  it('keeps results by name and arguments', async () => {
    const cache = bench.open()
    const work = vi.fn(async (id: string, more?: { deep: boolean }) => ({ id, ...more }))
    const getUser = cache.wrap('user', work)
    expect(await getUser('1')).toEqual({ id: '1' })
    expect(await getUser('1')).toEqual({ id: '1' })
    expect(await getUser('1', undefined)).toEqual({ id: '1' })
    expect(await getUser('1', { deep: true })).toEqual({ id: '1', deep: true })
    expect(await getUser('2')).toEqual({ id: '2' })
    expect(work).toHaveBeenCalledTimes(3)
    const other = cache.wrap('other', async (id: string) => `other ${id}`)
    expect(await other('1')).toBe('other 1')
    await cache.close()
  })

  it('tells keys, peeks, invalidates', async () => {
    const cache = bench.open()
    const work = vi.fn(async (id: string) => ({ id, calls: work.mock.calls.length }))
    const getUser = cache.wrap('user', work)
    expect(getUser.peek('1')).toBeUndefined()
    expect(work).not.toHaveBeenCalled()
    await getUser('1')
    expect(getUser.peek('1')).toEqual({ id: '1', calls: 1 })
    expect(cache.get(getUser.key('1'))).toEqual({ id: '1', calls: 1 })
    await getUser.invalidate('1')
    expect(getUser.peek('1')).toBeUndefined()
    expect(await getUser('1')).toEqual({ id: '1', calls: 2 })
    await cache.close()
  })

  it('takes the options of getOrSet, and others for a call', async () => {
    const cache = bench.open({ clock: 'manual' })
    const getUser = cache.wrap('user', async (id: string): Promise<User> => ({ id, org: 7 }), {
      ttl: '5m',
      tags: (user, id) => [`org:${user.org}`, `user:${id}`],
    })
    await getUser('1')
    expect(cache.expiresIn(getUser.key('1'))).toBe(300_000)
    await cache.invalidateTags('user:1')
    expect(getUser.peek('1')).toBeUndefined()
    const brief = getUser.with({ ttl: '1s' })
    await brief('1')
    expect(cache.expiresIn(getUser.key('1'))).toBe(1000)
    await cache.invalidateTags('org:7')
    expect(getUser.peek('1')).toBeUndefined()
    const aborted = getUser.with({ signal: AbortSignal.abort() })
    expect(await rejection(aborted('9'))).toMatchObject({ name: 'AbortError' })
    await cache.close()
  })

  it('takes a key function', async () => {
    const cache = bench.open()
    const work = vi.fn(async (request: { id: string; at: Date }) => request.id)
    const byId = cache.wrap('by:id', work, { key: (request) => request.id })
    await byId({ id: 'a', at: new Date(1) })
    expect(await byId({ id: 'a', at: new Date(2) })).toBe('a')
    expect(work).toHaveBeenCalledTimes(1)
    const bad = cache.wrap('bad', work, { key: () => 1 as never })
    expect(await rejection(bad({ id: 'a', at: new Date() }))).toMatchObject({ code: 'OSTRAKA_ERR_INVALID_ARGUMENT' })
    await cache.close()
  })

  it('passes on this, which is no part of the key', async () => {
    const cache = bench.open()
    class Users {
      readonly prefix = 'user'
      readonly get = cache.wrap('users.get', async function (this: Users, id: string) {
        return `${this.prefix} ${id}`
      })
    }
    const users = new Users()
    expect(await users.get('1')).toBe('user 1')
    expect(await users.get.with({ ttl: '1s' }).call(users, '2')).toBe('user 2')
    await cache.close()
  })

  it('looks like the function, and keeps its types', async () => {
    const cache = bench.open()
    const getUser = cache.wrap('user', async function loadUser(id: string, _deep?: boolean): Promise<User> {
      return { id, org: 1 }
    })
    expect([getUser.name, getUser.length]).toEqual(['loadUser', 2])
    expectTypeOf(getUser).returns.resolves.toEqualTypeOf<User>()
    expectTypeOf(getUser).parameters.toEqualTypeOf<[id: string, _deep?: boolean | undefined]>()
    expectTypeOf(getUser.peek).returns.toEqualTypeOf<User | undefined>()
    const now = cache.wrap('now', () => 1)
    expectTypeOf(now).returns.resolves.toEqualTypeOf<number>()
    expectTypeOf(cache.getOrSet('k', async () => ({ a: 1 }))).resolves.toEqualTypeOf<{ a: number }>()
    expectTypeOf(cache.getOrSet('k', ({ skip }) => skip() ?? 'text')).resolves.toEqualTypeOf<string>()
    await Promise.all([
      cache.getOrSet('k', async () => ({ a: 1 })),
      cache.getOrSet('k', ({ skip }) => skip() ?? 'text'),
    ])
    // @ts-expect-error a number is no id
    await getUser(1)
    await cache.close()
  })

  it('refuses arguments that make no key, and results that can be read only once', async () => {
    const cache = bench.open()
    const any = cache.wrap('any', async (_: unknown) => 1)
    expect(await rejection(any(() => 1))).toMatchObject({ code: 'OSTRAKA_ERR_INVALID_ARGUMENT' })
    expect(() => any.key(Symbol('s'))).toThrow(/argument 1 is a symbol/)
    async function* generate() {
      yield 1
    }
    expect(() => cache.wrap('generate', generate)).toThrow(/only once/)
    const indirect = cache.wrap('indirect', () => generate())
    expect(await rejection(indirect())).toMatchObject({ code: 'OSTRAKA_ERR_INVALID_VALUE' })
    const stream = cache.wrap('stream', async () => Readable.from(['a']))
    expect(await rejection(stream())).toMatchObject({ code: 'OSTRAKA_ERR_INVALID_VALUE' })
    const iterator = cache.wrap('iterator', () => [1, 2][Symbol.iterator]())
    expect(await rejection(iterator())).toMatchObject({ code: 'OSTRAKA_ERR_INVALID_VALUE' })
    expect(await cache.wrap('list', () => [1, 2])()).toEqual([1, 2])
    await cache.close()
  })

  it('refuses bad options when it is made', async () => {
    const cache = bench.open()
    const work = () => 1
    expect(() => cache.wrap('', work)).toThrow(/name/)
    expect(() => cache.wrap('x', 1 as never)).toThrow(/function/)
    expect(() => cache.wrap('x', work, { ttl: 'soon' as never, gracee: 1 } as never)).toThrow(
      /2 invalid options[\s\S]*ttl[\s\S]*grace/,
    )
    expect(() => cache.wrap('x', work, { batch: { size: 0 } as never })).toThrow(/batch\.load[\s\S]*batch\.size/)
    await cache.close()
  })

  it('lets the function know its load', async () => {
    const cache = bench.open({ clock: 'manual' })
    const getUser = cache.wrap('user', async (id: string) => {
      await settled()
      currentLoad()?.setTtl('7s')
      currentLoad()?.setTags([`user:${id}`])
      return currentLoad()?.key
    })
    expect(await getUser('1')).toBe(getUser.key('1'))
    expect(cache.expiresIn(getUser.key('1'))).toBe(7000)
    expect(currentLoad()).toBeUndefined()
    await cache.close()
  })

  it('runs calls that come together as one batch', async () => {
    const cache = bench.open()
    const one = vi.fn(async (id: number) => `one ${id}`)
    const load = vi.fn(async (calls: [id: number][]) => calls.map(([id]) => `many ${id}`))
    const get = cache.wrap('item', one, { batch: { load } })
    expect(await Promise.all([get(1), get(2), get(1), get(3)])).toEqual(['many 1', 'many 2', 'many 1', 'many 3'])
    expect(load.mock.calls.map(([calls]) => calls)).toEqual([[[1], [2], [3]]])
    expect(await get(4)).toBe('one 4')
    expect(await get(2)).toBe('many 2')
    expect([one.mock.calls.length, load.mock.calls.length]).toEqual([1, 1])
    await cache.close()
  })

  it('batches within a window, up to a size', async () => {
    const cache = bench.open()
    const load = vi.fn(async (calls: [id: number][]) => calls.map(([id]) => id * 2))
    const get = cache.wrap('item', async (id: number) => id * 2, { batch: { load, window: 30, size: 3 } })
    const first = [get(1), get(2)]
    await settled()
    const second = [get(3), get(4), get(5)]
    expect(await Promise.all([...first, ...second])).toEqual([2, 4, 6, 8, 10])
    expect(load.mock.calls.map(([calls]) => calls.length)).toEqual([3, 2])
    await cache.close()
  })

  it('fails single calls of a batch, or all of them', async () => {
    const cache = bench.open()
    const bad = new Error('no such item')
    const get = cache.wrap('item', async (id: number) => id, {
      batch: { load: (calls) => calls.map(([id]) => (id === 2 ? bad : id)) },
    })
    expect(await Promise.allSettled([get(1), get(2)])).toEqual([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: bad },
    ])
    const short = cache.wrap('short', async (id: number) => id, { batch: { load: () => [1] } })
    const outcomes = await Promise.allSettled([short(1), short(2)])
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'OSTRAKA_ERR_INVALID_ARGUMENT' } })
    }
    await cache.close()
  })

  it('finds a batch that waits for itself', async () => {
    const cache = bench.open()
    const get: (id: number) => Promise<number> = cache.wrap('item', async (id: number) => id, {
      batch: { load: async (calls) => Promise.all(calls.map(async ([id]) => (await get(id === 1 ? 2 : 1)) + 1)) },
    })
    const outcomes = await Promise.allSettled([get(1), get(2)])
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'OSTRAKA_ERR_LOAD_CYCLE' } })
    }
    await cache.close()
  })
})

suite('getOrSetMany', (bench) => {
  it('loads all that is absent with one call', async () => {
    const cache = bench.open()
    cache.set('b', 'there')
    const loader = vi.fn(async (keys: string[]) => keys.map((key) => `loaded ${key}`))
    expect(await cache.getOrSetMany(['a', 'b', 'c', 'a'], loader)).toEqual([
      'loaded a',
      'there',
      'loaded c',
      'loaded a',
    ])
    expect(loader.mock.calls.map(([keys]) => keys)).toEqual([['a', 'c']])
    expect(cache.getMany(['a', 'b', 'c'])).toEqual(['loaded a', 'there', 'loaded c'])
    expect(await cache.getOrSetMany(['a', 'c'], loader)).toEqual(['loaded a', 'loaded c'])
    expect(await cache.getOrSetMany([], loader)).toEqual([])
    expect(loader).toHaveBeenCalledTimes(1)
    await cache.close()
  })

  it('takes a Map, keeps nothing of what is undefined', async () => {
    const cache = bench.open()
    const values = await cache.getOrSetMany(['a', 'b'], async () => new Map([['b', 2]]))
    expect(values).toEqual([undefined, 2])
    expect([cache.has('a'), cache.get('b')]).toEqual([false, 2])
    await cache.close()
  })

  it('shares loads with getOrSet and other batches', async () => {
    const cache = bench.open()
    const gate = deferred<string>()
    const single = cache.getOrSet('a', () => gate.promise)
    const loader = vi.fn(async (keys: string[]) => keys.map((key) => `many ${key}`))
    const many = cache.getOrSetMany(['a', 'b'], loader)
    const other = cache.getOrSetMany(['b', 'c'], loader)
    gate.resolve('single a')
    expect(await single).toBe('single a')
    expect(await many).toEqual(['single a', 'many b'])
    expect(await other).toEqual(['many b', 'many c'])
    expect(loader.mock.calls.map(([keys]) => keys)).toEqual([['b'], ['c']])
    await cache.close()
  })

  it('makes tags of each value and its key', async () => {
    const cache = bench.open()
    const options = { tags: (value: number, key: string) => [`${key}=${value}`] }
    await cache.getOrSetMany(['a', 'b'], () => [1, 2], options)
    await cache.invalidateTags('a=1')
    expect(cache.getMany(['a', 'b'])).toEqual([undefined, 2])
    await cache.close()
  })

  it('rejects with the error of one or of all, and keeps the others', async () => {
    const cache = bench.open()
    const bad = new Error('b')
    expect(await rejection(cache.getOrSetMany(['a', 'b'], () => [1, bad]))).toBe(bad)
    expect(cache.get('a')).toBe(1)
    const all = new Error('all')
    expect(await rejection(cache.getOrSetMany(['c', 'd'], () => Promise.reject(all)))).toBe(all)
    expect(await rejection(cache.getOrSetMany(['c'], () => 'c' as never))).toMatchObject({
      code: 'OSTRAKA_ERR_INVALID_ARGUMENT',
    })
    expect(await rejection(cache.getOrSetMany(['c', ''], () => []))).toMatchObject({ code: 'OSTRAKA_ERR_INVALID_KEY' })
    await cache.close()
  })

  it('aborts the batch when nobody waits for any of it', async () => {
    const cache = bench.open()
    const controller = new AbortController()
    let signal: AbortSignal | undefined
    const asked = rejection(
      cache.getOrSetMany(
        ['a', 'b'],
        (_, context) => {
          signal = context.signal
          return new Promise<number[]>(() => {})
        },
        { signal: controller.signal },
      ),
    )
    await settled()
    expect(signal?.aborted).toBe(false)
    controller.abort()
    expect(await asked).toMatchObject({ name: 'AbortError' })
    expect(signal?.aborted).toBe(true)
    await cache.close()
  })

  it('loads thousands of keys in parts', async () => {
    const cache = bench.open()
    const keys = Array.from({ length: 1200 }, (_, index) => `k${index}`)
    const loader = vi.fn(async (some: string[]) => some.map((key) => key.length))
    const values = await cache.getOrSetMany(keys, loader)
    expect(values).toEqual(keys.map((key) => key.length))
    expect(loader.mock.calls.map(([some]) => some.length)).toEqual([512, 512, 176])
    expect(cache.size).toBe(1200)
    await cache.close()
  })
})
