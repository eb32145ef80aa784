// codec: 'msgpack' as users meet it: by every way out of a cache and of a namespace, in either engine.
import { afterEach, describe, expect, it } from 'vitest'
import type { Cache } from '../../src/index.js'
import { createCache } from '../../src/index.js'

const opened: Cache[] = []
let names = 0

function open(options: object): Cache {
  const cache = createCache({ name: `msgpack-${names++}`, maxBytes: '1mb', ...options }) as Cache
  opened.push(cache)
  return cache
}

afterEach(async () => {
  for (const cache of opened.splice(0)) await cache.close()
})

describe.each(['auto', 'js'] as const)("codec: 'msgpack', engine %s", (engine) => {
  it('hands plain values out frozen, the same one near', () => {
    const cache = open({ engine, codec: 'msgpack' })
    const user = { id: 1, tags: ['a', 'b'], score: 0.5, big: 2n ** 60n }
    expect(cache.set('k', user)).toBe(true)
    expect(cache.get('k')).toEqual(user)
    expect(Object.isFrozen(cache.get('k'))).toBe(true)
    expect(cache.get('k')).toBe(cache.get('k'))
    expect(cache.peek('k')).toEqual(user)
    expect(cache.getMany(['k', 'none'])).toEqual([user, undefined])
    expect(cache.update('k', (old: typeof user | undefined) => ({ ...(old as typeof user), id: 2 }))).toBe(true)
    expect(cache.take('k')).toEqual({ ...user, id: 2 })
  })

  it('hands out copies of what cannot be frozen', () => {
    const cache = open({ engine, codec: 'msgpack' })
    cache.set('k', { at: new Date(5), bytes: Buffer.from('abc') })
    const mine = cache.get<{ at: Date; bytes: Buffer }>('k')
    mine?.at.setTime(0)
    mine?.bytes.fill(0)
    expect(cache.get('k')).toEqual({ at: new Date(5), bytes: Buffer.from('abc') })
  })

  it('is a default of namespaces, beside others', () => {
    const cache = open({ engine })
    const packed = cache.namespace<unknown>('packed', { codec: 'msgpack' })
    packed.set('k', { a: [1, null] })
    expect(packed.get('k')).toEqual({ a: [1, null] })
    expect(() => packed.set('k', { a: new Map() })).toThrowError("which the codec 'msgpack' would not keep")
    expect(packed.get('k')).toEqual({ a: [1, null] })
    cache.set('k', { a: new Map([[1, 2]]) })
    expect(cache.get('k')).toEqual({ a: new Map([[1, 2]]) })
    expect(() => cache.namespace('packed', { codec: 'json' })).toThrowError('codec')
  })
})
