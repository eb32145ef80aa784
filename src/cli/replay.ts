// The replay command: reads its options, loads each trace and runs it through every engine and number of threads asked
// for. May touch: trace files (reading), the results file, stdout, stderr.
import { availableParallelism, cpus } from 'node:os'
import { OstrakaError } from '../errors.js'
import type { CacheOptions } from '../options/cache-options.js'
import { type ReplayResult, replayTrace } from '../replay/run.js'
import { generateTrace } from '../traces/generate.js'
import { loadTrace } from '../traces/load.js'
import type { Trace } from '../traces/trace.js'
import { type Command, type CommandInput, usageError } from './command.js'
import { jsonOption, writeJson } from './json-file.js'
import { Progress } from './progress.js'
import { type Plan, planReplay, replayOptions } from './replay-plan.js'
import { runReport, runsTable, traceLine } from './replay-report.js'
import { yellow } from './text.js'
import { packageVersion } from './version.js'

export const replayCommand: Command = {
  name: 'replay',
  summary: 'Replay access traces through one shared cache and measure it',
  usage: 'replay [TRACE…] [options]',
  positionals: Number.POSITIVE_INFINITY,
  options: { ...replayOptions, json: jsonOption },
  details: `A get that misses is followed by a set, as an application would do it.
Formats: the .lis of the ARC paper; csv with key, or time,key, or time,key,size,
or a header that names the columns; libCacheSim's oracleGeneral; Twitter's
cache-trace csv. Each may be compressed as .gz or .zst. Sizes are bytes or like
256mb, times are milliseconds or like 30s.

Examples:
  ostraka replay --demo
  ostraka replay oltp.lis.gz --max-entries 5000
  ostraka replay cluster12.csv.zst --max-bytes 256mb --threads 1,2 --engine both`,
  run,
}

async function run(input: CommandInput): Promise<number> {
  const plan = planReplay(input)
  const json = input.values['json']
  // With the results on stdout, what is for people goes to stderr.
  const print = (text: string) => (json === '-' ? process.stderr : process.stdout).write(`${text}\n`)
  const results: ReplayResult[] = []
  const skipped: { engine: string; reason: string }[] = []

  for (const file of plan.files.length > 0 ? plan.files : [undefined]) {
    const trace = file === undefined ? generateTrace(plan.generate) : await load(file, plan)
    print(traceLine(trace))
    for (const engine of plan.engines) {
      for (const threads of plan.threads) {
        if (skipped.some((skip) => skip.engine === engine)) continue
        try {
          const result = await replayOnce(trace, plan, engine, threads)
          results.push(result)
          print(`\n${runReport(result)}`)
        } catch (error) {
          const missing = error instanceof OstrakaError && error.code === 'OSTRAKA_ERR_ENGINE_UNAVAILABLE'
          if (!missing || !plan.skipMissingEngine) throw error
          skipped.push({ engine, reason: error.message })
          print(`\n${yellow('Left out:')} ${error.message}`)
        }
      }
    }
    print('')
  }
  if (results.length > 1) print(`${runsTable(results)}\n`)

  if (json !== undefined) {
    const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism() }
    writeJson(String(json), { ostraka: packageVersion(), node: process.version, ...machine, runs: results, skipped })
  }
  const wrong = results.reduce((sum, result) => sum + result.wrongValues, 0)
  if (wrong > 0) throw new Error(`${wrong} values came back with another length than they were set with`)
  return 0
}

async function load(file: string, plan: Plan): Promise<Trace> {
  const progress = new Progress(`reading ${file}`)
  try {
    return await loadTrace(file, {
      format: plan.format,
      limit: plan.requests,
      keepTimes: plan.timeUnit > 0,
      onProgress: (requests) => progress.update(requests, plan.requests ?? 0, `${requests} requests`),
    })
  } finally {
    progress.end()
  }
}

async function replayOnce(
  trace: Trace,
  plan: Plan,
  engine: CacheOptions['engine'],
  threads: number,
): Promise<ReplayResult> {
  if (plan.timeUnit > 0 && trace.times === undefined) throw usageError(`--trace-time: ${trace.name} tells no times`)
  const valueBytes = plan.valueBytes ?? (trace.sizes === undefined ? plan.valueBytesWithoutSizes : undefined)
  const progress = new Progress(`${trace.name}, ${engine}, ${threads} thread${threads > 1 ? 's' : ''}`)
  try {
    return await replayTrace(
      trace,
      { cache: { ...plan.cache, engine }, threads, valueBytes, timeUnit: plan.timeUnit },
      (done) => progress.update(done, trace.requests),
    )
  } finally {
    progress.end()
  }
}
