// The engines' hit ratios against the reference, on the traces that take seconds; bench/gate.mjs judges all of them. Needs the
// folder of traces and the built package.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = process.env['OSTRAKA_TRACES'] ?? join(root, '..', 'shared', 'traces')
const reference = join(folder, 'reference.csv')
const missing = !existsSync(reference)

interface Cell {
  readonly trace: string
  readonly capacity: number
  readonly engine: string
  readonly difference: number
  readonly held: boolean
}

function gate(...args: string[]): { code: number | null; stderr: string; cells: Cell[] } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'bench', 'gate.mjs'), folder, '--json', '-', ...args],
    { encoding: 'utf8' },
  )
  return { code: status, stderr, cells: stdout === '' ? [] : (JSON.parse(stdout) as { cells: Cell[] }).cells }
}

if (missing) console.log(`skipped: there is no ${reference}; name the folder of the traces in OSTRAKA_TRACES`)

test.skipIf(missing).each(['native', 'js'])('%s holds on the short traces', (engine) => {
  const { code, stderr, cells } = gate('--engine', engine, '--traces', 'lirs-multi1,cache2k-web12')
  if (engine === 'native' && stderr.includes('The native engine cannot be used')) {
    console.log(`skipped: ${stderr}`)
    return
  }
  expect(cells.filter(({ held }) => !held)).toEqual([])
  expect([code, cells.length]).toEqual([0, 6])
})
