// Builds the native engine's addon into build/, or says in one line why it cannot be built here. Never throws for
// anything that a machine may lack: the package then works with its pure-JS engine. Plain Node, no dependencies.
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { runQuietly } from './run-quietly.mjs'

/** The network counts as dead when it sends nothing for this long (milliseconds). */
const networkSilence = 10_000
/** Longest waits (milliseconds without a word from cargo) for another cargo's locks, and for a compilation. */
const lockSilence = 60_000
const compileSilence = 900_000

const networkBounds = {
  CARGO_HTTP_TIMEOUT: String(networkSilence / 1000),
  CARGO_HTTP_LOW_SPEED_LIMIT: '1',
  // Retries are ours (see fetchCrates): cargo would wait the whole time-out again for each.
  CARGO_NET_RETRY: '0',
  // A rustup stub without its toolchain must fail at once instead of downloading one without any bound.
  RUSTUP_AUTO_INSTALL: '0',
  CARGO_TERM_COLOR: 'never',
}

/**
 * Returns { file, fresh } when build/ holds the addon of this source (`fresh`: nothing had to be built), else
 * { reason, broken, log }: `broken` tells that there was a usable Rust and yet the source did not build.
 */
export async function buildAddon(root, say) {
  const build = path.join(root, 'build')
  const state = path.join(build, 'addon.json')
  if (!existsSync(path.join(root, 'native', 'addon', 'Cargo.toml'))) {
    return { reason: 'this package holds no native source', broken: false }
  }
  mkdirSync(build, { recursive: true })

  const inputs = hashOfInputs(root)
  const before = readState(state)
  if (before.inputs === inputs && before.file && existsSync(path.join(build, before.file))) {
    return { file: path.join(build, before.file), fresh: true }
  }

  const outcome = await tryBuild(root, build, say)
  if (outcome.file) {
    writeState(state, { inputs, file: path.basename(outcome.file) })
    return { ...outcome, fresh: false }
  }
  // An addon of other source would be worse than none: it may believe in another memory layout.
  for (const name of readdirSync(build)) if (name.endsWith('.node')) rmSync(path.join(build, name), { force: true })
  // The engine repeats this sentence to whoever wonders why the pure-JS engine runs.
  writeState(state, { reason: outcome.reason })
  return outcome
}

async function tryBuild(root, build, say) {
  const unusable = await rustProblem(root, oldestRust(root))
  if (unusable) return { reason: unusable, broken: false }

  const unreachable = await fetchCrates(root, say)
  if (unreachable) return unreachable

  say('building the native engine …')
  const built = await runQuietly(
    'cargo',
    ['build', '--release', '--locked', '--offline', '-p', 'ostraka-addon', '--message-format=json-render-diagnostics'],
    { cwd: root, env: networkBounds, silence: compileSilence },
  )
  const log = path.join(build, 'cargo.log')
  writeFileSync(log, built.stderr)
  const library = built.code === 0 ? libraryIn(built.stdout) : undefined
  if (!library) return { reason: `the native engine did not compile: ${firstError(built)}`, broken: true, log }
  rmSync(log)

  const file = path.join(build, `ostraka.${triple()}.node`)
  // Renamed into place: processes that have the old file mapped keep it whole.
  copyFileSync(library, `${file}.new`)
  renameSync(`${file}.new`, file)
  const loads = await runQuietly(process.execPath, ['-e', 'require(process.argv[1])', file], { silence: 30_000 })
  if (loads.code !== 0) return { reason: `the addon was built but does not load: ${firstError(loads)}`, broken: true }
  return { file }
}

/** The oldest Rust that the workspace allows, as its manifest states it. */
export function oldestRust(root) {
  const manifest = readFileSync(path.join(root, 'Cargo.toml'), 'utf8')
  return /^rust-version\s*=\s*"([\d.]+)"/m.exec(manifest)?.[1] ?? '0'
}

/** Why Rust cannot be used here, in one line; undefined when it can. */
export async function rustProblem(root, oldest) {
  for (const tool of ['cargo', 'rustc']) {
    const asked = await runQuietly(tool, ['--version'], { cwd: root, env: networkBounds, silence: networkSilence })
    if (asked.error?.code === 'ENOENT') return `no Rust here (${tool} is not on the PATH)`
    if (asked.code !== 0) return `${tool} does not run: ${firstError(asked)}`
    const version = /\d+\.\d+(\.\d+)?/.exec(asked.stdout)?.[0]
    if (!version) return `${tool} does not tell its version`
    if (isOlder(version, oldest)) return `Rust ${oldest} or newer is needed, ${tool} is ${version}`
  }
  return undefined
}

function isOlder(version, oldest) {
  const [have, need] = [version, oldest].map((text) => text.split('.').map(Number))
  for (let i = 0; i < 3; i++) if ((have[i] ?? 0) !== (need[i] ?? 0)) return (have[i] ?? 0) < (need[i] ?? 0)
  return false
}

// Not `cargo fetch`: that downloads what the tests and other platforms need as well; `cargo tree` downloads exactly
// what this build compiles, and compiles nothing.
async function fetchCrates(root, say) {
  const tree = ['tree', '--locked', '-p', 'ostraka-addon', '-e', 'normal,build', '--prefix', 'none', '-q']
  // Bounded too: another cargo that holds the lock on the crates may itself be waiting for a dead network.
  const offline = await runQuietly('cargo', [...tree, '--offline'], {
    cwd: root,
    env: networkBounds,
    silence: lockSilence,
  })
  if (offline.code === 0) return undefined
  if (offline.silent) return { reason: 'another cargo holds the lock on the crates', broken: false }
  // These are faults of the checkout, which no network cures.
  if (/failed to parse manifest|cannot update the lock file|lock file .* needs to be updated/.test(offline.stderr)) {
    return { reason: `cargo refuses the workspace: ${firstError(offline)}`, broken: true }
  }

  say('fetching crates …')
  let online
  for (let attempt = 0; attempt < 3; attempt++) {
    const begin = Date.now()
    online = await runQuietly('cargo', tree, {
      cwd: root,
      // A little longer than cargo's own bound, whose message tells more.
      silence: networkSilence + 2000,
      // Progress, so that only a silent network is silent here.
      env: {
        ...networkBounds,
        CARGO_TERM_PROGRESS_WHEN: 'always',
        CARGO_TERM_PROGRESS_WIDTH: '80',
        CARGO_TERM_QUIET: 'false',
      },
    })
    if (online.code === 0) return undefined
    // A quick failure may be an accident; one that took the whole time-out is the answer.
    if (online.silent || Date.now() - begin > networkSilence / 2) break
  }
  const why = online.silent ? `the network sent nothing for ${networkSilence / 1000} s` : deepestCause(online)
  return { reason: `the crates cannot be fetched: ${why}`, broken: false }
}

function libraryIn(messages) {
  for (const line of messages.split('\n')) {
    if (!line.startsWith('{')) continue
    const message = JSON.parse(line)
    if (message.reason !== 'compiler-artifact' || !message.target.kind.includes('cdylib')) continue
    const found = message.filenames.find((name) => /\.(so|dylib|dll)$/.test(name))
    if (found) return found
  }
  return undefined
}

function linesOf(text) {
  return text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter(Boolean)
}

// Cargo ends with a chain of causes; the last one tells what the network did.
function deepestCause(outcome) {
  return (linesOf(outcome.stderr).at(-1) ?? firstError(outcome)).slice(0, 160)
}

function firstError({ stderr, error, code }) {
  const lines = linesOf(stderr)
  const line = lines.find((text) => /^(\w*error|fatal)/i.test(text)) ?? lines.at(-1) ?? error?.message
  return (line ?? `exit status ${code}`).replace(/^error(\[\w+\])?:\s*/i, '').slice(0, 160)
}

function hashOfInputs(root) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`)
  const add = (relative) => {
    const absolute = path.join(root, relative)
    if (!existsSync(absolute)) return
    if (statSync(absolute).isDirectory()) {
      for (const name of readdirSync(absolute).sort()) if (name !== 'target') add(path.join(relative, name))
    } else {
      hash.update(`${relative}\n`).update(readFileSync(absolute))
    }
  }
  // What the addon is made of; the laboratory and tests are not.
  for (const part of ['Cargo.toml', 'Cargo.lock', '.cargo']) add(part)
  for (const crate of ['core', 'addon']) {
    for (const part of ['Cargo.toml', 'build.rs', 'src']) add(path.join('native', crate, part))
  }
  return hash.digest('hex')
}

function readState(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return {}
  }
}

function writeState(file, state) {
  writeFileSync(`${file}.new`, `${JSON.stringify(state)}\n`)
  renameSync(`${file}.new`, file)
}

// The same names as in src/engine/load-addon.ts and in the platform packages. Only the C library of Linux needs
// telling apart; what runs this script is what will load the addon.
function triple() {
  const { platform, arch } = process
  if (platform === 'linux') {
    process.report.excludeNetwork = true
    return `linux-${arch}-${process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl'}`
  }
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`
}
