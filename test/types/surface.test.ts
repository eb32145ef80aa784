// What the compiler knows about the public surface. Compiled by `npm run types`; at run time only the calls happen, and none of them fails.
import { expectTypeOf, it } from 'vitest'
import {
  type AnySchema,
  type Cache,
  type CacheOptions,
  type CacheStats,
  createCache,
  type EntryDescription,
  type EntryOptions,
  type KeyOf,
  type Namespace,
  type NamespaceStats,
  OstrakaError,
  type OstrakaErrorCode,
  type ValueOf,
} from '../../src/index.js'

interface User {
  id: string
  name: string
}
interface Cart {
  items: string[]
}
interface Shop {
  'user:*': User
  'cart:*': Cart
  'visits:*': number
  'user:*:theme': 'light' | 'dark'
  rates: { euro: number }
}

const options = { name: 'types', maxBytes: '1mb', engine: 'js' } as const

it('a cache without a schema takes any key and value, and get<T> says what is expected', async () => {
  const cache = createCache(options)
  expectTypeOf(cache).toEqualTypeOf<Cache>()
  expectTypeOf(cache).toEqualTypeOf<Cache<AnySchema>>()
  const key: string = 'k'
  expectTypeOf(cache.get(key)).toEqualTypeOf<unknown>()
  expectTypeOf(cache.get<User>(key)).toEqualTypeOf<User | undefined>()
  expectTypeOf(cache.peek<User>('k')).toEqualTypeOf<User | undefined>()
  expectTypeOf(cache.take<User>('k')).toEqualTypeOf<User | undefined>()
  expectTypeOf(cache.getMany<User>(['a', key])).toEqualTypeOf<(User | undefined)[]>()
  expectTypeOf(cache.getMany(['a'])).toEqualTypeOf<unknown[]>()
  expectTypeOf(cache.set(key, { any: 'thing' }, { ttl: '5m' })).toEqualTypeOf<boolean>()
  expectTypeOf(
    cache.setMany([
      ['a', 1],
      ['b', 'x', { ttl: 5 }],
    ]),
  ).toEqualTypeOf<boolean[]>()
  expectTypeOf(cache.update('n', (old: number | undefined) => (old ?? 0) + 1)).toEqualTypeOf<boolean>()
  cache.update<number>('n', (old) => {
    expectTypeOf(old).toEqualTypeOf<number | undefined>()
    return 1
  })
  expectTypeOf(cache.increment('n')).toEqualTypeOf<number | undefined>()
  expectTypeOf(cache.scan()).toEqualTypeOf<IterableIterator<string>>()
  expectTypeOf(cache.inspect('n')).toEqualTypeOf<EntryDescription | undefined>()
  expectTypeOf(cache.expiresIn('n')).toEqualTypeOf<number | undefined>()
  expectTypeOf(cache.stats()).toEqualTypeOf<CacheStats>()
  expectTypeOf(cache.stats().version).toEqualTypeOf<1>()
  expectTypeOf(cache.ready).toEqualTypeOf<Promise<void>>()
  expectTypeOf<Parameters<typeof cache.set>[2]>().toEqualTypeOf<EntryOptions | undefined>()
  // @ts-expect-error keys are strings
  expectTypeOf(() => cache.get(5)).toBeFunction()
  // @ts-expect-error a misspelt option
  expectTypeOf(() => cache.set('k', 1, { tll: 5 })).toBeFunction()
  // @ts-expect-error a misspelt option
  expectTypeOf(() => createCache({ maxByte: 5 })).toBeFunction()
  expectTypeOf<CacheOptions['near']>().extract<false>().toEqualTypeOf<false>()
  await cache.close()
})

it('a schema says which value stands under which key', async () => {
  const cache = createCache<Shop>(options)
  const id: string = '42'
  expectTypeOf(cache.get('user:42')).toEqualTypeOf<User | undefined>()
  expectTypeOf(cache.get(`user:${id}`)).toEqualTypeOf<User | undefined>()
  expectTypeOf(cache.get('rates')).toEqualTypeOf<{ euro: number } | undefined>()
  expectTypeOf(cache.peek(`cart:${id}`)).toEqualTypeOf<Cart | undefined>()
  expectTypeOf(cache.take('cart:1')).toEqualTypeOf<Cart | undefined>()
  expectTypeOf(cache.getMany(['user:1', 'user:2'])).toEqualTypeOf<(User | undefined)[]>()
  expectTypeOf(cache.getMany(['user:1', 'cart:2'])).toEqualTypeOf<(User | Cart | undefined)[]>()
  // Where two patterns fit, either value may stand there.
  expectTypeOf(cache.get('user:42:theme')).toEqualTypeOf<User | 'light' | 'dark' | undefined>()
  expectTypeOf(cache.set(`user:${id}`, { id, name: 'n' })).toEqualTypeOf<boolean>()
  cache.update('cart:1', (old) => {
    expectTypeOf(old).toEqualTypeOf<Cart | undefined>()
    return { items: [...(old?.items ?? []), 'x'] }
  })
  expectTypeOf(cache.increment(`visits:${id}`)).toEqualTypeOf<number | undefined>()
  cache.setMany([
    ['user:1', { id: '1', name: 'n' }],
    ['rates', { euro: 1 }, { ttl: '1h' }],
  ])
  expectTypeOf<KeyOf<Shop>>().toExtend<string>()
  expectTypeOf<ValueOf<Shop, 'visits:1'>>().toEqualTypeOf<number>()
  // Named by the caller, it holds.
  expectTypeOf(cache.get<{ id: string }>('user:42')).toEqualTypeOf<{ id: string } | undefined>()
  const wrong = () => {
    // @ts-expect-error no such key
    cache.get('other')
    // @ts-expect-error any string may be another key
    cache.get(id)
    // @ts-expect-error the value of another key
    cache.set('user:1', { items: [] })
    // @ts-expect-error a part is missing
    cache.set('user:1', { id: '1' })
    // @ts-expect-error no number stands there
    cache.increment('user:1')
    // @ts-expect-error the value of another key
    cache.setMany([['user:1', { euro: 1 }]])
    // @ts-expect-error the value of another key
    cache.update('user:1', () => ({ items: [] }))
    // @ts-expect-error no such key
    cache.delete('other')
  }
  expectTypeOf(wrong).toBeFunction()
  await cache.close()
})

it('a namespace has one type of value, a plain interface too', async () => {
  const cache = createCache<Shop>(options)
  const users = cache.namespace<User>('users', { ttl: '1h', near: { maxEntries: 10 } })
  expectTypeOf(users).toEqualTypeOf<Namespace<User>>()
  expectTypeOf(users.get('42')).toEqualTypeOf<User | undefined>()
  expectTypeOf(users.getMany(['1', '2'])).toEqualTypeOf<(User | undefined)[]>()
  users.set('42', { id: '42', name: 'n' })
  users.update('42', (old) => {
    expectTypeOf(old).toEqualTypeOf<User | undefined>()
    return old
  })
  users.setMany([['1', { id: '1', name: 'n' }]])
  expectTypeOf(users.stats()).toEqualTypeOf<NamespaceStats>()
  expectTypeOf(users.namespace<Cart>('carts').get('1')).toEqualTypeOf<Cart | undefined>()
  expectTypeOf(cache.namespace<number>('counts').increment('a')).toEqualTypeOf<number | undefined>()
  expectTypeOf(cache.namespace('any').get<Cart>('1')).toEqualTypeOf<Cart | undefined>()
  expectTypeOf(cache.namespace('any').get('1')).toEqualTypeOf<unknown>()
  const wrong = () => {
    // @ts-expect-error another type of value
    users.set('42', { items: [] })
    // @ts-expect-error no numbers stand here
    users.increment('42')
    // @ts-expect-error not an option of namespaces
    cache.namespace('n', { maxBytes: '1mb' })
  }
  expectTypeOf(wrong).toBeFunction()
  await cache.close()
})

it('what a loader returns is what comes', async () => {
  const plain = createCache({ ...options, name: 'types-plain' })
  const user: User = { id: '1', name: 'n' }
  const load = async () => user
  const cache = createCache<Shop>(options)
  const users = cache.namespace<User>('users')
  const loads = () => {
    expectTypeOf(plain.getOrSet('k', load)).toEqualTypeOf<Promise<User>>()
    expectTypeOf(plain.getOrSet('k', () => 5)).toEqualTypeOf<Promise<number>>()
    expectTypeOf(plain.fetch<User>('k')).toEqualTypeOf<Promise<User | undefined>>()
    expectTypeOf(cache.getOrSet('user:1', load)).toEqualTypeOf<Promise<User>>()
    expectTypeOf(cache.fetch('user:1')).toEqualTypeOf<Promise<User | undefined>>()
    expectTypeOf(users.getOrSet('1', load)).toEqualTypeOf<Promise<User>>()
    const getUser = users.wrap('user', async (id: string, deep: boolean) => ({ id, name: String(deep) }))
    expectTypeOf(getUser).parameters.toEqualTypeOf<[string, boolean]>()
    expectTypeOf(getUser('1', true)).toEqualTypeOf<Promise<User>>()
  }
  expectTypeOf(loads).toBeFunction()
  const wrong = () => {
    // @ts-expect-error the loader makes something else
    void cache.getOrSet('user:1', () => ({ items: [] }))
    // @ts-expect-error no such key
    void cache.getOrSet('other', load)
  }
  expectTypeOf(wrong).toBeFunction()
  await plain.close()
  await cache.close()
})

it('caches are given to functions that take less specific ones', async () => {
  const typed = createCache<Shop>(options)
  const size = (cache: Pick<Cache, 'size' | 'stats' | 'close'>) => cache.size
  expectTypeOf(size(typed)).toEqualTypeOf<number>()
  expectTypeOf<ReturnType<typeof createCache>>().toEqualTypeOf<Cache>()
  await typed.close()
})

it('errors are told apart by code', () => {
  const error = new OstrakaError('OSTRAKA_ERR_CLOSED', 'x')
  expectTypeOf(error.code).toEqualTypeOf<OstrakaErrorCode>()
  expectTypeOf<'OSTRAKA_ERR_INVALID_KEY'>().toExtend<OstrakaErrorCode>()
  expectTypeOf<'OSTRAKA_ERR_NONE'>().not.toExtend<OstrakaErrorCode>()
})
