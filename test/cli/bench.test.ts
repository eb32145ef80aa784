// The bench command: what it lists, what it refuses, a suite from beginning to end, and reports made of an earlier result.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { ostraka } from './run.js'

const folder = mkdtempSync(join(tmpdir(), 'ostraka-bench-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string) => join(folder, name)

test('--list names suites and rivals', async () => {
  const { code, stdout } = await ostraka(['bench', '--list', '--json', file('list.json')])
  expect(code).toBe(0)
  const { suites, rivals } = JSON.parse(readFileSync(file('list.json'), 'utf8')) as {
    suites: { name: string }[]
    rivals: string[]
  }
  for (const name of [...suites.map(({ name }) => name), ...rivals])
    expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'))
  expect(suites.length).toBeGreaterThan(8)
})

test.each([
  [['micra'], 'suite: "micra" is unknown; did you mean micro?'],
  [['--rivals', 'lru'], '--rivals: "lru" is unknown'],
  [['--engine', 'rust'], '--engine: "rust" is unknown; there are native, js'],
  [['--precision', '0'], '--precision must be a percentage above 0'],
  [['--budget', 'long'], '--budget long: use'],
  [['--threads', '0'], '--threads must be a whole number from 1'],
  [['--traces', '/nowhere/at/all'], '--traces: '],
  [['--from', '/nowhere/at/all'], '/nowhere/at/all cannot be read'],
])('%j is refused before anything runs', async (args, message) => {
  const { code, stderr } = await ostraka(['bench', ...args])
  expect(stderr).toContain(message)
  expect(code).toBe(2)
})

test('a suite, kept, compared with itself, and shown', async () => {
  const args = ['bench', 'engines', 'smoke', '--engine', 'both', '--rivals', 'none']
  const { code, stdout } = await ostraka([
    ...args,
    '--json',
    file('one.json'),
    '--history',
    file('history'),
    '--html',
    file('one.html'),
  ])
  expect(code).toBe(0)
  const report = JSON.parse(readFileSync(file('one.json'), 'utf8')) as {
    format: string
    environment: { node: string; machine: string }
    suites: {
      suite: string
      rows: { case: string; measures: { time: { value: number; samples: number[] } } }[]
      skipped: unknown[]
    }[]
  }
  expect(report).toMatchObject({ format: 'ostraka-bench', environment: { node: process.version } })
  const [suite] = report.suites
  expect(suite!.suite).toBe('engines')
  // Without the native engine it says so, and has nothing to compare.
  if (suite!.rows.length === 0) expect(suite!.skipped.length).toBeGreaterThan(0)
  for (const { measures } of suite!.rows) expect(measures.time.value).toBeGreaterThan(0)
  expect(stdout).toContain('engines: The native engine against pure JavaScript')
  expect(readFileSync(file('one.html'), 'utf8')).toContain('</html>')

  const again = await ostraka([
    'bench',
    '--from',
    file('one.json'),
    '--compare',
    file('one.json'),
    '--markdown',
    file('one.md'),
  ])
  expect(again.code).toBe(0)
  expect(again.stdout).toContain('Compared with the earlier result')
  expect(readFileSync(file('one.md'), 'utf8')).toMatch(/^# Benchmarks\n/)

  // The same result with one figure three times as good before: now it is worse.
  const better = structuredClone(report)
  for (const { measures } of better.suites[0]!.rows) {
    measures.time.samples = [1, 1.01, 0.99, 1, 1.02].map((factor) => factor * measures.time.value)
  }
  const worse = structuredClone(better)
  for (const { measures } of worse.suites[0]!.rows.slice(0, 1))
    measures.time.samples = measures.time.samples.map((sample) => sample * 3)
  writeFileSync(file('better.json'), JSON.stringify(better))
  writeFileSync(file('worse.json'), JSON.stringify(worse))
  const judged = await ostraka(['bench', '--from', file('worse.json'), '--compare', file('better.json')])
  if (suite!.rows.length > 0) {
    expect(judged.stdout).toMatch(/worse +3\.00×/)
    expect(judged.code).toBe(1)
  }
})

test('--compare latest needs a history', async () => {
  writeFileSync(file('empty.json'), JSON.stringify({ format: 'ostraka-bench', version: 2 }))
  const { code, stderr } = await ostraka(['bench', '--from', file('empty.json')])
  expect([code, stderr.includes('is no result of ostraka bench that this version reads')]).toEqual([2, true])
})

test('--figures says that it needs the repository where there is none', async () => {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  for (const name of ['dist', 'package.json'])
    cpSync(join(root, name), join(folder, 'installed', name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'installed', 'node_modules'), 'junction')
  const main = join(folder, 'installed', 'dist', 'cli', 'main.js')
  const { code, stderr } = await ostraka(['bench', '--figures'], {}, 60_000, main)
  expect(stderr).toContain('bench/figures.mjs is not part of the installed package')
  expect(code).toBe(2)
})
