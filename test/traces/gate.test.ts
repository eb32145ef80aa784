// The engines' hit ratios against the reference, on the traces that take seconds; bench/gate.mjs judges all of them. Needs the
// folder of traces and the built package.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryFolder } from './fixtures.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = process.env['OSTRAKA_TRACES'] ?? ''
const reference = join(folder, 'reference.csv')
const missing = folder === '' || !existsSync(reference)

interface Cell {
  readonly trace: string
  readonly capacity: number
  readonly engine: string
  readonly difference: number
  readonly held: boolean
}

function gate(traces: string, ...args: string[]): { code: number | null; stderr: string; cells: Cell[] } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'bench', 'gate.mjs'), traces, '--json', '-', ...args],
    { encoding: 'utf8' },
  )
  return { code: status, stderr, cells: stdout === '' ? [] : (JSON.parse(stdout) as { cells: Cell[] }).cells }
}

if (missing) console.log('skipped: OSTRAKA_TRACES names no folder with traces and their reference.csv')

test.skipIf(missing).each(['native', 'js'])('%s holds on the short traces', (engine) => {
  const { code, stderr, cells } = gate(folder, '--engine', engine, '--traces', 'lirs-multi1,cache2k-web12')
  if (engine === 'native' && stderr.includes('The native engine cannot be used')) {
    console.log(`skipped: ${stderr}`)
    return
  }
  expect(cells.filter(({ held }) => !held)).toEqual([])
  expect([code, cells.length]).toEqual([0, 6])
})

test('a reference that the engine misses fails the gate, a file that is no reference ends it', () => {
  const made = temporaryFolder()
  try {
    // A loop over 300 keys fits 300 entries: every request but the first 300 hits, 90 of 100.
    const file = made.write('loop.csv', `key\n${Array.from({ length: 3000 }, (_, i) => i % 300).join('\n')}\n`)
    const judge = (reference: string) => {
      made.write('reference.csv', reference)
      return gate(join(file, '..'), '--engine', 'js', '--traces', 'loop')
    }
    const header = 'trace,capacity,policy,hit_pct\n'
    expect(judge(`${header}loop,300,s3-fifo,90.00\nloop,300,lru,1.00\n`)).toMatchObject({
      code: 0,
      cells: [{ trace: 'loop', capacity: 300, engine: 'js', hit: 90, allowed: 2, held: true }],
    })
    expect(judge(`${header}loop,300,s3-fifo,92.01\n`)).toMatchObject({ code: 1, cells: [{ held: false }] })
    expect(judge('something else\n')).toMatchObject({ code: 2, cells: [] })
  } finally {
    made.remove()
  }
})
