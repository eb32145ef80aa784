// The demo as a newcomer runs it, short and small: what it prints, what it writes, how it serves and how it ends.
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, expect, test } from 'vitest'
import type { DemoResult } from '../../src/demo/run.js'
import { bodyOf } from '../../src/demo/workload.js'
import { ostraka } from '../cli/run.js'
import { temporaryFolder } from '../traces/fixtures.js'

const folder = temporaryFolder()
/** Milliseconds; it takes some 20 s on two idle cores. */
const watchdog = 110_000
const small = ['--seconds', '1', '--max-bytes', '8mb']
const root = fileURLToPath(new URL('../../', import.meta.url))
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

const doctor = JSON.parse((await ostraka(['doctor', '--json', '-'])).stdout) as {
  engine: { native: { runs: boolean } }
}
const shared = doctor.engine.native.runs ? ['native', 'js'] : ['js']

const started: ChildProcess[] = []
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})
afterAll(() => folder.remove())

test('compares all that runs here', async () => {
  const json = join(folder.write('marker', ''), '..', 'demo.json')
  const { code, stdout, stderr } = await ostraka(['demo', ...small, '--json', json], {}, watchdog)
  expect(stderr.replaceAll(/^demo: .*\n/gm, '')).toBe('')
  expect(code).toBe(0)
  for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there when nobody looks at a terminal
  expect(stdout + stderr).not.toMatch(/[\x00-\x09\x0b-\x1f]/)
  for (const row of ['shared, pure JS', 'lru-cache × 2', 'no cache']) {
    expect(stdout).toMatch(new RegExp(`^${row} +[\\d,]+ +[\\d.]+ `, 'm'))
  }
  expect(stdout).toMatch(/^(Where sharing|lru-cache +\d)/m)

  const result = JSON.parse(readFileSync(json, 'utf8')) as DemoResult
  expect(result.settings).toMatchObject({ threads: 2, seconds: 1, seed: 1, maxBytes: 8 * 2 ** 20 })
  expect(result.contenders.map(({ contender }) => contender)).toEqual([...shared, 'lru-cache', 'none'])
  expect(result.skipped.map(({ contender }) => contender)).toEqual(shared.length === 2 ? [] : ['native'])
  for (const row of result.contenders) {
    expect(row).toMatchObject({ wrong: 0, failed: 0 })
    expect(row.requests).toBeGreaterThan(50)
    expect(row.hits + row.misses).toBe(row.requests)
    expect(row.hitRatio).toBeCloseTo(row.hits / row.requests, 9)
    expect(row.latency.p50).toBeLessThanOrEqual(row.latency.p99)
    expect(row.latency.p99).toBeLessThanOrEqual(row.latency.p999)
    expect(row.resident).toBeGreaterThan(20 * 2 ** 20)
    // Each miss loads, or waits for a load of the same key that is under way.
    expect(row.originLoads).toBeLessThanOrEqual(row.misses)
    expect(row.originLoads).toBeGreaterThan(row.misses * 0.7)
  }
  const none = result.contenders.at(-1)!
  expect(none).toMatchObject({ hits: 0, hitRatio: 0, originLoads: none.requests, loadsPerThousand: 1000 })
  for (const row of result.contenders.slice(0, -1)) expect(row.hitRatio).toBeGreaterThan(0.2)
  expect(result.calibrations.map(({ contender }) => contender)).toEqual([...shared, 'lru-cache'])
})

/** The package as it is installed for production: built files and dependencies, nothing else within reach. */
function installedAlone(): string {
  const place = join(folder.write('marker', ''), '..', 'installed')
  mkdirSync(join(place, 'node_modules'), { recursive: true })
  for (const part of ['dist', 'package.json']) cpSync(join(root, part), join(place, part), { recursive: true })
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object }
  for (const name of Object.keys(dependencies)) {
    cpSync(join(root, 'node_modules', name), join(place, 'node_modules', name), { recursive: true })
  }
  return join(place, 'dist', 'cli', 'main.js')
}

test('without the native engine and lru-cache, their rows say why and the others run', async () => {
  const env = { OSTRAKA_ADDON: '/nowhere/o.node' }
  const args = ['demo', '--seconds', '1', '--max-bytes', '4mb', '--json', '-']
  const { code, stdout, stderr } = await ostraka(args, env, watchdog, installedAlone())
  expect(code, stderr).toBe(0)
  const { contenders, skipped } = JSON.parse(stdout) as DemoResult
  expect(contenders.map(({ contender }) => contender)).toEqual(['js', 'none'])
  expect(skipped).toEqual([
    { contender: 'native', reason: expect.stringContaining('/nowhere/o.node') },
    { contender: 'lru-cache', reason: 'it is not installed; to compare: npm install lru-cache' },
  ])
  // What is for people went to stderr.
  expect(stderr).toContain('shared, native: left out,')
  expect(stderr).toContain('lru-cache × 2: left out, it is not installed; to compare: npm install lru-cache\n')
})

function start(...args: readonly string[]): {
  child: ChildProcess
  said: () => string
  until: (what: RegExp) => Promise<void>
  ended: Promise<number | null>
} {
  const child = spawn(process.execPath, [main, 'demo', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  started.push(child)
  let text = ''
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      for (const listener of listeners) listener()
    })
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const until = (what: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (what.test(text)) resolve()
      }
      listeners.add(look)
      void ended.then(() => reject(new Error(`it ended before it said ${what}: ${text}`)))
      look()
    })
  return { child, said: () => text, until, ended }
}

test('--serve answers from one cache in every thread, until it is told to end', async () => {
  const { child, said, until, ended } = start('--serve', '--seconds', '0', '--threads', '3')
  await until(/ports +\d+ \d+ \d+\n/)
  const ports = /ports +([\d ]+)\n/.exec(said())![1]!.split(' ')
  const ask = async (port: string, path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/${path}`)
    return { status: response.status, cached: response.headers.get('x-cache'), body: await response.text() }
  }
  expect(await ask(ports[0]!, 'item/7')).toEqual({ status: 200, cached: 'miss', body: bodyOf('item/7') })
  for (const port of ports)
    expect(await ask(port, 'item/7')).toEqual({ status: 200, cached: 'hit', body: bodyOf('item/7') })
  expect(await ask(ports[1]!, 'nothing/here')).toMatchObject({ status: 404 })
  expect(JSON.parse((await ask(ports[2]!, 'stats')).body)).toMatchObject({ size: 1, hits: 3 })
  child.kill('SIGINT')
  expect(await ended).toBe(0)
})

test('Ctrl-C in the middle ends it with all its processes', async () => {
  const { child, until, ended } = start('--seconds', '600', '--max-bytes', '4mb')
  // By then a process of a contender is at work.
  await until(/demo: +\d+ %, /)
  child.kill('SIGINT')
  expect(await ended).toBe(130)
  // Its standard error, which they share, is closed only when the last of them has gone.
})

test.each([
  [['--seconds', '0'], '--seconds must be a whole number from 1 to 600'],
  [['--threads', '0'], '--threads must be a whole number from 1 to 32'],
  [['--max-bytes', '1mb'], '--max-bytes 1mb: use from 4mb to 4gb'],
  [['--serves'], 'demo has no option --serves; did you mean --serve?'],
])('%j is refused', async (args, message) => {
  const { code, stderr } = await ostraka(['demo', ...args])
  expect(code).toBe(2)
  expect(stderr).toContain(message)
})
