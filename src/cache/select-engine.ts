// Chooses the engine of this thread and attaches it. Loads the addon at most once a thread; may write one line to standard error.
import { channel } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import type { Regions } from '../engine/create.js'
import type { Engine } from '../engine/engine.js'
import { attachJs } from '../engine/js/engine.js'
import { loadAddon } from '../engine/load-addon.js'
import { type Addon, addonMismatch, attachNative, isAddon } from '../engine/native.js'
import { OstrakaError } from '../errors.js'

export interface EngineChoice {
  readonly name: 'native' | 'js'
  /** Why this one: a sentence for people. */
  readonly reason: string
  /** Attaches this thread to the regions. */
  readonly attach: (regions: Regions) => Engine
}

interface NativeFound {
  readonly addon: Addon
  readonly file: string
}

interface NativeMissing {
  readonly reason: string
  readonly cause: unknown
}

const engineChannel = channel('ostraka:engine')
let native: NativeFound | NativeMissing | undefined
let told = false

/**
 * 'native' throws OSTRAKA_ERR_ENGINE_UNAVAILABLE where it cannot be had; 'auto' takes the pure-JS engine there, and says so once in
 * one line on standard error. Either choice is published on the diagnostics channel 'ostraka:engine'.
 */
export function selectEngine(wanted: 'auto' | 'native' | 'js'): EngineChoice {
  const choice = choose(wanted)
  if (!told) {
    told = true
    engineChannel.publish({ engine: choice.name, reason: choice.reason })
    if (wanted === 'auto' && choice.name === 'js') {
      process.stderr.write(
        `ostraka: using the pure-JS engine, because ${choice.reason} (engine: 'js' keeps this quiet)\n`,
      )
    }
  }
  return choice
}

function choose(wanted: 'auto' | 'native' | 'js'): EngineChoice {
  if (wanted === 'js') return { name: 'js', reason: 'it was asked for', attach: attachJs }
  native ??= findNative()
  if ('addon' in native) {
    const { addon, file } = native
    const reason = wanted === 'native' ? 'it was asked for' : `the addon is available (${file})`
    return { name: 'native', reason, attach: (regions) => attachNative(regions, addon) }
  }
  if (wanted === 'auto') return { name: 'js', reason: native.reason, attach: attachJs }
  const message = `The native engine cannot be used: ${native.reason}. Build or install the addon, or use engine: 'auto' or 'js'`
  throw new OstrakaError('OSTRAKA_ERR_ENGINE_UNAVAILABLE', message, { cause: native.cause })
}

function findNative(): NativeFound | NativeMissing {
  const found = loadAddon()
  if (!('addon' in found)) return { reason: found.reason, cause: found.cause }
  const { addon, file } = found
  const mismatch = addonMismatch(addon, packageVersion())
  if (mismatch !== undefined || !isAddon(addon))
    return { reason: `${mismatch ?? 'the addon is damaged'} (${file})`, cause: undefined }
  return { addon, file }
}

function packageVersion(): string {
  // Two folders up both from src/cache and from dist/cache.
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return String((manifest as { version: unknown }).version)
}
