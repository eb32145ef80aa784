// The policy on traces, as bench/judge.mjs replays them through the engine: the mean share of LRU's misses that it removes, its worst cell
// against LRU, and Caffeine's published figures. Needs the traces (OSTRAKA_TRACES) and the laboratory's program.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { nativeThere } from '../caches.mjs'
import { figure, notMeasured, report } from '../harness.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = process.env.OSTRAKA_TRACES
const program = path.join(root, 'target/release/ostraka-lab')
const wants = [
  ['mean share of LRU’s misses removed', 'best of nine 14.4 %', '≥ 13 %'],
  ['mean of Caffeine’s cells', 'Caffeine', '≥ 0.5 points'],
  ['worst cell of 100 k requests or more', 'LRU', '≥ −0.5 points'],
  ['worst cell of fewer', 'LRU', '≥ −1.5 points'],
]
const missing = !folder
  ? 'set OSTRAKA_TRACES to the folder of the traces'
  : existsSync(program)
    ? undefined
    : 'build the laboratory: cargo build --release -p ostraka-lab'
if (missing) report(wants.map(([what, against, wanted]) => notMeasured(what, against, wanted, missing)))
else report(judged())

function judged() {
  const made = mkdtempSync(path.join(tmpdir(), 'ostraka-figures-'))
  try {
    const file = path.join(made, 'judged.json')
    // Whether it agrees with the laboratory is that program's own verdict, not this one's.
    const args = [path.join(root, 'bench/judge.mjs'), folder, '--engine', nativeThere ? 'native' : 'js', '--json', file]
    const { stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] })
    if (!existsSync(file)) throw new Error(stderr)
    const { cells, summaries } = JSON.parse(readFileSync(file, 'utf8'))
    const [{ missesRemoved, worstBelowLru }] = summaries
    const hits = new Map(cells.map((cell) => [`${cell.trace}@${cell.capacity}`, cell.hit]))
    const caffeine = readFileSync(path.join(root, 'native/lab/caffeine.csv'), 'utf8')
      .trim()
      .split(/\r?\n/)
      .slice(1)
      .map((line) => line.split(','))
      .filter(([trace, capacity]) => hits.has(`${trace}@${capacity}`))
    const gain = caffeine.map(([trace, capacity, hit]) => hits.get(`${trace}@${capacity}`) - Number(hit))
    const mean = gain.reduce((sum, points) => sum + points, 0) / gain.length
    const points = { unit: ' points' }
    return [
      figure(wants[0][0], wants[0][1], { least: 13, unit: ' %' }, missesRemoved, { detail: `${cells.length} cells` }),
      figure(wants[1][0], wants[1][1], { least: 0.5, ...points }, mean, { detail: `${gain.length} cells` }),
      figure(wants[2][0], wants[2][1], { least: -0.5, ...points }, worstBelowLru.long.value, {
        detail: worstBelowLru.long.cell,
      }),
      figure(wants[3][0], wants[3][1], { least: -1.5, ...points }, worstBelowLru.short.value, {
        detail: worstBelowLru.short.cell,
      }),
    ]
  } finally {
    rmSync(made, { recursive: true, force: true })
  }
}
