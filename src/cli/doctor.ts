// The doctor command: what of Ostraka runs here, why, and within which limits. May touch: a small cache of its own in each
// engine, /proc and /sys (reading), stdout.

import { LAYOUT_VERSION, THREADS } from '../engine/layout.js'
import { loadAddon, platformName } from '../engine/load-addon.js'
import { createCache } from '../index.js'
import { observe } from '../replay/observe.js'
import type { Command } from './command.js'
import { jsonOption, writeJson } from './json-file.js'
import { type Machine, machine } from './machine.js'
import { bold, count, fields, green, red, size } from './text.js'
import { packageVersion } from './version.js'

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Tell what runs here: engine and why, versions, limits, huge pages',
  usage: 'doctor [--json FILE]',
  positionals: 0,
  options: { json: jsonOption },
  details: 'Ends with exit code 1 when no engine runs here.',
  async run({ values }) {
    const findings = await examine()
    if (values['json'] !== '-') process.stdout.write(`${report(findings)}\n`)
    if (values['json'] !== undefined) writeJson(String(values['json']), findings)
    return findings.engine.chosen === undefined ? 1 : 0
  },
}

interface Trial {
  readonly runs: boolean
  /** Why it does not run, or where it comes from. */
  readonly detail: string
}

interface Findings {
  readonly ostraka: string
  readonly layoutVersion: number
  readonly node: string
  readonly v8: string
  readonly platform: string
  readonly engine: {
    /** What a cache without an `engine` option gets; undefined: none runs. */
    readonly chosen: string | undefined
    readonly reason: string
    readonly native: Trial
    readonly js: Trial
  }
  readonly environment: Readonly<Record<string, string>>
  readonly sharedWebAssembly: boolean
  readonly limits: { readonly threads: number; readonly keyBytes: number; readonly valueBytes: number }
  readonly machine: Machine
}

async function examine(): Promise<Findings> {
  const chosen = await tryEngine('auto')
  return {
    ostraka: packageVersion(),
    layoutVersion: LAYOUT_VERSION,
    node: process.version,
    v8: process.versions.v8,
    platform: platformName(),
    engine: {
      chosen: chosen.runs ? chosen.engine : undefined,
      reason: chosen.detail,
      native: await tryNative(),
      js: summary(await tryEngine('js'), 'part of the package'),
    },
    environment: Object.fromEntries(
      Object.entries(process.env).flatMap(([name, value]) =>
        name.startsWith('OSTRAKA_') && value !== undefined ? [[name, value]] : [],
      ),
    ),
    sharedWebAssembly: sharedWebAssembly(),
    limits: { threads: THREADS, keyBytes: 65_535, valueBytes: 64 * 2 ** 20 },
    machine: machine(),
  }
}

let trials = 0

/** Not only loads an engine but stores and reads a value with it. */
async function tryEngine(engine: 'auto' | 'native' | 'js'): Promise<Trial & { engine?: string }> {
  const environment = process.env['OSTRAKA_ENGINE']
  try {
    // What the environment forces is asked for by 'auto'; the other two trials are about the engine they name.
    if (engine !== 'auto') delete process.env['OSTRAKA_ENGINE']
    const cache = createCache({ name: `ostraka-doctor-${++trials}`, maxBytes: '1mb', engine, near: false })
    try {
      cache.set('key', 'value')
      if (cache.get('key') !== 'value') return { runs: false, detail: 'it does not give back what was set' }
      const observed = observe(cache)
      return { runs: true, detail: observed.engineReason, engine: observed.engine }
    } finally {
      await cache.close()
    }
  } catch (error) {
    return { runs: false, detail: (error as Error).message }
  } finally {
    if (environment !== undefined) process.env['OSTRAKA_ENGINE'] = environment
  }
}

async function tryNative(): Promise<Trial> {
  const found = loadAddon()
  if (!('addon' in found)) return { runs: false, detail: found.reason }
  return summary(await tryEngine('native'), found.file)
}

const summary = ({ runs, detail }: Trial, origin: string): Trial => ({ runs, detail: runs ? origin : detail })

function sharedWebAssembly(): boolean {
  try {
    return new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer instanceof SharedArrayBuffer
  } catch {
    return false
  }
}

function report(findings: Findings): string {
  const { engine, limits, machine } = findings
  const trial = ({ runs, detail }: Trial) => `${runs ? green('runs') : red('does not run')}: ${detail}`
  const cores = `${machine.cores}${machine.coreQuota === undefined ? '' : `, of which the control group grants ${machine.coreQuota}`}`
  const memory = `${size(machine.memory)}${machine.memoryLimit === undefined ? '' : `, of which the control group allows ${size(machine.memoryLimit)}`}`
  const huge =
    machine.hugePages === undefined
      ? 'none on this system'
      : `anonymous memory: ${machine.hugePages.anonymous}, shared memory: ${machine.hugePages.shared}`
  const environment = Object.entries(findings.environment)
  return [
    `${bold(`ostraka ${findings.ostraka}`)} on Node ${findings.node}, ${findings.platform}`,
    '',
    bold('Engine'),
    fields([
      ['chosen', engine.chosen === undefined ? red('none') : `${bold(engine.chosen)} (${engine.reason})`],
      ['native', trial(engine.native)],
      ['js', trial(engine.js)],
      ['layout', `version ${findings.layoutVersion}`],
      [
        'WebAssembly',
        `shared memory ${findings.sharedWebAssembly ? 'works' : red('does not work')}, V8 ${findings.v8}`,
      ],
      ...(environment.length > 0
        ? [['environment', environment.map(([name, value]) => `${name}=${value}`).join(' ')] as const]
        : []),
    ]),
    '',
    bold('Limits'),
    fields([
      ['threads', `${limits.threads} attached to a cache at once`],
      ['keys', `${count(limits.keyBytes)} bytes`],
      ['values', size(limits.valueBytes)],
    ]),
    '',
    bold('Machine'),
    fields([
      ['cores', cores],
      ['memory', memory],
      ['huge pages', huge],
    ]),
  ].join('\n')
}
