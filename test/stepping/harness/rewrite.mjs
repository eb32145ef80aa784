// Makes a copy of the built JavaScript engine and of the near cache in which every atomic access and every kernel call is a step, and mutations of it. The
// source stays the shipped one: each module gets an `Atomics` of its own by one import, the kernel module wraps what it exports, and the
// pauses become steps at which another thread may go on. Writes to a temporary folder only.
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const dist = fileURLToPath(new URL('../../../dist', import.meta.url))
const here = path.dirname(fileURLToPath(import.meta.url))

/** Short waits, so that schedules reach what lies behind them: expelling, giving up. */
const shortened = [
  ['epoch.js', /const PATIENCE = \d+;/, 'const PATIENCE = 4;'],
  ['epoch.js', /const SPINS = \d+;/, 'const SPINS = 2;'],
  // The ordinary loads of a hit are steps as well.
  ['near-record.js', /const ordersLoads = [^;]*;/, 'const ordersLoads = true;'],
  ['near-record.js', 'ordersLoads ? control[at] : Atomics.load(control, at)', 'Atomics.load(control, at)'],
  ['near.js', 'words[version] !==', 'Atomics.load(words, version) !=='],
  ['near.js', 'words[version + 1] !==', 'Atomics.load(words, version + 1) !=='],
  ['near.js', 'this.#control[WORLD_AT] !==', 'Atomics.load(this.#control, WORLD_AT) !=='],
  ['near.js', 'this.#control[TAG_STAMP_AT] !==', 'Atomics.load(this.#control, TAG_STAMP_AT) !=='],
]
/** Those of dist/cache in which atomic accesses are steps. */
const nearModules = ['near.js', 'near-record.js', 'near-store.js', 'near-clock.js']

function replaceOnce(text, find, by, what) {
  const parts =
    typeof find === 'string' ? text.split(find).length - 1 : (text.match(new RegExp(find, 'g')) ?? []).length
  if (parts !== 1) throw new Error(`${what}: found ${parts} times, not once: ${find}`)
  return text.replace(find, () => by)
}

/** Returns the folder of the copy. `edits`: [file, find, by] in dist/engine/js, or in dist/cache for the near cache. */
export function rewrite(edits = []) {
  const folder = mkdtempSync(path.join(tmpdir(), 'ostraka-stepping-'))
  cpSync(dist, folder, { recursive: true })
  mkdirSync(path.join(folder, 'harness'))
  copyFileSync(path.join(here, 'stepper.mjs'), path.join(folder, 'harness', 'stepper.mjs'))
  writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}')
  const js = path.join(folder, 'engine', 'js')
  const nameOf = (file) => path.join(nearModules.includes(file) ? path.join(folder, 'cache') : js, file)
  for (const [file, find, by] of [...shortened, ...edits]) {
    const name = nameOf(file)
    writeFileSync(name, replaceOnce(readFileSync(name, 'utf8'), find, by, file))
  }
  for (const file of [...readdirSync(js), ...nearModules]) {
    if (!file.endsWith('.js')) continue
    const name = nameOf(file)
    writeFileSync(name, instrument(file, readFileSync(name, 'utf8'), nearModules.includes(file) ? '..' : '../..'))
  }
  return folder
}

function instrument(file, text, root) {
  if (file === 'kernel.js') {
    const renamed = replaceOnce(
      replaceOnce(text, 'export function kernelOver', 'function plainKernel', file),
      'export function keyHashKernel',
      'function plainHashKernel',
      file,
    )
    return `import { recycledHashKernel, steppedKernel } from '../../harness/stepper.mjs';
${renamed}
export const kernelOver = (memory) => steppedKernel(memory, plainKernel);
export const keyHashKernel = () => recycledHashKernel(plainHashKernel);
`
  }
  if (file === 'pause.js') {
    return `import { step } from '../../harness/stepper.mjs';
export function spin() { step(true); }
export function giveWay() { step(true); }
`
  }
  return `import { steppedAtomics as Atomics } from '${root}/harness/stepper.mjs';\n${text}`
}

export function discard(folder) {
  rmSync(folder, { recursive: true, force: true })
}
