// Judges the engine, not the simulator: replays the laboratory's cells (native/lab/cells.csv) through the public cache and compares each with
// what the laboratory says for the same policy and capacity, and with LRU. Needs the built package and the laboratory's program
// (cargo build --release -p ostraka-lab), or a table that it wrote.
//   node bench/judge.mjs FOLDER [--policies adaptive,clock] [--only TEXT,…] [--group nine|extra|sized] [--engine native,js] [--threads 1,2,4]
//                        [--seeds N] [--lab FILE] [--allowed POINTS] [--json FILE]
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bold, green, red, table } from '../dist/cli/text.js'
import { geometry } from '../dist/engine/create.js'
import { PolicyNumber } from '../dist/engine/layout.js'
import { replayTrace } from '../dist/replay/run.js'
import { loadTrace } from '../dist/traces/load.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const MIB = 1024 * 1024
/** Policies by the laboratory's names. Of those that are not here it knows none that the engine runs. */
const labNames = {
  adaptive: 'ours',
  's3-fifo': 's3-fifo',
  balanced: 'mode:balanced',
  frequency: 'mode:frequency',
  recency: 'mode:recency',
  clock: 'mode:clock',
  scan: 'mode:scan',
  light: 'mode:light',
}

function readCells({ only, group }) {
  const wanted = (text, list) => list === undefined || list.split(',').some((part) => text.includes(part))
  return readFileSync(join(root, 'native/lab/cells.csv'), 'utf8')
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.split(','))
    .map(([trace, capacity, unit, group]) => ({ trace, capacity: Number(capacity), bytes: unit === 'bytes', group }))
    .filter((cell) => wanted(`${cell.trace}@${cell.capacity}`, only) && wanted(cell.group, group))
}

/** What the laboratory says, in the mean of as many seeds: a function of cell and policy. */
function laboratory(folder, policies, values) {
  const seeds = values.lab === undefined ? Number(values.seeds) : 1
  const tables = Array.from({ length: seeds }, (_, seed) => labTable(folder, policies, values, seed + 1))
  const mean = (results) => ({
    hitPercent: results.reduce((sum, { hitPercent }) => sum + hitPercent, 0) / results.length,
    byteHitPercent: results.reduce((sum, { byteHitPercent }) => sum + byteHitPercent, 0) / results.length,
  })
  return (cell, policy) => {
    const found = tables.map((table) => table.get(`${cell.trace}@${cell.capacity}`)).filter((one) => one !== undefined)
    const result = (name) => {
      const results = found.map(({ results }) => results[name]).filter((one) => one !== undefined)
      return results.length === 0 ? undefined : mean(results)
    }
    return { lru: result('lru'), lab: result(labNames[policy]), requests: found[0]?.requests }
  }
}

function labTable(folder, policies, { lab, only, group }, seed) {
  let file = lab
  let made
  if (file === undefined) {
    const program = join(root, 'target/release/ostraka-lab')
    if (!existsSync(program)) throw new Error('build the laboratory first: cargo build --release -p ostraka-lab')
    made = mkdtempSync(join(tmpdir(), 'ostraka-judge-'))
    file = join(made, 'table.json')
    const names = ['lru', ...policies.map((policy) => labNames[policy])]
    const args = ['table', '--traces', folder, '--policies', names.join(','), '--json', file]
    if (only) args.push('--only', [...new Set(only.split(',').map((part) => part.split('@')[0]))].join(','))
    if (group) args.push('--group', group)
    args.push('--seed', String(seed))
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] })
    if (status !== 0) throw new Error(`the laboratory failed: ${stderr}`)
  }
  const { cells } = JSON.parse(readFileSync(file, 'utf8'))
  if (made !== undefined) rmSync(made, { recursive: true })
  return new Map(cells.map((cell) => [`${cell.trace}@${cell.capacity}`, cell]))
}

function fileOf(folder, trace) {
  for (const ending of ['.lis.gz', '.csv.gz', '.lis', '.csv']) {
    const file = join(folder, trace + ending)
    if (existsSync(file)) return file
  }
  throw new Error(`${folder} holds no trace ${trace}`)
}

/** As in the reference figures, a key that is seen with another size is another object. */
function keyedBySize(trace) {
  if (trace.sizes === undefined) return trace
  const numbers = new Map()
  const ids = new Uint32Array(new SharedArrayBuffer(trace.requests * 4))
  for (let i = 0; i < trace.requests; i++) {
    const name = trace.ids[i] * 2 ** 31 + trace.sizes[i]
    const number = numbers.get(name) ?? numbers.size
    numbers.set(name, number)
    ids[i] = number
  }
  const texts = Array.from({ length: numbers.size }, (_, number) => number.toString(36))
  const keyOffsets = new Uint32Array(new SharedArrayBuffer((texts.length + 1) * 4))
  texts.forEach((text, at) => {
    keyOffsets[at + 1] = keyOffsets[at] + text.length
  })
  const keyBytes = new Uint8Array(new SharedArrayBuffer(keyOffsets[texts.length] || 1))
  keyBytes.set(Buffer.from(texts.join('')))
  return { ...trace, ids, keys: texts.length, keyBytes, keyOffsets }
}

/** The smallest bound under which the cache's records have as much room as the cell says; index and policy come on top, as with any cache. */
function boundFor(bytes, policy) {
  for (let maxBytes = Math.max(MIB, bytes); ; maxBytes = Math.ceil(maxBytes * 1.01)) {
    const { shards, shard } = geometry({ maxBytes, policy })
    if (shards * shard.segments * shard.segmentBytes >= bytes) return maxBytes
  }
}

async function measure(trace, cell, policy, engine, threads, seed) {
  const common = { engine, policy, near: false, seed }
  let result
  if (cell.bytes) {
    const cache = { ...common, maxBytes: boundFor(cell.capacity, PolicyNumber[policy]) }
    result = await replayTrace(trace, { cache, threads })
  } else {
    result = await replayTrace(trace, { cache: { ...common, maxEntries: cell.capacity }, threads, valueBytes: 8 })
  }
  return { hit: result.hitRatio * 100, byteHit: result.byteHitRatio * 100, seconds: result.seconds }
}

/** Mean share of LRU's misses removed, and the worst of what else was promised. */
function summary(results) {
  const removed = ({ hit, lru }) => (100 * (hit - lru)) / (100 - lru)
  const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length
  const least = (list) => (list.length === 0 ? undefined : list.reduce((a, b) => (b.value < a.value ? b : a)))
  const below = (list) =>
    least(list.map((cell) => ({ value: cell.hit - cell.lru, cell: `${cell.trace}@${cell.capacity}` })))
  const counted = results.filter(({ group, lru }) => group === 'nine' && lru < 100)
  const sized = results.filter(({ group }) => group === 'sized')
  return {
    cells: results.length,
    missesRemoved: counted.length > 0 ? mean(counted.map(removed)) : undefined,
    missesRemovedInLab:
      counted.length > 0 ? mean(counted.map(({ lab, lru }) => removed({ hit: lab, lru }))) : undefined,
    worstBelowLru: {
      long: below(results.filter(({ requests, group }) => group !== 'sized' && requests >= 100_000)),
      short: below(results.filter(({ requests, group }) => group !== 'sized' && requests < 100_000)),
    },
    furthestFromLab: results.reduce((worst, { difference }) => Math.max(worst, Math.abs(difference)), 0),
    meanFromLab: mean(results.map(({ difference }) => Math.abs(difference))),
    sized:
      sized.length === 0
        ? undefined
        : {
            hit: mean(sized.map(({ hit }) => hit)),
            byteHit: mean(sized.map(({ byteHit }) => byteHit)),
            lab: mean(sized.map(({ lab }) => lab)),
          },
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      policies: { type: 'string', default: 'adaptive' },
      only: { type: 'string' },
      group: { type: 'string' },
      engine: { type: 'string', default: 'native' },
      threads: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '1' },
      lab: { type: 'string' },
      allowed: { type: 'string', default: '0.5' },
      json: { type: 'string' },
    },
  })
  const folder = positionals[0] ?? process.env.OSTRAKA_TRACES
  if (folder === undefined) throw new Error('name the folder of the traces, or set OSTRAKA_TRACES')
  const policies = values.policies.split(',')
  for (const policy of policies) if (!(policy in labNames)) throw new Error(`no policy ${policy}`)
  const print = (text) => (values.json === '-' ? process.stderr : process.stdout).write(`${text}\n`)
  const cells = readCells(values)
  const asked = laboratory(folder, policies, values)
  const allowed = Number(values.allowed)

  const results = []
  let loaded
  for (const cell of cells) {
    const name = cell.trace
    if (loaded?.name !== name) {
      const trace = await loadTrace(fileOf(folder, cell.trace))
      loaded = { name, trace: keyedBySize(trace) }
    }
    for (const policy of policies) {
      const { lab, lru, requests } = asked(cell, policy)
      if (lab === undefined || lru === undefined) continue
      for (const engine of values.engine.split(',')) {
        for (const threads of values.threads.split(',').map(Number)) {
          const runs = []
          for (let seed = 1; seed <= Number(values.seeds); seed++) {
            runs.push(await measure(loaded.trace, cell, policy, engine, threads, seed))
            process.stderr.write('.')
          }
          const mean = (of) => runs.reduce((sum, run) => sum + of(run), 0) / runs.length
          const hit = mean((run) => run.hit)
          results.push({
            ...cell,
            policy,
            engine,
            threads,
            requests,
            hit,
            hits: runs.map((run) => run.hit),
            byteHit: mean((run) => run.byteHit),
            seconds: mean((run) => run.seconds),
            lab: lab.hitPercent,
            labByteHit: lab.byteHitPercent,
            lru: lru.hitPercent,
            difference: hit - lab.hitPercent,
          })
        }
      }
    }
  }
  process.stderr.write('\n')

  const signed = (value) => `${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(2)}`
  print(
    table(
      ['cell', 'policy', 'engine', '>threads', '>hit %', '>lab', '>off by', '>lru', '>s'],
      results.map((cell) => [
        `${cell.trace}@${cell.capacity}${cell.bytes ? ' B' : ''}`,
        cell.policy,
        cell.engine,
        String(cell.threads),
        cell.hit.toFixed(2),
        cell.lab.toFixed(2),
        (Math.abs(cell.difference) <= allowed ? green : red)(signed(cell.difference)),
        cell.lru.toFixed(2),
        cell.seconds.toFixed(1),
      ]),
    ),
  )
  const summaries = []
  for (const policy of policies) {
    for (const engine of values.engine.split(',')) {
      for (const threads of values.threads.split(',').map(Number)) {
        const mine = results.filter(
          (cell) => cell.policy === policy && cell.engine === engine && cell.threads === threads,
        )
        if (mine.length === 0) continue
        const all = summary(mine)
        summaries.push({ policy, engine, threads, ...all })
        const worst = ({ value, cell } = {}) => (cell === undefined ? '–' : `${signed(value)} (${cell})`)
        print(
          `\n${bold(`${policy}, ${engine}, ${threads} thread${threads === 1 ? '' : 's'}`)}: ${all.cells} cells\n` +
            (all.missesRemoved === undefined
              ? ''
              : `  of LRU's misses removed ${all.missesRemoved.toFixed(2)} % (laboratory ${all.missesRemovedInLab.toFixed(2)} %)\n`) +
            `  against LRU at worst ${worst(all.worstBelowLru.long)} from 100 k requests on, ${worst(all.worstBelowLru.short)} below\n` +
            `  from the laboratory ${all.meanFromLab.toFixed(2)} points in the mean, ${all.furthestFromLab.toFixed(2)} at most` +
            (all.sized === undefined
              ? ''
              : `\n  by bytes ${all.sized.hit.toFixed(2)} % of objects (laboratory ${all.sized.lab.toFixed(2)}), ${all.sized.byteHit.toFixed(2)} % of bytes`),
        )
      }
    }
  }
  const far = results.filter(({ difference }) => Math.abs(difference) > allowed).length
  print(
    `\n${bold(far === 0 ? green(`All ${results.length} cells are within ${allowed} points.`) : red(`${far} of ${results.length} cells are further than ${allowed} points off.`))}`,
  )
  if (values.json !== undefined) {
    const text = `${JSON.stringify({ cells: results, summaries }, null, 2)}\n`
    if (values.json === '-') process.stdout.write(text)
    else writeFileSync(values.json, text)
  }
  return far === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`judge: ${error.message}\n`)
  process.exitCode = 2
}
