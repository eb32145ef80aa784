// What is made of measured values: comparison with an earlier result, who is ahead, tables, history, and a page that needs nothing else.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { compareReports, hasRegressed } from '../../src/bench/results/compare.js'
import { earlierResults, keepResult, readResult } from '../../src/bench/results/history.js'
import { barChart, lineChart, ticks } from '../../src/bench/results/html/charts.js'
import { htmlReport } from '../../src/bench/results/html/page.js'
import { markdownReport } from '../../src/bench/results/markdown.js'
import type { BenchReport, Measure, Row } from '../../src/bench/results/result.js'
import { showValue } from '../../src/bench/results/show.js'
import { standings } from '../../src/bench/results/standing.js'
import { median } from '../../src/bench/statistics/samples.js'
import { randomFrom } from '../../src/traces/generate.js'

const random = randomFrom(21)

/** Twelve rounds around a middle, a twentieth to either side. */
function time(center: number): Measure {
  const samples = Array.from({ length: 12 }, () => center * (0.95 + 0.1 * random()))
  return { unit: 'ns', better: 'lower', samples, value: median(samples) }
}

const row = (name: string, subject: string, measure: Measure): Row => ({
  case: name,
  subject,
  ours: subject.startsWith('ostraka'),
  measures: { time: measure },
})

function report(rows: readonly Row[], more: Partial<BenchReport['environment']> = {}, scale = 'quick'): BenchReport {
  return {
    format: 'ostraka-bench',
    version: 1,
    environment: {
      date: '2026-05-04T03:02:01.000Z',
      ostraka: '1.2.3',
      commit: 'abc',
      node: 'v20.20.0',
      v8: '11',
      platform: 'linux-x64',
      cpu: 'A processor <fast> & "quoted"',
      cores: 2,
      memoryBytes: 2 ** 33,
      loadAverage: 0.1,
      machine: 'm1',
      ...more,
    },
    settings: { scale, precision: 0.05, budget: 1000, seed: 1, engines: ['js'], rivals: [], threads: [1] },
    suites: [
      {
        suite: 'micro',
        title: 'Single operations',
        notes: ['a note'],
        rows,
        charts: [],
        skipped: [{ what: 'x', reason: 'gone' }],
        seconds: 2,
      },
    ],
    seconds: 3,
  }
}

describe('comparison with an earlier result', () => {
  const before = report([
    row('get', 'ostraka js', time(100)),
    row('set', 'ostraka js', time(100)),
    row('old', 'ostraka js', time(5)),
  ])

  test('fails on what is worse for certain and by much, and on nothing else', () => {
    const after = report([
      row('get', 'ostraka js', time(130)),
      row('set', 'ostraka js', time(104)),
      row('new', 'ostraka js', time(5)),
    ])
    const comparison = compareReports(before, after)
    expect(comparison.changes.map(({ verdict }) => verdict)).toEqual(['worse', 'same'])
    expect(comparison.changes[0]!.factor).toBeCloseTo(1.3, 1)
    expect([comparison.appeared, comparison.disappeared]).toEqual([
      ['micro: new, ostraka js'],
      ['micro: old, ostraka js'],
    ])
    expect(hasRegressed(comparison)).toBe(true)
    const back = compareReports(after, before)
    expect(back.changes[0]!.verdict).toBe('better')
    expect(hasRegressed(back)).toBe(false)
  })

  test('twenty identical subjects, measured twice, have not changed', () => {
    const same = () => report(Array.from({ length: 20 }, (_, at) => row(`case ${at}`, 'ostraka js', time(100))))
    const { changes } = compareReports(same(), same(), { threshold: 0, significance: 0.01 })
    expect(changes.filter(({ verdict }) => verdict !== 'same')).toEqual([])
  })

  test('where more is better, less is worse', () => {
    const rate = (center: number): Measure => ({ ...time(center), unit: '1/s', better: 'higher' })
    const comparison = compareReports(
      report([row('a', 'ostraka js', rate(1000))]),
      report([row('a', 'ostraka js', rate(700))]),
    )
    expect(comparison.changes[0]).toMatchObject({ verdict: 'worse' })
    expect(comparison.changes[0]!.factor).toBeCloseTo(1 / 0.7, 1)
  })

  test('a single value is no ground for a verdict; another machine or scale none for a comparison', () => {
    const one = (value: number) => report([row('a', 'ostraka js', { unit: 'bytes', better: 'lower', value })])
    expect(compareReports(one(1), one(5)).changes[0]!.verdict).toBe('not known')
    const elsewhere = compareReports(before, report([row('get', 'ostraka js', time(900))], { machine: 'm2' }))
    expect([elsewhere.judged, elsewhere.changes, hasRegressed(elsewhere)]).toEqual([false, [], false])
    expect(compareReports(before, report([], {}, 'full')).judged).toBe(false)
  })
})

describe('who is ahead', () => {
  test('the best of ours against each rival, copies with copies', () => {
    const all = standings(
      report([
        row('get', 'ostraka js', time(300)),
        row('get', 'ostraka native', time(100)),
        { ...row('get', 'ostraka native, copies', time(900)), copies: true },
        row('get', 'fast', time(50)),
        row('get', 'slow', time(200)),
        { ...row('get', 'slow, copies', time(1800)), copies: true, ended: 'budget' },
        row('get', 'alike', time(100)),
      ]),
    )
    const of = (name: string) => all.find(({ rival }) => rival.subject === name)!
    expect(of('fast').factor).toBeCloseTo(0.5, 1)
    expect(of('slow').factor).toBeCloseTo(2, 0)
    expect(of('slow, copies')).toMatchObject({ ours: { subject: 'ostraka native, copies' } })
    expect([of('fast').sure, of('slow').sure]).toEqual([true, true])
    expect(Math.abs(of('alike').factor - 1)).toBeLessThan(0.05)
  })
})

describe('reports', () => {
  const rows = [row('get & <set>', 'ostraka js', time(100)), row('get & <set>', 'lru-cache', time(40))]

  test('the page needs nothing but itself, and shows what it is given as text', () => {
    const before = report(rows)
    const page = htmlReport(report(rows, { date: '2026-06-01T00:00:00.000Z' }), {
      earlier: [before],
      comparison: compareReports(before, report(rows)),
    })
    expect(page).toContain('<!doctype html>')
    expect(page).toContain('get &amp; &lt;set&gt;')
    expect(page).toContain('A processor &lt;fast&gt; &amp; &quot;quoted&quot;')
    expect(page).not.toMatch(/<script|https?:|url\(|@import|<link|src=/)
    expect(page).toContain('prefers-color-scheme: dark')
    expect(page).toContain('<polyline')
    expect(page).toContain('Where a rival is better')
    for (const element of ['svg', 'table', 'div', 'details']) {
      expect(page.split(`<${element}`).length).toBe(page.split(`</${element}>`).length)
    }
  })

  test('Markdown says where we lose', () => {
    const page = markdownReport(report(rows))
    expect(page).toMatch(/## Where we lose\n\nAhead in 0 of 1 /)
    expect(page).toMatch(/\| micro \| get & <set> \| lru-cache \| 2\.\d+× \|/)
    expect(page).toContain('Left out: x: gone')
    expect(markdownReport(report([rows[0]!]))).not.toContain('Where we lose')
  })

  test('bars: best on top, logarithmic where they differ much', () => {
    const svg = barChart([row('a', 'ostraka js', time(5000)), row('a', 'lru-cache', time(10))])
    expect(svg.indexOf('lru-cache')).toBeLessThan(svg.indexOf('ostraka js'))
    expect(svg).toContain('shorter is better; logarithmic')
    expect(barChart([])).toBe('')
  })

  test('lines leave out what cannot be drawn', () => {
    const chart = (points: [number, number][]) =>
      lineChart({
        title: 't',
        x: { label: 'n', log: true },
        y: { label: 'r', unit: '1/s' },
        series: [{ name: 's', points }],
      })
    expect(chart([[0, 1]])).toBe('')
    expect(
      chart([
        [1, 5],
        [2, Number.NaN],
        [4, 9],
      ]),
    ).not.toMatch(/NaN|Infinity/)
    expect(chart([[3, 7]])).not.toMatch(/NaN|Infinity/)
  })

  test('axes', () => {
    expect(ticks(0, 10, false)).toEqual([0, 2, 4, 6, 8, 10])
    expect(ticks(1, 1000, true)).toEqual([1, 3, 10, 30, 100, 300, 1000])
  })

  test.each([
    [5.1234, 'ns', '5.12 ns'],
    [51_234, 'ns', '51.2 µs'],
    [0.25, 'ratio', '25.0 %'],
    [2 ** 21, 'bytes', '2.00 MiB'],
    [1_500_000, '1/s', '1.50 M/s'],
    [0.02, 'ms', '20.0 µs'],
    [1.5, '×', '1.50×'],
    [12_345, 'count', '12,345'],
    [Number.NaN, 'ns', '–'],
  ] as const)('%d %s', (value, unit, text) => {
    expect(showValue(value, unit)).toBe(text)
  })
})

describe('history', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ostraka-history-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('earlier results of the same machine and scale, oldest first', () => {
    const at = (date: string, more = {}, scale = 'quick') => report([], { date, ...more }, scale)
    keepResult(folder, at('2026-02-01T00:00:00.000Z'))
    const file = keepResult(folder, at('2026-01-01T00:00:00.000Z'))
    keepResult(folder, at('2026-01-02T00:00:00.000Z', { machine: 'm2' }))
    keepResult(folder, at('2026-01-03T00:00:00.000Z', {}, 'full'))
    keepResult(folder, at('2026-09-01T00:00:00.000Z'))
    writeFileSync(join(folder, 'broken.json'), '{')
    expect(readResult(file).environment.date).toBe('2026-01-01T00:00:00.000Z')
    const found = earlierResults(folder, at('2026-03-01T00:00:00.000Z'))
    expect(found.map(({ environment }) => environment.date.slice(0, 10))).toEqual(['2026-01-01', '2026-02-01'])
    expect(earlierResults(join(folder, 'none'), at('2026-03-01T00:00:00.000Z'))).toEqual([])
    expect(() => readResult(join(folder, 'broken.json'))).toThrow(/cannot be read/)
    writeFileSync(join(folder, 'other.json'), '{"format":"x"}')
    expect(() => readResult(join(folder, 'other.json'))).toThrow(/no result of ostraka bench/)
  })
})
