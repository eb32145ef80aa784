// Runs the fuzz targets of native/fuzz for a while each: node scripts/fuzz.mjs [seconds] [target …]
// Needs cargo-fuzz (`cargo install cargo-fuzz`); the stable toolchain does, told to accept what cargo-fuzz asks of it.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const [seconds = '30', ...chosen] = process.argv.slice(2)
const targets = chosen.length > 0 ? chosen : ['operations', 'records']
const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'native', 'fuzz')
if (spawnSync('cargo', ['fuzz', '--version']).status !== 0) {
  console.error('cargo-fuzz is not installed: cargo install cargo-fuzz')
  process.exit(2)
}
let sound = true
for (const target of targets) {
  const run = spawnSync(
    'cargo',
    [
      'fuzz',
      'run',
      '--fuzz-dir',
      folder,
      target,
      '--',
      `-max_total_time=${seconds}`,
      '-max_len=4096',
      '-print_final_stats=1',
    ],
    { stdio: 'inherit', env: { ...process.env, RUSTC_BOOTSTRAP: '1' } },
  )
  if (run.status !== 0) sound = false
}
process.exitCode = sound ? 0 : 1
