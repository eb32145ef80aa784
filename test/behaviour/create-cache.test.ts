import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import type { Cache } from '../../src/cache/cache.js'
import { createCache } from '../../src/cache/create-cache.js'
import type { CacheOptions } from '../../src/options/cache-options.js'
import { benches, nativeMustRun } from './engines.js'

let names = 0
const open: Cache[] = []

function create(options: CacheOptions): Cache {
  const cache = createCache({ engine: 'js', ...options })
  open.push(cache)
  return cache
}

function freshName(): string {
  return `create-${names++}`
}

afterEach(async () => {
  for (const cache of open.splice(0)) await cache.close()
})

describe('createCache', () => {
  it('gets the same cache by the same name', () => {
    const name = freshName()
    const first = create({ name, maxBytes: '2mb', ttl: '5m' })
    const second = create({ name, maxBytes: 2 * 2 ** 20, ttl: 300_000 })
    const third = create({ name })
    first.set('key', { from: 'first' })
    expect(second.get('key')).toEqual({ from: 'first' })
    third.delete('key')
    expect(first.has('key')).toBe(false)
    third.set('ttl', 1)
    expect(third.expiresIn('ttl')).toBeGreaterThan(290_000)
    expect(third.stats()).toMatchObject({ name, engine: 'js', maxBytes: 2 * 2 ** 20 })
    expect(create({ name: freshName(), maxBytes: '1mb' }).get('ttl')).toBeUndefined()
  })

  it("lists every option that differs from the creator's, and leaves the cache alone", () => {
    const name = freshName()
    const cache = create({ name, maxBytes: '2mb', ttl: '5m', seed: 1234567 })
    cache.set('key', 1)
    expect(() => create({ name, maxBytes: '4mb', ttl: '6m', idle: 5, maxEntries: 9, seed: 7654321 })).toThrowError(
      expect.objectContaining({
        code: 'OSTRAKA_ERR_OPTIONS_DIFFER',
        faults: ['maxBytes', 'maxEntries', 'ttl', 'idle', 'seed'].map((path) => expect.objectContaining({ path })),
      }),
    )
    try {
      create({ name, seed: 7654321 })
    } catch (error) {
      expect(String(error)).not.toMatch(/1234567|7654321/)
    }
    expect(cache.get('key')).toBe(1)
    // `engine` and `near` are each thread's own.
    expect(create({ name, near: { values: 'copy' } }).get('key')).toBe(1)
  })

  it('has nothing to attach to under a name that nobody opened', () => {
    expect(() => create({ name: freshName() })).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_NO_CACHE' }))
  })

  it('makes the default cache of defaults', () => {
    const cache = create({})
    expect(cache.stats()).toMatchObject({ name: 'default', maxBytes: 64 * 2 ** 20, maxEntries: undefined })
    cache.set('key', 1)
    expect(create({ near: false }).get('key')).toBe(1)
    expect(cache.stats().sharedBytes).toBeLessThanOrEqual(64 * 2 ** 20)
    expect(cache.stats().sharedBytes).toBeGreaterThan(63 * 2 ** 20)
  })

  it('reports all faults at once and opens nothing', () => {
    const name = freshName()
    expect(() => create({ name, maxBytes: 5, ttl: 'x' } as CacheOptions)).toThrowError(
      expect.objectContaining({
        code: 'OSTRAKA_ERR_INVALID_OPTION',
        faults: [expect.objectContaining({ path: 'maxBytes' }), expect.objectContaining({ path: 'ttl' })],
      }),
    )
    expect(() => create({ name, maxBytes: '2mb', shards: 64 })).toThrowError(
      expect.objectContaining({
        code: 'OSTRAKA_ERR_INVALID_OPTION',
        faults: [expect.objectContaining({ path: 'shards' })],
      }),
    )
    expect(create({ name, maxBytes: '1mb' }).size).toBe(0)
  })

  it('lives until its last handle is closed', async () => {
    const name = freshName()
    const first = create({ name, maxBytes: '1mb' })
    const second = create({ name, maxBytes: '1mb' })
    first.set('key', 'kept')
    await first.close()
    expect(() => first.get('key')).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_CLOSED' }))
    expect(second.get('key')).toBe('kept')
    await second.close()
    await second.close()
    expect(() => create({ name })).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_NO_CACHE' }))
    const anew = create({ name, maxBytes: '2mb' })
    expect(anew.get('key')).toBeUndefined()
  })

  it('closes for all: others miss and their set returns false', async () => {
    const name = freshName()
    const [closer, ...others] = ['js', 'js', ...(benches[0]?.missing === undefined ? ['native' as const] : [])].map(
      (engine) => create({ name, maxBytes: '1mb', engine: engine as 'js' }),
    )
    for (const other of others) other.set('key', { a: 1 })
    await closer?.close({ all: true })
    for (const other of others) {
      expect(other.get('key')).toBeUndefined()
      expect(other.getMany(['key'])).toEqual([undefined])
      expect(other.set('key', 1)).toBe(false)
      expect(other.set('key', 'text')).toBe(false)
      expect(other.add('key', 1)).toBe(false)
      expect(other.update('key', () => 1)).toBe(false)
      expect(other.increment('key')).toBeUndefined()
      expect(other.delete('key')).toBe(false)
      expect([...other.scan()]).toEqual([])
      expect(other.size).toBe(0)
      other.clear()
      other.stats()
    }
  })

  it('tells the engine and the reason', () => {
    const cache = create({ name: freshName(), maxBytes: '1mb' })
    expect(cache.stats()).toMatchObject({ engine: 'js', engineReason: 'it was asked for' })
  })

  it('is ready', async () => {
    await expect(create({ name: freshName(), maxBytes: '1mb' }).ready).resolves.toBeUndefined()
  })
})

describe('the engine of choice', () => {
  const run = (code: string, environment: NodeJS.ProcessEnv) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { ...process.env, OSTRAKA_ENGINE: '', ...environment },
      encoding: 'utf8',
      timeout: 30_000,
    })
  const print = `import { createCache } from './dist/index.js'
    import { subscribe } from 'node:diagnostics_channel'
    subscribe('ostraka:engine', (message) => console.log(JSON.stringify(message)))
    try {
      for (const name of ['a', 'b']) console.log(createCache({ name, maxBytes: '1mb' }).stats().engine)
    } catch (error) { console.log(error.code) }`

  it('is the pure-JS one where OSTRAKA_ENGINE says so, in silence', () => {
    const { stdout, stderr, status } = run(print, { OSTRAKA_ENGINE: 'js' })
    expect([stdout, stderr, status]).toEqual(['{"engine":"js","reason":"it was asked for"}\njs\njs\n', '', 0])
  })

  it('falls back under auto with one line that says why', () => {
    const { stdout, stderr, status } = run(print, { OSTRAKA_ADDON: '/nowhere/ostraka.node' })
    expect(stdout.split('\n').slice(1)).toEqual(['js', 'js', ''])
    expect(stderr.split('\n')).toEqual([
      expect.stringContaining('because OSTRAKA_ADDON names /nowhere/ostraka.node'),
      '',
    ])
    expect(status).toBe(0)
  })

  it('is an error where native is asked for and missing', () => {
    const { stdout } = run(print, { OSTRAKA_ADDON: '/nowhere/ostraka.node', OSTRAKA_ENGINE: 'native' })
    expect(stdout).toBe('OSTRAKA_ERR_ENGINE_UNAVAILABLE\n')
  })

  it.skipIf(benches[0]?.missing !== undefined && !nativeMustRun())('is native where it can be, in silence', () => {
    const { stdout, stderr } = run(print, {})
    expect(stdout.split('\n').slice(1)).toEqual(['native', 'native', ''])
    expect(stderr).toBe('')
  })

  it('refuses an unknown one', () => {
    expect(run(print, { OSTRAKA_ENGINE: 'wasm' }).stdout).toBe('OSTRAKA_ERR_INVALID_OPTION\n')
  })
})
