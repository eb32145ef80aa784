// Options of loads: times, defaults, and all faults at once; early expiry; the back-off.
import { describe, expect, it } from 'vitest'
import { OstrakaError } from '../../src/errors.js'
import { Backoff } from '../../src/loading/backoff.js'
import { expiresEarly, jittered } from '../../src/loading/early-expiry.js'
import { readLoadOptions } from '../../src/loading/load-options.js'
import { readOptions } from '../../src/options/validate.js'

const defaults = { ttl: 60_000, idle: -1, ttlJitter: 0 }
const read = (options: object) => readLoadOptions(options, defaults)

describe('options of a load', () => {
  it('have defaults', () => {
    expect(readLoadOptions(undefined, defaults)).toEqual({
      ttl: 60_000,
      idle: -1,
      ttlJitter: 0,
      tags: undefined,
      grace: 0,
      softTimeout: -1,
      hardTimeout: 30_000,
      refreshAhead: 0,
      earlyExpiry: 0,
      signal: undefined,
    })
    expect(read({ ttl: undefined, grace: undefined })).toEqual(readLoadOptions(undefined, defaults))
  })

  it('take times as numbers and strings', () => {
    expect(
      read({ ttl: '5m', idle: '1h', grace: '1d', softTimeout: '200ms', hardTimeout: '2s', refreshAhead: '10s' }),
    ).toMatchObject({
      ttl: 300_000,
      idle: 3_600_000,
      grace: 86_400_000,
      softTimeout: 200,
      hardTimeout: 2000,
      refreshAhead: 10_000,
    })
    expect(read({ ttl: Number.POSITIVE_INFINITY, softTimeout: 0, ttlJitter: 0.5 })).toMatchObject({
      ttl: -1,
      softTimeout: 0,
      ttlJitter: 0.5,
    })
    expect(read({ ttl: '10s', refreshAhead: 0.2 }).refreshAhead).toBe(2000)
    expect(read({ ttl: Number.POSITIVE_INFINITY, refreshAhead: 0.2 }).refreshAhead).toBe(0)
    expect([true, false, 2].map((earlyExpiry) => read({ earlyExpiry }).earlyExpiry)).toEqual([1, 0, 2])
  })

  it('report all faults at once, each with its path and what would be right', () => {
    const wrong = {
      ttl: -1,
      idle: 0,
      ttlJitter: 2,
      tags: 'one',
      grace: 'soon',
      softTimeout: '-1s',
      hardTimeout: 0,
      refreshAhead: 0,
      earlyExpiry: 'yes',
      signal: {},
      refreshahead: 1,
    }
    let error: unknown
    try {
      read(wrong)
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(OstrakaError)
    const { code, faults } = error as OstrakaError
    expect(code).toBe('OSTRAKA_ERR_INVALID_OPTION')
    expect(faults.map(({ path }) => path).sort()).toEqual(Object.keys(wrong).sort())
    expect(faults.find(({ path }) => path === 'refreshahead')?.message).toContain("'refreshAhead'")
    expect(() => read({ tags: [''] })).toThrow(/empty/)
    expect(() => read({ tags: Array.from({ length: 300 }, (_, i) => `t${i}`) })).toThrow(/256/)
    expect(() => read({ hardTimeout: Number.POSITIVE_INFINITY })).toThrow(/hardTimeout/)
    expect(() => readLoadOptions('5m' as never, defaults)).toThrow(/object/)
  })
})

describe('bounds of loads, as options of a cache', () => {
  it('have defaults and are validated', () => {
    expect(readOptions({}, {}).loads).toEqual({ concurrency: 256, queue: 65_536 })
    expect(readOptions({ loads: { concurrency: 4 } }, {}).loads).toEqual({ concurrency: 4, queue: 65_536 })
    expect(() => readOptions({ loads: { concurrency: 0, queue: -1, size: 1 } }, {})).toThrow(
      /loads\.concurrency[\s\S]*loads\.queue[\s\S]*loads\.size/,
    )
    expect(() => readOptions({ loads: 5 }, {})).toThrow(/loads/)
  })
})

describe('early expiry', () => {
  it('comes the earlier, the longer a load takes and the higher the number', () => {
    const chance = (freshFor: number, cost: number, beta: number) => {
      let early = 0
      for (let i = 0; i < 1000; i++) if (expiresEarly(freshFor, cost, beta, i / 1000)) early++
      return early / 1000
    }
    // The share of callers is e^(−freshFor / (beta × cost)).
    expect(chance(1000, 1000, 1)).toBeCloseTo(Math.exp(-1), 2)
    expect(chance(1000, 1000, 2)).toBeCloseTo(Math.exp(-0.5), 2)
    expect(chance(100, 1000, 1)).toBeCloseTo(Math.exp(-0.1), 2)
    expect(chance(0, 1000, 1)).toBe(1)
    expect(chance(10_000, 1, 1)).toBe(0)
  })

  it('never comes where the cost is not known, or the entry has no end', () => {
    expect([
      expiresEarly(1, -1, 1, 0.999),
      expiresEarly(1, 0, 1, 0.999),
      expiresEarly(Infinity, 1000, 1000, 0.999),
    ]).toEqual([false, false, false])
  })

  it('jitter only shortens, and leaves something', () => {
    expect([jittered(1000, 0.5, 0), jittered(1000, 0.5, 1), jittered(1000, 1, 1), jittered(-1, 1, 1)]).toEqual([
      1000, 500, 1, -1,
    ])
  })
})

describe('the back-off', () => {
  it('doubles up to 30 seconds, and ends with a success', () => {
    const backoff = new Backoff()
    const rest = () => {
      backoff.failed('k', 0)
      let until = 0
      while (backoff.rests('k', until)) until += 500
      return until
    }
    expect(Array.from({ length: 8 }, rest)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
    backoff.succeeded('k')
    expect(backoff.rests('k', 0)).toBe(false)
    expect(rest()).toBe(1000)
  })

  it('is bounded', () => {
    const backoff = new Backoff()
    for (let i = 0; i < 10_000; i++) backoff.failed(`k${i}`, 0)
    expect([backoff.rests('k0', 0), backoff.rests('k9999', 0)]).toEqual([false, true])
  })
})
