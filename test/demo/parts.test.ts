// The parts of the demo: the workload is repeatable and what it claims to be, the origin takes its time and keeps its bound, the table fits.
import { describe, expect, test } from 'vitest'
import { demoReport, settingsReport } from '../../src/cli/demo-report.js'
import { firstBudget, scaledBudget } from '../../src/demo/calibrate.js'
import { Origin } from '../../src/demo/origin.js'
import { type ContenderResult, type DemoResult, defaultDemo, warmUpFor } from '../../src/demo/run.js'
import { bodyOf, demoRequests, keyOf, meanBytes, workload } from '../../src/demo/workload.js'

describe('workload', () => {
  const requests = demoRequests(400_000, 1)
  const isRow = (request: number) => keyOf(request).startsWith('row/')

  test('the same seed gives the same requests, another seed others', () => {
    const hash = (list: Uint32Array) => Buffer.from(list.buffer).toString('base64')
    expect(hash(demoRequests(20_000, 7))).toBe(hash(demoRequests(20_000, 7)))
    expect(hash(demoRequests(20_000, 8))).not.toBe(hash(demoRequests(20_000, 7)))
    // A longer list begins as a shorter one: every contender sees the same requests, however far it gets.
    expect([...demoRequests(20_000, 1)]).toEqual([...requests.subarray(0, 20_000)])
  })

  test('scans have their share, and read row after row', () => {
    const rows = [...requests].filter(isRow)
    expect(rows.length / requests.length).toBeGreaterThan(workload.scans * 0.7)
    expect(rows.length / requests.length).toBeLessThan(workload.scans * 1.3)
    expect(rows.slice(0, 100).map(keyOf)).toEqual(Array.from({ length: 100 }, (_, i) => `row/${i}`))
  })

  test('items follow the Zipf law, and new ones come', () => {
    const asked = new Map<number, number>()
    const items = [...requests].filter((request) => !isRow(request))
    for (const item of items) asked.set(item, (asked.get(item) ?? 0) + 1)
    const most = [...asked.values()].sort((a, b) => b - a)
    const top = most.slice(0, workload.items / 100).reduce((a, b) => a + b, 0) / items.length
    const weight = (ranks: number) =>
      Array.from({ length: ranks }, (_, i) => (i + 1) ** -workload.skew).reduce((a, b) => a + b, 0)
    // Items that lost their rank to new ones have had fewer requests than the law gives a rank.
    const law = weight(workload.items / 100) / weight(workload.items)
    expect(top).toBeGreaterThan(law * 0.9)
    expect(top).toBeLessThan(law * 1.05)
    const fresh = items.reduce((most, item) => Math.max(most, item), 0) + 1 - workload.items
    expect(fresh / items.length).toBeGreaterThan(workload.churn * 0.5)
    expect(fresh / items.length).toBeLessThan(workload.churn * 1.2)
  })

  test('a key has one body, of log-normal size', () => {
    const sizes = Array.from({ length: 20_000 }, (_, i) => bodyOf(`item/${i}`)!.length).sort((a, b) => a - b)
    expect(sizes[10_000]! / workload.medianBytes).toBeCloseTo(1, 1)
    expect(sizes.reduce((a, b) => a + b, 0) / sizes.length / meanBytes).toBeCloseTo(1, 1)
    // One standard deviation above the median: e times as large.
    expect(sizes[Math.floor(20_000 * 0.8413)]! / workload.medianBytes).toBeCloseTo(Math.E, 0)
    expect(bodyOf('item/17')).toBe(bodyOf('item/17'))
    expect(JSON.parse(bodyOf('row/17')!)).toMatchObject({ key: 'row/17' })
    for (const key of ['', 'item/', 'item/x', 'item/1/2', 'page/1', 'item/12345678901']) {
      expect(bodyOf(key), key).toBeUndefined()
    }
  })
})

describe('origin', () => {
  test('does so many loads at once, counts each, and answers with the body', async () => {
    const origin = new Origin({ concurrency: 3, median: 2, sigma: 0.3, seed: 1 })
    const keys = Array.from({ length: 20 }, (_, i) => `item/${i}`)
    const bodies = await Promise.all(keys.map((key) => origin.load(key)))
    expect(bodies).toEqual(keys.map(bodyOf))
    expect(origin.loads).toBe(20)
    expect(origin.mostRunning).toBe(3)
    expect(await origin.load('nothing')).toBeUndefined()
  })

  test('its times are log-normal around the median, and repeatable', () => {
    const settings = { concurrency: 1, median: 8, sigma: 0.6, seed: 5 }
    const times = (origin: Origin) => Array.from({ length: 5001 }, () => origin.latency())
    const drawn = times(new Origin(settings))
    expect(times(new Origin(settings))).toEqual(drawn)
    const sorted = [...drawn].sort((a, b) => a - b)
    expect(sorted[2500]! / 8).toBeCloseTo(1, 1)
    expect(sorted[Math.floor(5000 * 0.8413)]! / (8 * Math.exp(0.6))).toBeCloseTo(1, 1)
  })
})

test('budgets scale with the memory that is wanted', () => {
  const lru = { contender: 'lru-cache', budget: 1000, resident: 2_000_000, entries: 1000 } as const
  expect(scaledBudget(lru, 3_000_000)).toBe(1500)
  expect(scaledBudget({ ...lru, contender: 'js', budget: 64 * 65_536 }, 1_000_000)).toBe(32 * 65_536)
  expect(firstBudget('native', 5_000_000, 2)).toBe(5_000_000)
  expect(firstBudget('lru-cache', 5_000_000, 4)).toBeLessThan(5_000_000 / 4 / meanBytes)
})

describe('report', () => {
  const row = (contender: ContenderResult['contender'], factor: number): ContenderResult => ({
    contender,
    budget: 64 * 2 ** 20,
    entries: 70_000,
    requests: 400_000 * factor,
    requestsPerSecond: 48_000 * factor,
    latency: { p50: 5.04, p99: 50.06, p999: 766.4 },
    hits: 86_100,
    misses: 13_900,
    hitRatio: 0.861,
    originLoads: 13_900,
    loadsPerThousand: 139 / factor,
    longestPause: 26.4,
    resident: 164 * 2 ** 20,
    residentPeak: 1213 * 2 ** 20,
    wrong: 0,
    failed: 0,
  })
  const settings = { ...defaultDemo, threads: 2, warmUp: warmUpFor(defaultDemo.maxBytes) }
  const result: DemoResult = {
    settings,
    origin: { concurrency: 10, median: 8, sigma: 0.6, seed: 1 },
    calibrations: [{ contender: 'js', budget: 64 * 2 ** 20, resident: 66 * 2 ** 20, entries: 70_000 }],
    contenders: [row('js', 1), row('lru-cache', 0.5), { ...row('none', 0.1), hitRatio: 0, hits: 0 }],
    skipped: [
      {
        contender: 'native',
        reason: 'The native engine cannot be loaded here: the package ostraka-linux-x64-gnu is not installed',
      },
    ],
    singleThread: {
      objects: 1000,
      times: [
        { contender: 'js', get: 200, set: 2500 },
        { contender: 'lru-cache', get: 50, set: 100 },
      ],
    },
    seconds: 60,
  }

  test('fits into 80 columns, says why a contender is missing, and what is 0.50 times', () => {
    const text = `${settingsReport(settings)}\n${demoReport(result)}`
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
    const [header, ...rows] = text
      .split('\n')
      .filter((line) => /req\/s|^(shared, pure JS|lru-cache × 2|no cache) /.test(line))
    expect(header).toMatch(/req\/s +p50 +p99 +p99\.9 +hit % +loads +\/1000 +pause +MiB +peak$/)
    expect(rows[0]).toMatch(/^shared, pure JS +48,000 +5\.0 +50 +766 +86\.1 +13,900 +139 +26 +164 +1213$/)
    // Columns of numbers end where their names end.
    for (const line of rows.slice(0, 3)) expect(line.length).toBe(header!.length)
    expect(text).toContain('shared, native: left out, The native engine cannot be loaded here')
    expect(text.replaceAll('\n', ' ')).toContain('made 0.50× the origin loads')
    expect(text).toMatch(/shared, pure JS +200 ns +4\.0× +2\.5 µs +25\.0×/)
    expect(text).toContain('Where sharing does not pay')
    expect(text).toContain('take lru-cache')
  })

  test('claims no loss where there was none', () => {
    const times = [
      { contender: 'native' as const, get: 40, set: 90 },
      { contender: 'lru-cache' as const, get: 50, set: 100 },
    ]
    const text = demoReport({ ...result, singleThread: { objects: 1000, times } })
    expect(text).not.toContain('does not pay')
    expect(text).not.toContain('take lru-cache')
  })
})
