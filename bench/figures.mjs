// Prints the figures to hold, each a ratio measured in one run, and writes them to JSON.
//   node bench/figures.mjs [--json FILE] [--only reads,writes,…] [--list]
import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { machine, printTable } from './harness.mjs'

const folder = new URL('figures/', import.meta.url)
const all = readdirSync(folder)
  .filter((name) => name.endsWith('.mjs'))
  .map((name) => name.slice(0, -4))
const { values } = parseArgs({
  options: { json: { type: 'string' }, only: { type: 'string' }, list: { type: 'boolean' } },
})
if (values.list) {
  console.log(all.join('\n'))
  process.exit()
}
const wanted = values.only?.split(',') ?? all
const unknown = wanted.filter((name) => !all.includes(name))
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(', ')}; there are ${all.join(', ')}`)
  process.exit(2)
}

const figures = []
const failed = []
for (const name of wanted) {
  process.stderr.write(`${name} … `)
  const begin = Date.now()
  // A process each: no figure inherits another's heap, compiled code or memory.
  const file = fileURLToPath(new URL(`${name}.mjs`, folder))
  const run = spawnSync(process.execPath, ['--expose-gc', '--max-old-space-size=8192', file, '--rows'], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  process.stderr.write(`${((Date.now() - begin) / 1000).toFixed(0)} s\n`)
  try {
    if (run.status !== 0) throw new Error(run.stderr)
    figures.push(...JSON.parse(run.stdout.trim().split('\n').at(-1)))
  } catch (error) {
    failed.push(name)
    process.stderr.write(`${error.message}\n`)
  }
}
const about = machine()
// With the JSON on stdout, the table goes to stderr.
if (values.json === '-') console.log = console.error
console.log(
  `ostraka ${about.ostraka} · node ${about.node} · ${about.cpu}, ${about.cores} cores · load ${about.loadAverage.toFixed(1)}\n`,
)
printTable(figures)
const held = figures.filter((row) => row.held).length
const measured = figures.filter((row) => row.held !== null).length
console.log(
  `\n${held} of ${measured} held${measured < figures.length ? `, ${figures.length - measured} not measured` : ''}${failed.length ? `; could not be measured: ${failed.join(', ')}` : ''}`,
)
if (values.json) {
  const text = `${JSON.stringify({ machine: about, date: new Date().toISOString(), figures, failed }, null, 2)}\n`
  if (values.json === '-') process.stdout.write(text)
  else writeFileSync(values.json, text)
}
process.exitCode = failed.length > 0 ? 1 : 0
