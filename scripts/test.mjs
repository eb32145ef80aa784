// `npm test`: builds what is stale, then runs the TypeScript suites and, with a usable Rust, the Rust tests.
// With arguments (`npm test -- test/engine-js`) only the matching TypeScript suites run. With --soak everything runs
// with the long counts that a release deserves. Plain Node, no dependencies of its own.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { oldestRust, rustProblem } from './build-addon.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const soak = process.argv.includes('--soak')
const chosen = process.argv.slice(2).filter((argument) => argument !== '--soak')
const environment = { ...process.env }
if (soak) Object.assign(environment, { OSTRAKA_SOAK: '1', PROPTEST_CASES: '20000' })

function run(title, command, args) {
  console.log(`\n== ${title}`)
  const { status, signal, error } = spawnSync(command, args, { cwd: root, env: environment, stdio: 'inherit' })
  if (status === 0) return true
  console.log(`== failed: ${title} (${error?.message ?? signal ?? `exit status ${status}`})`)
  return false
}

const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')
let sound = run('build', process.execPath, ['scripts/prepare.mjs', '--strict'])
// Tests of a stale build would prove nothing.
if (sound) {
  sound = run('TypeScript suites', process.execPath, [vitest, 'run', ...chosen])
  if (chosen.length === 0) {
    const missing = await rustProblem(root, oldestRust(root))
    if (missing) console.log(`\n== Rust tests left out: ${missing}`)
    else sound = run('Rust tests', 'cargo', ['test', '--locked', '--workspace', '--quiet']) && sound
  }
}
process.exitCode = sound ? 0 : 1
