// What a replay command line asks for, checked. May touch: the number of cores (reading).
import { availableParallelism } from 'node:os'
import { type CacheOptions, cachePolicies } from '../options/cache-options.js'
import { durationHint, parseDuration, parseSize, sizeHint } from '../options/units.js'
import { readOptions } from '../options/validate.js'
import type { GenerateOptions } from '../traces/generate.js'
import { type TraceFormat, traceFormats } from '../traces/trace.js'
import { type CommandInput, didYouMean, usageError, wholeNumber } from './command.js'

type EngineName = 'auto' | 'native' | 'js'

export interface Plan {
  /** Empty: the generated trace. */
  readonly files: readonly string[]
  readonly format: TraceFormat | undefined
  readonly requests: number | undefined
  readonly generate: GenerateOptions
  readonly engines: readonly EngineName[]
  /** With "both", an engine that does not run here is told and left out. */
  readonly skipMissingEngine: boolean
  readonly threads: readonly number[]
  readonly cache: CacheOptions
  readonly valueBytes: number | undefined
  readonly valueBytesWithoutSizes: number
  /** Milliseconds in one unit of the trace's times; 0: the cache's clock is the real one. */
  readonly timeUnit: number
}

export const replayOptions = {
  demo: { help: 'replay a generated trace, in both engines and over several threads' },
  format: { value: 'NAME', help: `the format of the traces: ${traceFormats.join(', ')}` },
  requests: { value: 'N', help: 'only the first N requests; of the generated trace, how many (500,000)' },
  'max-bytes': { value: 'SIZE', help: 'bound on all memory of the cache (64mb)' },
  'max-entries': { value: 'N', help: 'bound on the number of entries' },
  'value-bytes': { value: 'SIZE', help: "size of every value (the trace's own sizes, else 100)" },
  ttl: { value: 'TIME', help: 'time to live of what is set' },
  'trace-time': { value: 'UNIT', help: "let the cache's clock follow the trace, whose times are in s or ms" },
  policy: { value: 'NAME', help: `what is kept when the cache is full: ${cachePolicies.join(', ')}` },
  engine: { value: 'NAME', help: 'native, js, auto or both; several with commas (auto)' },
  threads: { value: 'N', help: 'worker threads; several runs with commas: 1,2,4 (1)' },
  shards: { value: 'N', help: 'partitions of the memory, a power of two (auto)' },
  seed: { value: 'N', help: 'seed of the hash functions and of the generated trace' },
} as const

const mostThreads = 120

/** Errors: OSTRAKA_ERR_USAGE, and OSTRAKA_ERR_INVALID_OPTION for what concerns the cache. */
export function planReplay({ positionals, values }: CommandInput): Plan {
  const text = (name: keyof typeof replayOptions): string | undefined => {
    const value = values[name]
    return typeof value === 'string' ? value : undefined
  }
  const bytes = (name: keyof typeof replayOptions): number | undefined => {
    const given = text(name)
    const parsed = given === undefined ? undefined : parseSize(given)
    if (given !== undefined && parsed === undefined) throw usageError(`--${name} ${given}: use ${sizeHint}`)
    return parsed
  }
  const whole = (name: keyof typeof replayOptions, least: number, most: number): number | undefined => {
    const given = text(name)
    return given === undefined ? undefined : wholeNumber(`--${name}`, given, least, most)
  }

  const demo = values['demo'] === true
  if (demo && positionals.length > 0)
    throw usageError('--demo replays a generated trace; leave it out to replay a file')
  const format = oneOf('--format', text('format'), traceFormats)
  const requests = whole('requests', 1, 2 ** 31)
  const seed = whole('seed', 0, 2 ** 32 - 1)
  const ttlText = text('ttl')
  const ttl = ttlText === undefined ? undefined : parseDuration(/^\d+$/.test(ttlText) ? Number(ttlText) : ttlText)
  if (ttlText !== undefined && ttl === undefined) throw usageError(`--ttl ${ttlText}: use ${durationHint}`)
  const unit = oneOf('--trace-time', text('trace-time'), ['s', 'ms'] as const)
  const shards = whole('shards', 1, 1024)
  const engines = engineList(text('engine') ?? (demo ? 'both' : 'auto'))
  const valueBytes = bytes('value-bytes')
  const maxBytes = bytes('max-bytes') ?? (demo && text('max-entries') === undefined ? demoBytes : undefined)

  const cache: CacheOptions = {
    maxBytes,
    maxEntries: whole('max-entries', 1, 2 ** 31),
    ttl,
    policy: text('policy') as CacheOptions['policy'],
    shards,
    seed,
    clock: unit === undefined ? 'system' : 'manual',
    // The near caches of the threads would answer instead of the shared memory that is to be measured.
    near: false,
  }
  // Before a long trace is read for nothing.
  readOptions(cache)

  return {
    files: positionals,
    format,
    requests,
    generate: { requests, ...(seed === undefined ? {} : { seed }) },
    engines: engines.names,
    skipMissingEngine: engines.both,
    threads: threadList(text('threads') ?? (demo ? demoThreads() : '1')),
    cache,
    valueBytes,
    valueBytesWithoutSizes: 100,
    timeUnit: unit === undefined ? 0 : unit === 's' ? 1000 : 1,
  }
}

/** A third of what the generated trace asks for, so that something must be evicted. */
const demoBytes = 16 * 2 ** 20

const demoThreads = () => `1,${Math.min(4, Math.max(2, availableParallelism()))}`

function oneOf<const T extends string>(option: string, given: string | undefined, names: readonly T[]): T | undefined {
  const found = names.find((name) => name === given)
  if (given === undefined || found !== undefined) return found
  throw usageError(`${option} ${given}: use ${names.join(', ')}${didYouMean(given, names)}`)
}

function engineList(given: string): { names: readonly EngineName[]; both: boolean } {
  if (given === 'both') return { names: ['native', 'js'], both: true }
  const names = given.split(',').map((name) => oneOf('--engine', name, ['native', 'js', 'auto', 'both'] as const)!)
  if (names.includes('both')) throw usageError('--engine both stands alone')
  return { names: [...new Set(names)] as EngineName[], both: false }
}

function threadList(given: string): readonly number[] {
  const counts = given.split(',').map((count) => wholeNumber('--threads', count, 1, mostThreads))
  return [...new Set(counts)]
}
