// Builds the Rust tests with a sanitizer and runs the ones with real threads: `node scripts/sanitize.mjs [address|thread]`.
// Needs no nightly toolchain: RUSTC_BOOTSTRAP lets the stable compiler take the flag.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const kind = process.argv[2] ?? 'address'
if (kind !== 'address' && kind !== 'thread') throw new Error(`no sanitizer is called ${kind}`)
const flags = [`-Zsanitizer=${kind}`]
// The standard library comes without the sanitizer; its own synchronisation is understood all the same.
if (kind === 'thread') flags.push('-Cunsafe-allow-abi-mismatch=sanitizer')
const env = {
  ...process.env,
  RUSTC_BOOTSTRAP: '1',
  RUSTFLAGS: flags.join(' '),
  CARGO_TARGET_DIR: join(root, `target/sanitize-${kind}`),
  CARGO_PROFILE_TEST_DEBUG: 'line-tables-only',
  ASAN_OPTIONS: 'detect_leaks=0',
  TSAN_OPTIONS: 'halt_on_error=1',
}
// A target of its own: without one the flags would also hold for build scripts and procedural macros.
const target = /host: (\S+)/.exec(spawnSync('rustc', ['-vV'], { encoding: 'utf8' }).stdout)[1]
const args = ['test', '--locked', '-p', 'ostraka-core', '--lib', '--target', target, '--', 'threads::', 'histories::']
if (kind === 'address') args.push('bounds::', 'deaths::', 'single::large_values')
const { status } = spawnSync('cargo', args, { cwd: root, env, stdio: 'inherit' })
process.exit(status ?? 1)
