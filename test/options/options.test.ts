import { describe, expect, it } from 'vitest'
import { OstrakaError } from '../../src/errors.js'
import { assertSameOptions } from '../../src/options/differences.js'
import { suggest } from '../../src/options/suggest.js'
import { parseDuration, parseSize } from '../../src/options/units.js'
import { readOptions } from '../../src/options/validate.js'

function faultsOf(options: unknown, environment: NodeJS.ProcessEnv = {}): Record<string, string> {
  try {
    readOptions(options, environment)
  } catch (error) {
    expect(error).toBeInstanceOf(OstrakaError)
    expect((error as OstrakaError).code).toBe('OSTRAKA_ERR_INVALID_OPTION')
    for (const fault of (error as OstrakaError).faults) expect((error as OstrakaError).message).toContain(fault.message)
    return Object.fromEntries((error as OstrakaError).faults.map((fault) => [fault.path, fault.message]))
  }
  throw new Error('these options were accepted')
}

describe('sizes and durations', () => {
  it.each([
    ['256mb', 256 * 2 ** 20],
    ['1.5gb', 1.5 * 2 ** 30],
    ['64KB', 65_536],
    ['64 KiB', 65_536],
    ['2m', 2 * 2 ** 20],
    ['10', 10],
    ['10b', 10],
    [1234.9, 1234],
    ['ten', undefined],
    ['', undefined],
    ['-1mb', undefined],
    ['5ib', undefined],
    ['1mb 2kb', undefined],
    [-1, undefined],
    [Number.NaN, undefined],
    [Infinity, undefined],
    [null, undefined],
    [10n, undefined],
  ])('size %s', (input, expected) => expect(parseSize(input)).toBe(expected))

  it.each([
    ['30s', 30_000],
    ['500ms', 500],
    ['5m', 300_000],
    ['7d', 604_800_000],
    ['250', 250],
    [0, 0],
    [Infinity, Infinity],
    ['', undefined],
    ['soon', undefined],
    ['-5s', undefined],
    [-1, undefined],
    [Number.NaN, undefined],
    [null, undefined],
    ['9'.repeat(101), undefined],
  ])('duration %s', (input, expected) => expect(parseDuration(input)).toBe(expected))
})

describe('options of createCache', () => {
  it('has documented defaults', () => {
    const settings = readOptions(undefined, {})
    expect(settings.name).toBe('default')
    expect(settings.shared).toMatchObject({ maxBytes: 67_108_864, maxEntries: 0, entryBytes: 256, ttl: -1, idle: -1 })
    expect(settings.near).toEqual({ maxEntries: 10_000, maxBytes: 8_388_608, maxValueBytes: 65_536, values: 'frozen' })
    expect(settings.engine).toBe('auto')
    expect(settings.given.size).toBe(0)
    expect(readOptions({}, {})).toEqual(settings)
    expect(readOptions({ maxEntries: undefined, ttl: undefined, near: undefined, disk: undefined }, {})).toEqual(
      settings,
    )
  })

  it('reads everything that it names', () => {
    const settings = readOptions(
      {
        name: 'users',
        maxBytes: '256mb',
        maxEntries: 250,
        entryBytes: '1kb',
        shards: 4,
        owners: 'auto',
        engine: 'js',
        ttl: '5m',
        idle: 1000,
        ttlJitter: 0.1,
        near: { maxEntries: 5, values: 'copy' },
        codec: 'v8',
        policy: 's3-fifo',
        hugePages: true,
        stats: 'full',
        clock: 'manual',
        seed: 7,
      },
      {},
    )
    expect(settings.shared).toEqual({
      maxBytes: 268_435_456,
      maxEntries: 250,
      entryBytes: 1024,
      shards: 4,
      owners: 'auto',
      ttl: 300_000,
      idle: 1000,
      ttlJitter: 0.1,
      codec: 'v8',
      policy: 's3-fifo',
      hugePages: true,
      stats: 'full',
      clock: 'manual',
      seed: 7n,
    })
    expect(settings.near).toEqual({ maxEntries: 5, maxBytes: 8_388_608, maxValueBytes: 65_536, values: 'copy' })
    expect(settings.engine).toBe('js')
    expect(settings.given.size).toBe(14)
    expect(readOptions({ near: false }, {}).near).toBeUndefined()
    expect(readOptions({ ttl: 0 }, {}).shared.ttl).toBe(0)
    expect(readOptions({ ttl: Infinity }, {}).shared.ttl).toBe(-1)
    expect(readOptions({ ttl: '1000y' }, {}).shared.ttl).toBeGreaterThan(2 ** 44)
  })

  it('reports all faults at once, each with its path', () => {
    const faults = faultsOf({
      name: '',
      maxBytes: 'much',
      maxEntries: 0,
      entryBytes: 1,
      shards: 3,
      owners: 33,
      engine: 'rust',
      ttl: -1,
      idle: 0,
      ttlJitter: 2,
      near: { maxEntries: 1.5, maxBytes: 'x', values: 'deep', maxItems: 1 },
      codec: { module: './codec.mjs' },
      policy: 'lru',
      clock: 'atomic',
      seed: -1,
      disk: { path: './.cache' },
      remote: {},
      maxSize: 5,
      maxbytes: 5,
      zzzzzzzz: 1,
    })
    expect(Object.keys(faults).sort()).toEqual(
      [
        'name maxBytes maxEntries entryBytes shards owners engine ttl idle ttlJitter near.maxEntries near.maxBytes near.values',
        'near.maxItems codec policy clock seed disk remote maxSize maxbytes zzzzzzzz',
      ]
        .join(' ')
        .split(' ')
        .sort(),
    )
    expect(faults['maxSize']).toContain("did you mean 'maxBytes'?")
    expect(faults['maxbytes']).toContain("did you mean 'maxBytes'?")
    expect(faults['near.maxItems']).toContain("did you mean 'near.maxEntries'?")
    expect(faults['zzzzzzzz']).toContain('known are name, maxBytes')
    expect(faults['disk']).toContain('not available in this version')
    expect(faults['remote']).toContain('not available in this version')
    expect(faults['codec']).toContain("'msgpack'")
    expect(faults['owners']).toContain("'auto' or a whole number from 0 (none) to 32")
    expect(faults['maxBytes']).toContain("'much'")
    expect(faults['maxBytes']).toContain('256mb')
    expect(faults['ttl']).toContain('30s')
  })

  it.each([null, 5, 'x', true, () => 1])('refuses %s instead of an object', (options) => {
    expect(faultsOf(options)).toHaveProperty('(options)')
  })

  it('refuses near values that are neither false nor an object', () => {
    for (const near of [true, 5, 'frozen', null]) expect(faultsOf({ near })['near']).toContain('use false or {')
  })

  it('never prints the inside of objects', () => {
    expect(JSON.stringify(faultsOf({ name: { password: 'hunter2' } }))).not.toContain('hunter2')
  })

  it('lets OSTRAKA_ENGINE override the engine', () => {
    expect(readOptions({ engine: 'native' }, { OSTRAKA_ENGINE: 'js' }).engine).toBe('js')
    expect(readOptions({ engine: 'native' }, { OSTRAKA_ENGINE: '' }).engine).toBe('native')
    expect(faultsOf({}, { OSTRAKA_ENGINE: 'wasm' })).toHaveProperty(['OSTRAKA_ENGINE (environment)'])
  })
})

describe('suggestions', () => {
  const known = ['maxBytes', 'maxEntries', 'ttl', 'idle', 'near']
  it.each([
    ['maxEntires', 'maxEntries'],
    ['TTL', 'ttl'],
    ['max', 'maxEntries'],
    ['stdTTL', 'ttl'],
    ['nera', 'near'],
    ['banana', undefined],
  ])('%s → %s', (typed, meant) => expect(suggest(typed, known)).toBe(meant))
})

describe('options of a second thread', () => {
  const existing = readOptions({ maxBytes: '1mb', ttl: '5m', seed: 5 }, {}).shared

  it('accepts the same, fewer, none, and an own engine or near cache', () => {
    for (const options of [{}, { ttl: 300_000 }, { maxBytes: 2 ** 20, seed: 5n }, { engine: 'js', near: false }]) {
      assertSameOptions(readOptions(options, {}), existing)
    }
  })

  it('lists each difference without the seed', () => {
    const mine = readOptions({ maxBytes: '2mb', ttl: Infinity, seed: 123_456, codec: 'auto' }, {})
    expect(() => assertSameOptions(mine, existing)).toThrowError(
      expect.objectContaining({
        code: 'OSTRAKA_ERR_OPTIONS_DIFFER',
        faults: [
          { path: 'maxBytes', message: 'here 2097152, there 1048576' },
          { path: 'ttl', message: 'here none, there 300000' },
          { path: 'seed', message: 'here a fixed one, there a fixed one' },
        ].map((fault) => expect.objectContaining(fault)),
      }),
    )
  })
})
