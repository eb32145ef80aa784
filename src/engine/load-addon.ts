// Finds and loads the native engine's addon, or says why there is none. May touch the file system and the module
// loader, nothing else; never throws, keeps no state. Whether a loaded addon fits this package is the caller's to judge.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export interface AddonFound {
  /** What the addon exports, unchecked. */
  readonly addon: unknown
  /** Where it lies. */
  readonly file: string
}

export interface AddonMissing {
  /** One sentence for people, without a full stop. */
  readonly reason: string
  /** What the module loader or `dlopen` threw, where something was found and would not load. */
  readonly cause?: unknown
}

const requireFrom = createRequire(import.meta.url)

/**
 * Loads the addon from, in this order: the file named by the environment variable OSTRAKA_ADDON (and then from
 * nowhere else), what `prepare` built in this package, the platform package that npm installed beside it.
 * Any thread may call it; the first call in a process maps the file (milliseconds), later ones find it loaded.
 */
export function loadAddon(): AddonFound | AddonMissing {
  const named = process.env['OSTRAKA_ADDON']
  if (named) return load(path.resolve(named), `OSTRAKA_ADDON names ${named}, which does not load`)

  const platform = platformName()
  // This file lies two folders below the package's root both as source and as built.
  const build = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'build')
  const local = path.join(build, `ostraka.${platform}.node`)
  const builtHere = existsSync(local) ? load(local, `the addon built here does not load: ${local}`) : undefined
  if (builtHere && 'addon' in builtHere) return builtHere

  const name = `ostraka-${platform}`
  const packaged = resolvePackage(name)
  const installed = packaged === undefined ? undefined : load(packaged, `the package ${name} does not load`)
  if (installed && 'addon' in installed) return installed

  // What is there and fails tells more than what is missing.
  return builtHere ?? installed ?? { reason: reasonOfBuild(build) ?? `the package ${name} is not installed` }
}

function load(file: string, failure: string): AddonFound | AddonMissing {
  try {
    return { addon: requireFrom(file) as unknown, file }
  } catch (cause) {
    return { reason: failure, cause }
  }
}

function resolvePackage(name: string): string | undefined {
  try {
    return requireFrom.resolve(name)
  } catch {
    // Not installed, the usual case. An installed one that is broken fails in `load`, with its own error as cause.
    return undefined
  }
}

// Left by `prepare` in a source checkout that could not build the addon.
function reasonOfBuild(build: string): string | undefined {
  try {
    const state: unknown = JSON.parse(readFileSync(path.join(build, 'addon.json'), 'utf8'))
    if (typeof state === 'object' && state !== null && 'reason' in state) return String(state.reason)
  } catch {
    // A package from the registry has no such file.
  }
  return undefined
}

/** The platform as the names of addon files and platform packages spell it, for example `linux-x64-gnu`. */
export function platformName(): string {
  const { platform, arch } = process
  if (platform === 'linux') return `linux-${arch}-${usesMusl() ? 'musl' : 'gnu'}`
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`
}

function usesMusl(): boolean {
  try {
    // The script says which C library it belongs to; 0.05 ms, where a diagnostic report costs tens.
    const ldd = readFileSync('/usr/bin/ldd', 'utf8')
    if (ldd.includes('musl')) return true
    if (ldd.includes('GNU C Library') || ldd.includes('GLIBC')) return false
  } catch {
    // Small images have no ldd.
  }
  const report: unknown = process.report?.getReport()
  if (typeof report !== 'object' || report === null || !('header' in report)) return false
  const header = report.header
  return typeof header === 'object' && header !== null && !('glibcVersionRuntime' in header)
}
