// Plants one fault after the other in the slab's protocol and runs the tests that must notice. Each fault is a step that
// the source can leave out (native/core/src/mutant.rs); OSTRAKA_MUTANT chooses it at run time, so that there is one build
// for the normal configuration and one for the model checker. Prints a table; exits with 1 when a fault survives.
//
//   node scripts/mutants.mjs [name …]
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Longer than any of these tests takes: a fault that makes one hang is noticed too. */
const LIMIT_MS = 120_000

/** Fault → test filters, in the order in which they are tried; `loom:` names a model. */
const MUTANTS = {
  'no-pin': ['interleavings::two_operations_interleaved_at_every_access', 'loom:loom_reuse_of_memory_and_a_writer'],
  'no-first-grace': [
    'interleavings::two_operations_interleaved_at_every_access',
    'loom:loom_reuse_of_memory_and_a_writer',
  ],
  'no-second-grace': ['interleavings::a_reader_stands_still', 'loom:loom_reuse_of_memory_and_a_reader'],
  'narrow-generation': ['identity::a_stamp'],
  'near-without-generation': ['identity::a_stamp', 'loom:loom_near_stamp'],
  'stolen-chunk': ['threads::values_stay_whole', 'single::short_of_memory'],
  'chunk-without-world': ['single::clear_forgets'],
  'no-second-scan': ['interleavings::two_operations_interleaved_at_every_access', 'loom:loom_two_inserters'],
  'blind-commit': ['interleavings::two_operations_interleaved_at_every_access', 'loom:loom_two_inserters'],
  'no-claim-fence': ['loom:loom_claims_in_two_slots'],
  'no-key-compare': ['identity::keys_of_one_tag'],
  'blind-relocation': ['interleavings::two_operations_interleaved_at_every_access', 'loom:loom_relocation_and_replace'],
  'no-observed-mark': ['deaths::an_entry_of_the_dead'],
  'counter-after-death': ['deaths::a_death_anywhere'],
  'reaper-without-lock': ['interleavings::two_reapers'],
  'returned-twice': ['threads::the_entry_bound', 'threads::counts_are_exact'],
  'expired-is-served': ['single::expiry_and_idle'],
  'chain-retired-on-relocation': ['single::touch_gives', 'threads::chained_values'],
  'unlink-without-removing': ['deaths::a_death_anywhere_heals_without'],
  'no-stamp-of-the-dead': ['interleavings::an_evictor_dies_while'],
  'fill-without-lease': ['leases::a_line_used_again', 'loom:loom_lease_fill_and_set'],
  'tag-of-old-stamp': ['leases::a_fill_from_before'],
  'lease-without-look': ['leases::a_marker_shows', 'loom:loom_two_acquirers'],
  'leases-of-the-dead-stay': ['leases::a_full_table', 'deaths::a_death_anywhere'],
  'live-marker-evicted': ['leases::a_live_marker'],
  'marker-counts': ['leases::a_marker_shows'],
  'generation-set-back': ['loom:loom_two_invalidations'],
  'no-version-begun': ['loom:loom_version_and_replace'],
  'version-ended-early': ['loom:loom_version_and_replace'],
  'version-never-ended': ['identity::every_end_of_a_binding'],
  'invalidation-unannounced': ['loom:loom_stamp_of_tags'],
  'duel-without-margin': ['policy::what_has_proven'],
  'no-overflow': ['policy::tests::main_takes', 'policy::a_loop_is_learned'],
  'bar-of-lead': ['policy::light_keeps'],
  'tournament-without-noise': ['policy::luck_is'],
  'half-a-miniature-is-believed': ['policy::a_death_anywhere_in_learning'],
  'relaxed-pin': ['loom:loom_relocation_and_delete'],
  'relaxed-publish': ['loom:loom_insert_delete_and_get', 'loom:loom_replace_and_get', 'loom:loom_two_inserters'],
}

/** Builds once and finds the test binary. */
function build(loom) {
  const args = ['test', '--locked', '--no-run', '--message-format=json', '-p', 'ostraka-core', '--lib']
  const env = { ...process.env }
  if (loom) {
    args.push('--profile', 'loom')
    env.RUSTFLAGS = '--cfg loom'
    env.CARGO_TARGET_DIR = join(root, 'target/loom')
  }
  const built = spawnSync('cargo', args, { cwd: root, env, encoding: 'utf8', maxBuffer: 1 << 28 })
  const binary = built.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line).executable)
    .findLast(Boolean)
  if (built.status !== 0 || !binary) throw new Error(`cargo test --no-run failed:\n${built.stderr}`)
  return binary
}

function run(binary, filter, mutant) {
  return new Promise((resolve) => {
    const begin = Date.now()
    const env = { ...process.env, OSTRAKA_MUTANT: mutant, RUST_BACKTRACE: '0', PROPTEST_MAX_SHRINK_ITERS: '0' }
    const child = spawn(binary, [filter], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (part) => {
      output += part
    })
    child.stderr.on('data', () => {})
    // The first failed test is enough, and a hang is a failure.
    const watch = setInterval(() => {
      if (/\.\.\. FAILED/.test(output) || Date.now() - begin > LIMIT_MS) child.kill('SIGKILL')
    }, 50)
    child.on('exit', (code, signal) => {
      clearInterval(watch)
      const failed = /^test (\S+) \.\.\. FAILED/m.exec(output)
      const ran = /running [1-9]/.test(output)
      const how = failed
        ? failed[1]
        : signal === 'SIGKILL'
          ? `${filter} (hangs)`
          : `${filter} (${signal ?? `exit ${code}`})`
      resolve({ caught: code !== 0, how: how.replace(/^tests::/, ''), ran, ms: Date.now() - begin })
    })
  })
}

/** Every fault in the source is in the list, and the other way round. */
function checkList() {
  const folder = join(root, 'native/core/src')
  const source = readdirSync(folder)
    .filter((name) => name.endsWith('.rs'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n')
  const sites = new Set([...source.matchAll(/mutant::is\(\s*"([^"]+)"/g)].map((match) => match[1]))
  const unlisted = [...sites].filter((name) => !(name in MUTANTS))
  const gone = Object.keys(MUTANTS).filter((name) => !sites.has(name))
  if (unlisted.length + gone.length > 0) throw new Error(`not in the list: ${unlisted}; not in the source: ${gone}`)
}

checkList()
const chosen = process.argv.slice(2)
const names = Object.keys(MUTANTS).filter((name) => chosen.length === 0 || chosen.includes(name))
const binaries = { plain: build(false), loom: build(true) }
let survivors = 0
const begin = Date.now()
for (const name of names) {
  let result
  let spent = 0
  for (const filter of MUTANTS[name]) {
    const loom = filter.startsWith('loom:')
    result = await run(loom ? binaries.loom : binaries.plain, filter.replace('loom:', ''), name)
    if (!result.ran) throw new Error(`no test is called ${filter}`)
    spent += result.ms
    if (result.caught) break
  }
  if (!result.caught) survivors += 1
  const by = result.caught ? result.how : 'SURVIVED'
  process.stdout.write(`${name.padEnd(30)} ${by.padEnd(76)} ${(spent / 1000).toFixed(1).padStart(6)} s\n`)
}
process.stdout.write(
  `${names.length - survivors} of ${names.length} faults noticed in ${Math.round((Date.now() - begin) / 1000)} s\n`,
)
process.exit(survivors > 0 ? 1 : 0)
