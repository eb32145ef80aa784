// Events, the slow log, the feed of changes, and what diagnostics channels hear.
import { channel, tracingChannel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { createCache } from '../../src/cache/create-cache.js'
import type { Change } from '../../src/stats/change-feed.js'
import type { SlowOperation } from '../../src/stats/events.js'
import { KeyedRing } from '../../src/stats/keyed-ring.js'
import { benches } from '../behaviour/engines.js'
import { suite } from '../behaviour/suite.js'

const engines = benches[0]?.missing === undefined ? (['native', 'js'] as const) : (['js'] as const)
const wrong = expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_ARGUMENT' })

describe('a ring of records', () => {
  it('gives back what was put, cuts long keys and forgets the oldest', () => {
    const counts = new Int32Array(1)
    const ring = new KeyedRing(new SharedArrayBuffer(128 * 4), { at: 0, length: 4 }, counts, 0)
    const keys = ['plain', 'käse', 'x'.repeat(88), 'x'.repeat(89), 'ü'.repeat(50), '']
    for (const [i, key] of keys.entries()) ring.put(i, key, i / 2, i * 2)
    expect(ring.count).toBe(6)
    expect(ring.read(0)).toBeUndefined()
    expect(ring.read(1)).toBeUndefined()
    expect(ring.read(2)).toMatchObject({ type: 2, key: keys[2], whole: true, first: 1, second: 4 })
    expect(ring.read(3)).toMatchObject({ key: 'x'.repeat(88), whole: false })
    expect(ring.read(4)).toMatchObject({ key: 'ü'.repeat(44), whole: false })
    expect(ring.read(5)).toMatchObject({ key: '', whole: true })
    expect(ring.read(6)).toBeUndefined()
    ring.put(0, 'käse', 0, 0)
    expect(ring.read(6)).toMatchObject({ key: 'käse', whole: true })
    ring.release()
    ring.put(0, 'lost', 0, 0)
    expect(counts[0]).toBe(7)
  })
})

// One engine a thread here: with two, calls are dealt to handles by turns.
describe.each(engines)('events (%s)', (engine) => {
  const open = (name: string, options: object = {}) =>
    createCache({ name: `${name}-${engine}`, engine, maxBytes: '16mb', ...options })

  it('tell of what was slow, failed, cleared, invalidated', async () => {
    const cache = open('events', { stats: 'full' })
    const users = cache.namespace('users')
    cache.events.slowerThan = 20
    await users.getOrSet('42', () => new Promise((resolve) => setTimeout(resolve, 40, 'slow')))
    await cache.getOrSet('quick', () => 'x')
    await cache.getOrSet('broken', () => Promise.reject(new Error('no'))).catch(() => undefined)
    await cache.invalidateTags(['org:7'])
    cache.clear()
    // Where the machine is slow, more of it was.
    const all = cache.recentEvents().filter(({ type, key }) => type !== 'slow' || key === '42')
    const [cleared, invalidated, failed, slow, ...more] = all
    expect(more).toEqual([])
    expect(cleared).toMatchObject({ type: 'clear', milliseconds: 0 })
    expect(invalidated).toMatchObject({ type: 'invalidate', key: 'org:7' })
    expect(failed).toMatchObject({ type: 'failed', key: 'broken', operation: 'load', namespace: undefined })
    expect(slow).toMatchObject({ type: 'slow', key: '42', namespace: 'users', operation: 'load', thread: 0 })
    expect(slow!.milliseconds).toBeGreaterThan(35)
    expect(Math.abs(slow!.at - Date.now())).toBeLessThan(60_000)
    expect(slow!.rssBytes).toBeGreaterThan(2 ** 20)
    expect(cache.recentEvents(1)).toEqual([cleared])
    expect(cache.recentEvents({ types: ['failed', 'clear'] })).toEqual([cleared, failed])
    expect(cache.recentEvents({ prefix: 'bro', types: ['failed'] })).toEqual([failed])
    expect(cache.recentEvents({ namespace: 'users' })).toEqual([slow])
    expect(cache.events.count).toBeGreaterThanOrEqual(4)
    await cache.close()
  })

  it('sample loads, log slow operations and publish them, and refuse nonsense', async () => {
    const cache = open('slow', { stats: 'full' })
    cache.events.loadShare = 1
    cache.events.slowerThan = 0.001
    const heard: SlowOperation[] = []
    const listen = (message: unknown) => heard.push(message as SlowOperation)
    channel('ostraka:slow').subscribe(listen)
    await cache.getOrSet('a', () => 'x')
    cache.set('b', { some: 'object' })
    cache.get('b')
    channel('ostraka:slow').unsubscribe(listen)
    expect(cache.recentEvents({ types: ['load'] })).toHaveLength(1)
    expect(cache.recentEvents({ types: ['slow'] }).map(({ operation }) => operation)).toContain('set')
    expect(heard.find(({ operation }) => operation === 'set')).toMatchObject({ cache: cache.name, key: 'b' })
    expect(cache.events.slowerThan).toBe(0.001)
    for (const nonsense of [0, -1, '2h', 'soon', Number.NaN]) {
      expect(() => {
        cache.events.slowerThan = nonsense
      }).toThrowError(wrong)
    }
    for (const nonsense of [-0.1, 1.1, Number.NaN]) {
      expect(() => {
        cache.events.loadShare = nonsense
      }).toThrowError(wrong)
    }
    expect(() => cache.recentEvents(-1)).toThrowError(wrong)
    const { events } = cache
    for (let i = 0; i < 2000; i++) events.note('load', `k${i}`)
    expect(cache.recentEvents(10_000).length).toBeLessThanOrEqual(512)
    expect(cache.recentEvents(1)[0]!.key).toBe('k1999')
    await cache.close()
  })

  it('are traced: one object through the life of a load', async () => {
    const cache = open('traced')
    const heard: [string, unknown][] = []
    const names = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const
    const subscribers = Object.fromEntries(
      names.map((name) => [name, (message: unknown) => heard.push([name, message])]),
    )
    const traced = tracingChannel('ostraka:load')
    traced.subscribe(subscribers as never)
    await cache.getOrSet('good', async () => 'x')
    await cache.getOrSet('bad', () => Promise.reject(new Error('no'))).catch(() => undefined)
    traced.unsubscribe(subscribers as never)
    await cache.getOrSet('unheard', async () => 'x')
    expect(heard.map(([name]) => name)).toEqual([
      'start',
      'end',
      'asyncStart',
      'asyncEnd',
      ...['start', 'end', 'error', 'asyncStart', 'asyncEnd'],
    ])
    expect(heard[3]![1]).toMatchObject({ cache: cache.name, key: 'good', outcome: 'kept' })
    expect(heard[8]![1]).toMatchObject({ key: 'bad', outcome: 'failed', error: new Error('no') })
    expect(heard[0]![1]).toBe(heard[3]![1])
    await cache.close()
  })
})

describe.each(engines)('changes (%s)', (engine) => {
  it('come in order, with what was evicted, expired, invalidated', async () => {
    const cache = createCache({
      name: `changes-${engine}`,
      engine,
      maxBytes: '1mb',
      clock: 'manual',
      owners: 0,
      near: false,
    })
    const users = cache.namespace('users')
    const feed = cache.changes({ every: 10 })
    cache.set('a', 1)
    users.set('b', 'x', { ttl: 50 })
    cache.set('c', 'x', { tags: ['t'] })
    cache.add('a', 2)
    cache.increment('a', 5)
    cache.update('a', () => 7)
    cache.take('a')
    cache.delete('absent')
    await cache.getOrSet('loaded', () => 'x')
    await cache.invalidate('loaded')
    await cache.invalidateTags('t')
    cache.get('c')
    cache.advance(100)
    users.get('b')
    cache.set('too large', 'x'.repeat(3 * 2 ** 20))
    cache.clear()
    const { value } = await feed.next()
    expect(value!.lost).toBe(0)
    expect(value!.changes.map((one: { type: string; key: string }) => `${one.type} ${one.key}`)).toEqual([
      'set a',
      'set b',
      'set c',
      'set a',
      'set a',
      'delete a',
      'set loaded',
      'delete loaded',
      'invalidateTag t',
      'invalidate c',
      'expire b',
      'delete too large',
      'clear ',
    ])
    expect(value!.changes[1]).toMatchObject({ namespace: 'users', whole: true, thread: 0 })
    // Where memory is short, whatever goes is told, and there is no more of it than was counted.
    const before = cache.stats().evicted
    const seen = { evict: 0, set: 0, lost: 0 }
    for (let round = 0; round < 60; round++) {
      for (let i = 0; i < 20; i++) cache.set(`${round}:${i}`, 'x'.repeat(2000))
      const batch = await feed.next()
      for (const { type } of batch.value!.changes as Change[]) if (type === 'evict' || type === 'set') seen[type]++
      seen.lost += batch.value!.lost
    }
    expect(seen.set + seen.lost).toBeGreaterThanOrEqual(1200)
    expect(seen.evict + seen.lost).toBeGreaterThanOrEqual(cache.stats().evicted - before)
    expect(seen.evict).toBeGreaterThan(100)
    const pending = feed.next()
    await feed.return()
    expect(await pending).toEqual({ done: true, value: undefined })
    await cache.close()
  })

  it('of two other threads arrive whole, or are counted as lost', async () => {
    const options = { name: `feed-${engine}`, maxBytes: '32mb' }
    const cache = createCache({ ...options, engine })
    const feed = cache.changes({ every: 10, prefix: '' })
    const file = new URL('./fixtures/changing.mjs', import.meta.url)
    const rounds = 500
    const workers = [1, 2].map(
      (id) => new Worker(file, { workerData: { options: { ...options, engine }, id, rounds } }),
    )
    const ready = Promise.all(workers.map((worker) => once(worker, 'message')))
    const last = new Map<number, number>()
    let [changes, lost] = [0, 0]
    const expected = 2 * (rounds + rounds / 10)
    for await (const batch of feed) {
      lost += batch.lost
      changes += batch.changes.length
      for (const { type, key, thread } of batch.changes) {
        if (type !== 'set') continue
        const index = Number(key.split(':')[1])
        expect(index).toBeGreaterThan(last.get(thread) ?? -1)
        last.set(thread, index)
      }
      if (changes + lost >= expected) break
    }
    expect(changes + lost).toBe(expected)
    expect(changes).toBeGreaterThan(expected / 2)
    await ready
    for (const worker of workers) worker.postMessage('end')
    await Promise.all(workers.map((worker) => once(worker, 'exit')))
    await cache.close()
  })

  it('end with their handle, cost nothing when nobody reads, and refuse nonsense', async () => {
    const cache = createCache({ name: `ends-${engine}`, engine, maxBytes: '16mb' })
    for (const options of [{ every: 1 }, { every: 'x' }, { types: ['some'] }, { prefix: 5 }]) {
      expect(() => cache.changes(options as never)).toThrowError(wrong)
    }
    const feed = cache.changes({ types: ['delete'], prefix: 'k', every: 10 })
    cache.set('k1', 1)
    cache.delete('k1')
    cache.set('other', 1)
    cache.delete('other')
    const { value } = await feed.next()
    expect(value!.changes.map(({ key }: { key: string }) => key)).toEqual(['k1'])
    const pending = feed.next()
    await cache.close()
    expect(await pending).toEqual({ done: true, value: undefined })
  })
})

suite('a feed beside another', (bench) => {
  it('each gets everything', async () => {
    const cache = bench.open()
    const feeds = [cache.changes({ every: 10 }), cache.changes({ every: 10 })]
    cache.set('k', 1)
    for (const feed of feeds) {
      const { value } = await feed.next()
      expect(value!.changes).toMatchObject([{ type: 'set', key: 'k' }])
    }
    for (const feed of feeds) await feed.return()
    cache.set('k', 2)
    const late = cache.changes({ every: 10 })
    cache.set('late', 1)
    const { value } = await late.next()
    expect(value!.changes).toMatchObject([{ type: 'set', key: 'late' }])
    await late.return()
    await cache.close()
  })
})
