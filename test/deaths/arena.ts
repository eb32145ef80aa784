// Runs the process of fixtures/arena.mjs (or another fixture) and reads what it says. Ends it when it does not end by itself.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { CacheOptions } from '../../src/options/cache-options.js'

export type EngineName = 'native' | 'js'

export interface Battle {
  /** The engine of each worker. */
  readonly mix: readonly EngineName[]
  readonly mainEngine: EngineName
  readonly options: CacheOptions
  readonly keys: number
  readonly batches: number
  /** Terminations in each batch, before all that are left are ended too. */
  readonly kills: number
  readonly seed: number
  /** Whether some workers end by an uncaught exception. */
  readonly crashes: boolean
}

export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly errors: string
  readonly output: string
}

const WATCHDOG_MS = process.env['OSTRAKA_SOAK'] === undefined ? 110_000 : 3_000_000

/** `during` may send signals; the process ends by itself or by the watchdog. */
export function run(
  fixture: string,
  argument: unknown,
  during?: (pid: number) => Promise<void>,
  flags: readonly string[] = [],
): Promise<Outcome> {
  const file = fileURLToPath(new URL(`./fixtures/${fixture}`, import.meta.url))
  const child = spawn(process.execPath, [...flags, file, JSON.stringify(argument)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const watchdog = setTimeout(() => child.kill('SIGKILL'), WATCHDOG_MS)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(watchdog)
      resolve({ code, signal, errors, output })
    })
    if (during !== undefined && child.pid !== undefined) during(child.pid).catch(reject)
  })
}
