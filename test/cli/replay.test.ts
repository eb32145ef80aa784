// Replays as child processes: what they count agrees with what the trace asks for, in either engine, over one thread or several.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import type { ReplayResult } from '../../src/replay/run.js'
import { oracleRecord, temporaryFolder } from '../traces/fixtures.js'
import { ostraka } from './run.js'

const folder = temporaryFolder()
afterAll(() => folder.remove())

interface Results {
  readonly ostraka: string
  readonly runs: readonly ReplayResult[]
  readonly skipped: readonly { engine: string; reason: string }[]
}

async function replay(...args: readonly string[]): Promise<Results> {
  const { code, stdout, stderr } = await ostraka(['replay', '--json', '-', ...args])
  if (code !== 0) throw new Error(`exit code ${code}\n${stderr}`)
  return JSON.parse(stdout) as Results
}

const doctor = JSON.parse((await ostraka(['doctor', '--json', '-'])).stdout) as {
  engine: { native: { runs: boolean } }
}
const engines = doctor.engine.native.runs ? ['native', 'js'] : ['js']

/** Twelve keys in a loop: all fit, so that only the first round misses. */
const loop = folder.write('loop.csv', `key\n${Array.from({ length: 6000 }, (_, i) => `key-${i % 12}`).join('\n')}\n`)

describe.each(engines)('%s', (engine) => {
  test('every hit, miss and byte is counted', async () => {
    const { runs } = await replay(loop, '--engine', engine, '--value-bytes', '1kb')
    expect(runs).toHaveLength(1)
    expect(runs[0]).toMatchObject({
      trace: 'loop',
      format: 'csv',
      requests: 6000,
      keys: 12,
      engine,
      threads: 1,
      policy: 'adaptive',
      maxBytes: 64 * 2 ** 20,
      valueBytes: 1024,
      gets: 6000,
      hits: 5988,
      sets: 12,
      notKept: 0,
      deletes: 0,
      wrongValues: 0,
      entries: 12,
      evictions: 0,
      expired: 0,
      hitRatio: 5988 / 6000,
      byteHitRatio: 5988 / 6000,
    })
    const [run] = runs
    expect(run!.payloadPerEntry).toBeCloseTo(1024 + 'key-0'.length + 2 / 12, 5)
    expect(run!.operationsPerSecond).toBeCloseTo(6012 / run!.seconds, 0)
    expect(run!.get.samples).toBeGreaterThan(50)
    expect(run!.get.p50).toBeLessThanOrEqual(run!.get.p99)
    expect(run!.get.p99).toBeLessThanOrEqual(run!.get.p999)
    expect(run!.resident.after).toBeGreaterThan(0)
  })

  test('several threads share one cache and lose no request', async () => {
    const { runs } = await replay(loop, '--engine', engine, '--threads', '1,3')
    expect(runs.map(({ threads, gets, entries }) => [threads, gets, entries])).toEqual([
      [1, 6000, 12],
      [3, 6000, 12],
    ])
    // Threads may miss one key at the same time; with a cache of its own each would miss all twelve of them.
    for (const { hits, sets } of runs) {
      expect(hits + sets).toBe(6000)
      expect(sets).toBeLessThanOrEqual(3 * 12)
    }
  })

  test('the bound on entries holds, and the hit ratio by bytes weighs sizes', async () => {
    // Of two small keys and one large, asked for in turn, all fit; then a thousand others pass by.
    const text = Array.from({ length: 3000 }, (_, i) => `${i},${i % 3},${i % 3 === 2 ? 998 : 1}`)
    const passing = Array.from({ length: 1000 }, (_, i) => `${3000 + i},other-${i},100`)
    const file = folder.write('sized.csv.gz', gzipSync([...text, ...passing].join('\n')))
    const { runs } = await replay(file, '--engine', engine, '--max-entries', '50')
    const [run] = runs
    expect(run).toMatchObject({ gets: 4000, hits: 2997, maxEntries: 50, entries: 50, valueBytes: 'as in the trace' })
    expect(run!.evictions).toBe(1003 - 50)
    expect(run!.byteHitRatio).toBeCloseTo((999 * 1000) / (1000 * 1000 + 1000 * 100), 6)
  })

  test('operations and times to live of a trace, by its own clock', async () => {
    const lines = [
      '0,a,1,10,1,get,0', // a miss, set without expiry
      '0,b,1,10,1,set,60',
      '10,b,1,10,1,get,0', // a hit
      '59,b,1,10,1,get,0', // a hit
      '100,b,1,10,1,get,0', // expired: a miss
      '100,a,1,10,1,get,0', // a hit
      '101,a,1,10,1,delete,0',
      '102,a,1,10,1,get,0', // a miss
      '103,n,1,10,1,incr,0',
      '103,n,1,10,1,get,0', // a hit
      '104,n,1,10,1,add,0', // refused: there is one
    ]
    // A thread moves the clock once a block of 64 requests, so each request gets a block of its own here.
    const padded = lines.flatMap((line) => [line, ...Array<string>(63).fill(`${line.split(',')[0]},pad,1,1,1,set,0`)])
    const file = folder.write('ttl.csv', padded.join('\n'))
    const { runs } = await replay(file, '--engine', engine, '--trace-time', 's')
    expect(runs[0]).toMatchObject({ format: 'twitter', gets: 7, hits: 4, deletes: 1, sets: 63 * lines.length + 3 + 3 })
  })

  test('a ttl of zero keeps nothing', async () => {
    const { runs } = await replay(loop, '--engine', engine, '--ttl', '0', '--requests', '100')
    expect(runs[0]).toMatchObject({ gets: 100, hits: 0, sets: 100, notKept: 100, entries: 0 })
  })
})

test('the generated trace in every engine that runs here, as a table for people', async () => {
  const json = join(folder.write('marker', ''), '..', 'results.json')
  const args = ['--demo', '--requests', '60000', '--threads', '1,2', '--seed', '7', '--json', json]
  const { code, stdout, stderr } = await ostraka(['replay', ...args])
  expect(code).toBe(0)
  // On a busy machine some lines of progress, and nothing else.
  expect(stderr).toMatch(/^(generated, (native|js), \d threads?: \d+ %\n)*$/)
  for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
  const { runs, skipped } = JSON.parse(readFileSync(json, 'utf8')) as Results
  expect(runs.map(({ engine, threads }) => `${engine} ${threads}`)).toEqual(
    engines.flatMap((e) => [`${e} 1`, `${e} 2`]),
  )
  expect(skipped.map(({ engine }) => engine)).toEqual(engines.length === 2 ? [] : ['native'])
  for (const engine of engines) expect(stdout).toMatch(new RegExp(`^generated +${engine} +2 +\\d+\\.\\d\\d `, 'm'))
  // The same requests in the same order through the same policy: two engines over one layout agree.
  const ratios = runs.filter(({ threads }) => threads === 1).map(({ hitRatio }) => hitRatio)
  expect(Math.max(...ratios) - Math.min(...ratios)).toBeLessThan(0.002)
})

test('an engine that is named and missing is a failure, with "both" it is left out', async () => {
  const env = { OSTRAKA_ADDON: '/nowhere/ostraka.node' }
  const named = await ostraka(['replay', loop, '--engine', 'native'], env)
  expect(named.code).toBe(1)
  expect(named.stderr).toContain('OSTRAKA_ERR_ENGINE_UNAVAILABLE')
  const both = await ostraka(['replay', loop, '--engine', 'both'], env)
  expect(both.code).toBe(0)
  expect(both.stdout).toContain('Left out: ')
  expect(both.stdout).toContain('js engine (it was asked for), 1 thread')
})

test('a broken trace is named with its line and ends with exit code 2', async () => {
  const file = folder.write('broken.lis', '1 1 0 0\n1 1\n')
  const { code, stderr } = await ostraka(['replay', file])
  expect(code).toBe(2)
  expect(stderr).toContain('broken.lis: line 2: has 2 fields where an ARC line has 4')
})

test('values too large for any cache are refused and counted, not made', async () => {
  const records = [oracleRecord(0, 1n, 0xffff_ffff), oracleRecord(1, 1n, 0xffff_ffff), oracleRecord(2, 2n, 10)]
  const file = folder.write('huge.oracleGeneral', Buffer.concat(records))
  const { runs } = await replay(file, '--engine', 'js')
  expect(runs[0]).toMatchObject({
    gets: 3,
    hits: 0,
    sets: 3,
    notKept: 2,
    refused: { tooLarge: 2, noRoom: 0, paused: 0 },
    entries: 1,
  })
})

test('several traces, each through a cache of its own', async () => {
  const other = folder.write('other.lis', '1 5 0 0\n1 5 0 1\n')
  const { runs } = await replay(loop, other, '--engine', 'js')
  expect(runs.map(({ trace, hits, entries }) => [trace, hits, entries])).toEqual([
    ['loop', 5988, 12],
    ['other', 5, 5],
  ])
})
