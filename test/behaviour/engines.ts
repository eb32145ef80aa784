// The engines under one suite: native, pure JS, and both over the same memory with the calls dealt to them by turns.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Cache } from '../../src/cache/cache.js'
import { splitKey } from '../../src/cache/keys.js'
import { NamespaceTable } from '../../src/cache/namespace-table.js'
import { NearCaches } from '../../src/cache/near-caches.js'
import { createRegions, type Regions } from '../../src/engine/create.js'
import type { Engine } from '../../src/engine/engine.js'
import { attachJs } from '../../src/engine/js/engine.js'
import { PolicyNumber } from '../../src/engine/layout.js'
import { loadAddon } from '../../src/engine/load-addon.js'
import { addonMismatch, attachNative, isAddon } from '../../src/engine/native.js'
import type { CacheOptions } from '../../src/options/cache-options.js'
import { readOptions } from '../../src/options/validate.js'
import { Observer } from '../../src/stats/observer.js'

type Attach = (regions: Regions) => Engine

export interface Bench {
  readonly name: 'native' | 'js' | 'mixed'
  /** Why it cannot run here; undefined when it can. */
  readonly missing: string | undefined
  /** A cache in memory of its own; `near` is off unless asked for. */
  open(options?: CacheOptions): Cache
  /** Engines over the same memory: two of them for `mixed`, else one. */
  engines(regions: Regions): Engine[]
}

const version = String((JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version)

function findNative(): { attach: Attach } | { missing: string } {
  const found = loadAddon()
  if (!('addon' in found)) return { missing: found.reason }
  const { addon } = found
  const mismatch = addonMismatch(addon, version)
  if (mismatch !== undefined || !isAddon(addon)) return { missing: mismatch ?? 'the addon is damaged' }
  return { attach: (regions) => attachNative(regions, addon) }
}

const native = findNative()
const missing = 'missing' in native ? native.missing : undefined
const attachers: Record<Bench['name'], Attach[]> = {
  native: 'attach' in native ? [native.attach] : [],
  js: [attachJs],
  mixed: 'attach' in native ? [native.attach, attachJs] : [],
}

export const benches: Bench[] = (['native', 'js', 'mixed'] as const).map((name) => ({
  name,
  missing: name === 'js' ? undefined : missing,
  engines: (regions) => attachers[name].map((attach) => attach(regions)),
  open: (options = {}) => {
    const settings = readOptions({ near: false, ...options }, {})
    const { shared } = settings
    const { maxBytes, maxEntries, entryBytes, shards } = shared
    const regions = createRegions({
      maxBytes,
      maxEntries,
      entryBytes,
      shards,
      manualClock: shared.clock === 'manual',
      policy: PolicyNumber[shared.policy],
      seed: shared.seed === undefined ? undefined : { low: Number(shared.seed & 0xffffffffn), high: 0 },
    })
    const handles = attachers[name].map((attach) => {
      const engine = attach(regions)
      return new Cache({
        name,
        shared,
        engine,
        engineReason: 'the test asked for it',
        near: settings.near,
        nearCaches: new NearCaches(engine, regions),
        namespaces: new NamespaceTable(regions),
        loads: settings.loads,
        sharedBytes: 0,
        owners: undefined,
        ownersReason: 'the test looks after the memory',
        observer: new Observer(engine, regions, shared.stats, { cache: name, split: splitKey }),
        leave: async () => engine.detach(),
      })
    })
    return handles.length === 1 ? (handles[0] as Cache) : alternating(handles)
  },
}))

/** Looks like one cache and deals the calls to several handles by turns. */
function alternating(handles: readonly Cache[]): Cache {
  let turn = 0
  return new Proxy(handles[0] as Cache, {
    get(_, property) {
      if (property === 'close') return () => Promise.all(handles.map((handle) => handle.close()))
      const handle = handles[turn++ % handles.length] as Cache
      const member: unknown = Reflect.get(handle, property, handle)
      return typeof member === 'function' ? member.bind(handle) : member
    },
  })
}

/** Where Rust is there, the native engine has to be there too. */
export function nativeMustRun(): boolean {
  if (process.env['CI'] !== 'true') return false
  try {
    execFileSync('cargo', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
