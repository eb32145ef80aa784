// Values past their ttl: served when they cannot be renewed, or not soon enough; renewed ahead of their end.
import { expect, it, vi } from 'vitest'
import type { LoadContext } from '../../src/loading/load-options.js'
import { suite } from '../behaviour/suite.js'
import { after, deferred, rejection, settled } from './deferred.js'

suite('stale values', (bench) => {
  // Two engines of one thread are as two threads, of which each rests by itself.
  const inOneThread = it.runIf(bench.name !== 'mixed')
  const graceful = { ttl: '10s', grace: '1h' }
  const open = () => bench.open({ clock: 'manual' })

  it('are absent for everybody who does not load', async () => {
    const cache = open()
    await cache.getOrSet('k', () => 'old', graceful)
    expect(cache.expiresIn('k')).toBe(10_000)
    cache.advance('10s')
    expect([cache.get('k'), cache.peek('k'), cache.has('k'), cache.expiresIn('k'), cache.take('k')]).toEqual([
      undefined,
      undefined,
      false,
      undefined,
      undefined,
    ])
    await cache.close()
  })

  it('are renewed before they are served, and handed to the loader', async () => {
    const cache = open()
    await cache.getOrSet('k', () => ({ version: 1 }), graceful)
    cache.advance('11s')
    const loader = vi.fn(({ stale }: LoadContext) => ({ version: (stale as { version: number }).version + 1 }))
    expect(await cache.getOrSet('k', loader, graceful)).toEqual({ version: 2 })
    expect(cache.get('k')).toEqual({ version: 2 })
    await cache.close()
  })

  inOneThread('are served when the load fails, and the source is left alone for a growing while', async () => {
    const cache = open()
    await cache.getOrSet('k', () => 'old', graceful)
    cache.advance('11s')
    const down = vi.fn(async () => {
      throw new Error('down')
    })
    const ask = () => cache.getOrSet('k', down, graceful)
    expect(await Promise.all([ask(), ask()])).toEqual(['old', 'old'])
    expect(down).toHaveBeenCalledTimes(1)
    expect(await ask()).toBe('old')
    expect(down).toHaveBeenCalledTimes(1)
    cache.advance(1000)
    expect([await ask(), await ask()]).toEqual(['old', 'old'])
    expect(down).toHaveBeenCalledTimes(2)
    cache.advance(1000)
    expect(await ask()).toBe('old')
    expect(down).toHaveBeenCalledTimes(2)
    cache.advance(1000)
    expect(await ask()).toBe('old')
    expect(down).toHaveBeenCalledTimes(3)
    expect(cache.stats().loads).toMatchObject({ failed: 3, staleServed: 7 })
    // Up again: renewed at once when the rest is over, and forgotten.
    cache.advance('30s')
    expect(await cache.getOrSet('k', () => 'new', graceful)).toBe('new')
    cache.advance('11s')
    expect(await ask()).toBe('new')
    expect(down).toHaveBeenCalledTimes(4)
    await cache.close()
  })

  it.each([
    ['an object', { list: [1, 2, 3] }],
    ['a text', 'long '.repeat(100_000)],
    ['an object of many kilobytes', { text: 'long '.repeat(100_000) }],
    ['text and bytes of many kilobytes', ['x'.repeat(300_000), Buffer.from('bytes')]],
  ])('are served whatever they are: %s', async (_, value) => {
    const cache = open()
    await cache.getOrSet('k', () => value, graceful)
    expect(cache.get('k')).toEqual(value)
    cache.advance('11s')
    let handed: unknown
    const fails = ({ stale }: LoadContext) => {
      handed = stale
      return Promise.reject(new Error('down'))
    }
    expect(await cache.getOrSet('k', fails, graceful)).toEqual(value)
    expect(handed).toEqual(value)
    await cache.close()
  })

  it('are not served to callers without grace', async () => {
    const cache = open()
    await cache.getOrSet('k', () => 'old', graceful)
    cache.advance('11s')
    const failure = new Error('down')
    expect(await rejection(cache.getOrSet('k', () => Promise.reject(failure)))).toBe(failure)
    // The stale value is still there for others.
    expect(await cache.getOrSet('k', () => Promise.reject(failure), graceful)).toBe('old')
    await cache.close()
  })

  it('are gone at the end of their grace, when deleted, and when invalidated', async () => {
    const cache = open()
    const failure = new Error('down')
    const fails = () => Promise.reject(failure)
    for (const change of [
      () => cache.advance('2h'),
      () => cache.delete('k'),
      () => cache.invalidateTags('t'),
      () => cache.clear(),
    ]) {
      await cache.getOrSet('k', () => 'old', { ...graceful, tags: ['t'] })
      cache.advance('11s')
      await change()
      expect(await rejection(cache.getOrSet('k', fails, graceful))).toBe(failure)
    }
    await cache.close()
  })

  it('are not served after they were deleted while the load ran', async () => {
    const cache = open()
    await cache.getOrSet('k', () => 'old', graceful)
    cache.advance('11s')
    const gate = deferred<string>()
    const failure = new Error('down')
    const asked = rejection(cache.getOrSet('k', () => gate.promise, graceful))
    cache.delete('k')
    gate.reject(failure)
    expect(await asked).toBe(failure)
    await cache.close()
  })

  it('are removed when there is nothing any more', async () => {
    const cache = open()
    await cache.getOrSet('k', () => 'old', graceful)
    cache.advance('11s')
    expect(await cache.getOrSet<string | undefined>('k', () => undefined, graceful)).toBeUndefined()
    const failure = new Error('down')
    expect(await rejection(cache.getOrSet('k', () => Promise.reject(failure), graceful))).toBe(failure)
    await cache.close()
  })

  it('are served at once with a soft timeout of 0, and renewed in the background', async () => {
    const cache = open()
    const options = { ...graceful, softTimeout: 0 }
    await cache.getOrSet('k', () => 'old', options)
    cache.advance('11s')
    const gate = deferred<string>()
    const loader = vi.fn(() => gate.promise)
    expect([await cache.getOrSet('k', loader, options), await cache.getOrSet('k', loader, options)]).toEqual([
      'old',
      'old',
    ])
    expect(loader).toHaveBeenCalledTimes(1)
    gate.resolve('new')
    await settled()
    expect(cache.get('k')).toBe('new')
    await cache.close()
  })

  it('are served after the soft timeout, while the load goes on', async () => {
    const cache = open()
    const options = { ...graceful, softTimeout: 10 }
    await cache.getOrSet('k', () => 'old', options)
    cache.advance('11s')
    const gate = deferred<string>()
    const controller = new AbortController()
    let signal: AbortSignal | undefined
    const loader = (context: LoadContext) => {
      signal = context.signal
      return gate.promise
    }
    expect(await cache.getOrSet('k', loader, { ...options, signal: controller.signal })).toBe('old')
    controller.abort()
    expect(signal?.aborted).toBe(false)
    gate.resolve('new')
    await settled()
    expect(cache.get('k')).toBe('new')
    await cache.close()
  })

  it('leave nothing to wait for where there is none: the soft timeout waits for the load', async () => {
    const cache = open()
    const gate = deferred<string>()
    const asked = cache.getOrSet('k', () => gate.promise, { ...graceful, softTimeout: 1 })
    await new Promise((resolve) => setTimeout(resolve, 10))
    gate.resolve('value')
    expect(await asked).toBe('value')
    await cache.close()
  })

  it('are served at the hard timeout', async () => {
    const cache = open()
    await cache.getOrSet('k', () => 'old', graceful)
    cache.advance('11s')
    expect(await cache.getOrSet('k', () => new Promise<string>(() => {}), { ...graceful, hardTimeout: 20 })).toBe('old')
    await cache.close()
  })

  it('fail quietly in the background', async () => {
    const cache = open()
    const options = { ...graceful, softTimeout: 0 }
    await cache.getOrSet('k', () => 'old', options)
    cache.advance('11s')
    expect(await cache.getOrSet('k', () => Promise.reject(new Error('down')), options)).toBe('old')
    const throws = () => {
      throw new Error('down')
    }
    cache.advance('1m')
    expect(await cache.getOrSet('k', throws, options)).toBe('old')
    await settled()
    expect(cache.stats().loads.failed).toBe(2)
    await cache.close()
  })
})

suite('renewal ahead of the end', (bench) => {
  const inOneThread = it.runIf(bench.name !== 'mixed')
  const open = () => bench.open({ clock: 'manual' })

  it.each([
    ['a duration', '2s'],
    ['a share of the ttl', 0.2],
  ])('happens in the background, from %s before it on', async (_, refreshAhead) => {
    const cache = open()
    const options = { ttl: '10s', refreshAhead }
    await cache.getOrSet('k', () => 'old', options)
    const gate = deferred<string>()
    const loader = vi.fn(() => gate.promise)
    cache.advance(7900)
    expect(await cache.getOrSet('k', loader, options)).toBe('old')
    expect(loader).not.toHaveBeenCalled()
    cache.advance(200)
    expect([await cache.getOrSet('k', loader, options), await cache.getOrSet('k', loader, options)]).toEqual([
      'old',
      'old',
    ])
    expect(loader).toHaveBeenCalledTimes(1)
    expect(cache.get('k')).toBe('old')
    gate.resolve('new')
    await settled()
    expect(cache.get('k')).toBe('new')
    expect(cache.expiresIn('k')).toBe(10_000)
    await cache.close()
  })

  it.runIf(bench.name !== 'mixed')(
    'leaves hits near while the end is far, in whatever thread it is set anew',
    async () => {
      const cache = bench.open({ clock: 'manual', near: {} })
      for (const options of [{ refreshAhead: '2s' }, { earlyExpiry: true }]) {
        cache.set('k', { version: 1 }, { ttl: '10s', cost: 300 })
        const loader = vi.fn(() => ({ version: 2 }))
        const ask = () => cache.getOrSet('k', loader, { ttl: '10s', ...options })
        // What is known of the key's last value takes one look to be corrected.
        await ask()
        const first = await ask()
        expect(await ask()).toBe(first)
        expect(cache.stats().near?.entries).toBe(1)
        cache.advance('7s')
        expect(await ask()).toBe(first)
        cache.set('k', { version: 3 }, { ttl: '1s', cost: 1e9 })
        expect(await ask()).toEqual({ version: 3 })
        expect(loader).toHaveBeenCalledTimes(1)
        await settled()
        expect(cache.get('k')).toEqual({ version: 2 })
        cache.advance('9900ms')
        expect(await ask()).toEqual({ version: 2 })
        await settled()
        if ('refreshAhead' in options) expect(loader).toHaveBeenCalledTimes(2)
        cache.delete('k')
      }
      await cache.close()
    },
  )

  it('is joined by those who find the value gone before it ends', async () => {
    const cache = open()
    const options = { ttl: '10s', refreshAhead: '2s' }
    await cache.getOrSet('k', () => 'old', options)
    cache.advance('9s')
    const gate = deferred<string>()
    const loader = vi.fn(() => gate.promise)
    expect(await cache.getOrSet('k', loader, options)).toBe('old')
    cache.advance('2s')
    expect(cache.get('k')).toBeUndefined()
    const asked = [cache.getOrSet('k', loader, options), cache.getOrSet('k', loader, options)]
    gate.resolve('new')
    expect(await Promise.all(asked)).toEqual(['new', 'new'])
    expect(loader).toHaveBeenCalledTimes(1)
    expect(cache.get('k')).toBe('new')
    await cache.close()
  })

  inOneThread('leaves the value as it is when it fails, and rests', async () => {
    const cache = open()
    const options = { ttl: '10s', refreshAhead: '5s' }
    await cache.getOrSet('k', () => 'old', options)
    cache.advance('6s')
    const down = vi.fn(() => Promise.reject(new Error('down')))
    for (let i = 0; i < 3; i++) {
      expect(await cache.getOrSet('k', down, options)).toBe('old')
      await settled()
    }
    expect(down).toHaveBeenCalledTimes(1)
    cache.advance(1000)
    expect(await cache.getOrSet('k', down, options)).toBe('old')
    expect(down).toHaveBeenCalledTimes(2)
    await settled()
    await cache.close()
  })

  it('is not kept after a set or a delete', async () => {
    const cache = open()
    const options = { ttl: '10s', refreshAhead: '5s' }
    for (const change of [() => void cache.set('k', 'set'), () => void cache.delete('k')]) {
      await cache.getOrSet('k', () => 'old', options)
      cache.advance('6s')
      const gate = deferred<string>()
      await cache.getOrSet('k', () => gate.promise, options)
      change()
      const then = cache.get('k')
      gate.resolve('late')
      await settled()
      expect(cache.get('k')).toBe(then)
      cache.delete('k')
    }
    await cache.close()
  })

  it('comes early by chance, the more so the longer the load took', async () => {
    const cache = open()
    const options = { ttl: '100s', earlyExpiry: true }
    // Takes as long as the cache's clock says.
    const slow = (key: string) => cache.getOrSet(key, () => after(cache.advance('10s'), key), options)
    const random = vi.spyOn(Math, 'random')
    try {
      random.mockReturnValue(0.5)
      await slow('k')
      const again = vi.fn(() => 'again')
      // −ln(0.5) × 10 s is 6.9 s.
      cache.advance('93s')
      expect(await cache.getOrSet('k', again, options)).toBe('k')
      expect(again).not.toHaveBeenCalled()
      cache.advance(200)
      expect(await cache.getOrSet('k', again, options)).toBe('k')
      expect(again).toHaveBeenCalledTimes(1)
      await settled()
      expect(cache.get('k')).toBe('again')
      // A higher number is earlier, 0 and false never.
      cache.set('cost', 'old', { ttl: '100s', cost: 10_000 })
      cache.advance('50s')
      const other = vi.fn(() => 'new')
      await cache.getOrSet('cost', other, { earlyExpiry: 0 })
      await cache.getOrSet('cost', other, { earlyExpiry: false })
      await cache.getOrSet('cost', other, { earlyExpiry: 1 })
      expect(other).not.toHaveBeenCalled()
      expect(await cache.getOrSet('cost', other, { earlyExpiry: 10 })).toBe('old')
      expect(other).toHaveBeenCalledTimes(1)
    } finally {
      random.mockRestore()
    }
    await cache.close()
  })
})
