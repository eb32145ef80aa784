// The gate for the eviction policy: replays traces with reference hit ratios through the public cache, one thread, S3-FIFO, bounded
// by entries, and compares. Ends with exit code 1 when a cell is off by more than it may be. Needs the built package.
//   node bench/gate.mjs FOLDER [--reference FILE] [--traces a,b] [--engine native,js] [--seeds N] [--json FILE]
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bold, green, red, table } from '../dist/cli/text.js'
import { replayTrace } from '../dist/replay/run.js'
import { loadTrace } from '../dist/traces/load.js'

const defaultTraces = ['arc-oltp', 'arc-p3', 'cache2k-web12', 'lirs-multi1', 'scarab-recs']

/** Points of hit ratio that a cell may be off; undefined: too small to be judged, a few entries decide everything. */
function tolerance(capacity) {
  if (capacity >= 500) return 1
  return capacity >= 100 ? 2 : undefined
}

function referenceCells(file, names) {
  const lines = readFileSync(file, 'utf8').trim().split(/\r?\n/)
  if (lines[0] !== 'trace,capacity,policy,hit_pct') throw new Error(`${file}: line 1 is not the header of a reference`)
  return lines
    .slice(1)
    .map((line) => line.split(','))
    .filter(([trace, , policy]) => policy === 's3-fifo' && names.includes(trace))
    .map(([trace, capacity, , hit]) => ({ trace, capacity: Number(capacity), reference: Number(hit) }))
}

function fileOf(folder, trace) {
  for (const ending of ['.lis.gz', '.csv.gz', '.lis', '.csv']) {
    const file = join(folder, trace + ending)
    if (existsSync(file)) return file
  }
  throw new Error(`${folder} holds no trace ${trace}`)
}

async function judge(trace, { capacity, reference }, engine, seeds) {
  const ratios = []
  for (let seed = 1; seed <= seeds; seed++) {
    const cache = { engine, maxEntries: capacity, policy: 's3-fifo', near: false, seed }
    const result = await replayTrace(trace, { cache, threads: 1, valueBytes: 8 })
    ratios.push(result.hitRatio * 100)
  }
  // The seed decides the index only, so one that is far off is a fault: the worst counts.
  const worst = ratios.reduce((a, b) => (Math.abs(b - reference) > Math.abs(a - reference) ? b : a))
  const difference = worst - reference
  const allowed = tolerance(capacity)
  return {
    trace: trace.name,
    capacity,
    engine,
    reference,
    hit: worst,
    difference,
    allowed,
    held: allowed === undefined || Math.abs(difference) <= allowed,
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      reference: { type: 'string' },
      traces: { type: 'string', default: defaultTraces.join(',') },
      engine: { type: 'string', default: 'native,js' },
      seeds: { type: 'string', default: '1' },
      json: { type: 'string' },
    },
  })
  const folder = positionals[0] ?? process.env.OSTRAKA_TRACES
  if (folder === undefined) throw new Error('name the folder of the traces, or set OSTRAKA_TRACES')
  const names = values.traces.split(',')
  const cells = referenceCells(values.reference ?? join(folder, 'reference.csv'), names)
  const print = (text) => (values.json === '-' ? process.stderr : process.stdout).write(`${text}\n`)

  const results = []
  for (const name of names) {
    const mine = cells.filter((cell) => cell.trace === name).sort((a, b) => a.capacity - b.capacity)
    if (mine.length === 0) throw new Error(`the reference has no s3-fifo cell for ${name}`)
    const trace = await loadTrace(fileOf(folder, name))
    for (const cell of mine) {
      for (const engine of values.engine.split(',')) {
        results.push(await judge(trace, cell, engine, Number(values.seeds)))
        process.stderr.write('.')
      }
    }
  }
  process.stderr.write('\n')

  print(
    table(
      ['trace', '>capacity', 'engine', '>reference', '>hit %', '>off by', '>allowed', 'verdict'],
      results.map((cell) => [
        cell.trace,
        String(cell.capacity),
        cell.engine,
        cell.reference.toFixed(2),
        cell.hit.toFixed(2),
        `${cell.difference >= 0 ? '+' : '−'}${Math.abs(cell.difference).toFixed(2)}`,
        cell.allowed === undefined ? '–' : String(cell.allowed),
        cell.allowed === undefined ? 'not judged' : cell.held ? green('holds') : red('too far'),
      ]),
    ),
  )
  const missed = results.filter(({ held }) => !held).length
  print(
    `\n${bold(missed === 0 ? green(`All ${results.length} cells hold.`) : red(`${missed} of ${results.length} cells are too far off.`))}`,
  )
  if (values.json !== undefined) {
    const text = `${JSON.stringify({ held: missed === 0, cells: results }, null, 2)}\n`
    if (values.json === '-') process.stdout.write(text)
    else writeFileSync(values.json, text)
  }
  return missed === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`gate: ${error.message}\n`)
  process.exitCode = 2
}
