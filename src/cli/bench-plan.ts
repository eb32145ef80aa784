// What a bench command line asks for, checked. May touch: the number of cores, trace folders, earlier results (reading).
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { rivalIds } from '../bench/rivals/all.js'
import type { EngineName } from '../bench/rivals/ostraka.js'
import { suites } from '../bench/suites/all.js'
import type { RunSettings } from '../bench/suites/run.js'
import type { Scale } from '../bench/suites/suite.js'
import { durationHint, parseDuration } from '../options/units.js'
import { type CommandInput, didYouMean, usageError, wholeNumber } from './command.js'
import { machine } from './machine.js'

export const benchOptions = {
  list: { help: 'list the suites and rivals, and run nothing' },
  suite: { value: 'LIST', help: 'suites to run, like SUITE…; smoke: all of them, tiny' },
  quick: { help: 'fewer cases and rounds: minutes for all suites' },
  budget: { value: 'TIME', help: 'time for each comparison (10s; 2s with --quick)' },
  precision: { value: 'PERCENT', help: 'wanted half-width of 95 % confidence (3; 8 with --quick)' },
  engine: { value: 'LIST', help: 'native, js or both (both)' },
  rivals: { value: 'LIST', help: 'caches to compare with, all or none (all)' },
  threads: { value: 'LIST', help: 'counts of threads for scaling, like 1,2,4 (up to the cores)' },
  traces: { value: 'PATH', help: 'a trace file, or a folder of them, for the suite traces' },
  seed: { value: 'N', help: 'seed of the workloads (1)' },
  from: { value: 'FILE', help: 'take an earlier JSON result in place of running suites' },
  html: { value: 'FILE', help: 'also write a report with plots, one file that works offline' },
  markdown: { value: 'FILE', help: 'also write the tables, and where we lose, as Markdown' },
  history: { value: 'FOLDER', help: 'keep the result there; --compare latest finds it' },
  compare: { value: 'FILE', help: 'compare with an earlier result; exit code 1 if worse' },
  threshold: { value: 'PERCENT', help: 'a change of less is none (10)' },
  figures: { help: "measure the project's own figures to hold (in its repository)" },
} as const

export interface BenchPlan {
  readonly run: RunSettings
  readonly from: string | undefined
  readonly html: string | undefined
  readonly markdown: string | undefined
  readonly history: string | undefined
  readonly compare: string | undefined
  /** A share. */
  readonly threshold: number
}

/** Errors: OSTRAKA_ERR_USAGE. */
export function planBench({ positionals, values }: CommandInput): BenchPlan {
  const text = (name: keyof typeof benchOptions) => values[name] as string | undefined
  const named = [...positionals, ...list(text('suite') ?? '')]
  const smoke = named.includes('smoke')
  const scale: Scale = smoke ? 'smoke' : values['quick'] === true ? 'quick' : 'full'
  const budget = text('budget')
  const parsed = budget === undefined ? { smoke: 1, quick: 2000, full: 10_000 }[scale] : parseDuration(budget)
  if (parsed === undefined || !(parsed > 0)) throw usageError(`--budget ${budget}: use ${durationHint}`)
  const { cores, coreQuota } = machine()
  const seed = text('seed')
  return {
    run: {
      suites: suiteNames(named.filter((name) => name !== 'smoke')),
      scale,
      budget: parsed,
      precision: percent('--precision', text('precision')) ?? { smoke: 1, quick: 0.08, full: 0.03 }[scale],
      seed: seed === undefined ? 1 : wholeNumber('--seed', seed, 0, 2 ** 32 - 1),
      engines: engineNames(text('engine') ?? 'both'),
      rivals: rivalNames(text('rivals') ?? 'all'),
      threads: threadCounts(text('threads'), Math.ceil(Math.min(cores, coreQuota ?? cores)), scale),
      traces: traceFiles(text('traces') ?? process.env['OSTRAKA_TRACES']),
    },
    from: text('from'),
    html: text('html'),
    markdown: text('markdown'),
    history: text('history'),
    compare: text('compare'),
    threshold: percent('--threshold', text('threshold')) ?? 0.1,
  }
}

const list = (given: string) => given.split(',').filter((name) => name !== '')

function chosen<T extends string>(option: string, names: readonly string[], known: readonly T[]): T[] {
  const unknown = names.find((name) => !(known as readonly string[]).includes(name))
  if (unknown !== undefined) {
    throw usageError(
      `${option}: ${JSON.stringify(unknown)} is unknown${didYouMean(unknown, known) || `; there are ${known.join(', ')}`}`,
    )
  }
  return [...new Set(names)] as T[]
}

function suiteNames(named: readonly string[]): string[] {
  const known = suites.map(({ name }) => name)
  return named.length === 0 ? known : chosen('suite', named, known)
}

function engineNames(given: string): EngineName[] {
  return given === 'both' ? ['native', 'js'] : chosen('--engine', list(given), ['native', 'js'] as const)
}

function rivalNames(given: string): string[] {
  if (given === 'none') return []
  const known = Object.keys(rivalIds)
  return given === 'all' ? known : chosen('--rivals', list(given), known)
}

function threadCounts(given: string | undefined, cores: number, scale: Scale): number[] {
  if (given !== undefined) return [...new Set(list(given).map((count) => wholeNumber('--threads', count, 1, 128)))]
  if (scale === 'smoke') return [1, 2]
  // Powers of two, and all of them.
  const counts = [1, 2, 4, 8, 16, 32, 64, 128].filter((count) => count <= Math.max(2, cores))
  return [...new Set([...counts, Math.min(128, Math.max(2, cores))])].sort((a, b) => a - b)
}

function percent(option: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  const value = Number(given.replace(/\s*%$/, ''))
  if (!(value > 0 && value <= 100))
    throw usageError(`${option} must be a percentage above 0, up to 100, not ${JSON.stringify(given)}`)
  return value / 100
}

const traceNames = /\.(lis|csv|oracleGeneral|bin)(\.(gz|zst))?$/

function traceFiles(given: string | undefined): string[] {
  if (given === undefined || given === '') return []
  try {
    if (!statSync(given).isDirectory()) return [given]
    // A file of reference figures beside the traces is none itself.
    const names = readdirSync(given).filter((name) => traceNames.test(name) && !name.startsWith('reference'))
    return names.sort().map((name) => path.join(given, name))
  } catch (cause) {
    throw usageError(`--traces: ${(cause as Error).message}`)
  }
}
