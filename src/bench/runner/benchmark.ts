// One benchmark of caches or functions under a workload: opens the subjects, warms them up until they are steady, measures them in turn
// until the result is sure enough, and sums up. May touch: the subjects; worker threads and child processes where asked for.
import { OstrakaError } from '../../errors.js'
import { LatencyHistogram } from '../../replay/latency.js'
import { type Environment, environment } from '../results/environment.js'
import { type PairedRatio, pairedRatio } from '../statistics/difference.js'
import { type Summary, summarize } from '../statistics/samples.js'
import { makeStream, type Stream, type StreamSettings } from '../workload/stream.js'
import type { OpenArrivals } from './arrivals.js'
import { systemClock } from './clock.js'
import { drive, type Slice, type SliceResult } from './drive.js'
import { type Host, type HostMemory, type HostTask, startHost, startProcess } from './host.js'
import { addCounts, noCounts, type RequestCounts, type RequesterSettings, requesterFor } from './requester.js'
import { type Effort, type Ended, measureInTurn, type WarmUp, warmUp } from './rounds.js'
import type { BenchmarkCache, Subject } from './target.js'
import type { ValueKind } from './values.js'

/** What a benchmark compares by, and repeats until it is sure of. */
export type Metric = 'throughput' | 'p50' | 'p99' | 'p999'

export interface BenchmarkSettings {
  readonly name?: string
  /** The first is the one that the others are compared with. */
  readonly subjects: readonly Subject[]
  readonly workload: StreamSettings | Stream
  /** What stands under the keys. Default 'string'. */
  readonly values?: ValueKind
  /** Keys built for each request, as servers do, or once. Default 'fresh'. */
  readonly keys?: 'fresh' | 'reused'
  /** What a read misses is set, as after a load. Default true. */
  readonly fillMisses?: boolean
  /** Every key is set once before. Default true. */
  readonly prefill?: boolean
  /** Requests come when they are due, whatever became of those before. Default: a closed loop, each caller asks again when answered. */
  readonly arrivals?: OpenArrivals
  /** Threads that send requests; more than one needs subjects given by `module`. Default 1, the calling thread. */
  readonly threads?: number
  /** Connections of each thread, and requests under way on each, for subjects that answer later. Default 1 and 1. */
  readonly connections?: number
  readonly depth?: number
  /** Each subject in a process of its own, which tells its memory; needs subjects given by `module`. Default false. */
  readonly isolate?: boolean
  /** Milliseconds: of one measured slice, of its ramp and cool-down, of draining, and of warming up at most (0: not at all). */
  readonly slice?: number
  readonly ramp?: number
  readonly coolDown?: number
  readonly drain?: number
  readonly warmUp?: number
  /** In place of a time: requests of one slice. */
  readonly requests?: number
  /** Default: throughput in a closed loop, p99 under open arrivals. */
  readonly metric?: Metric
  /** Default 0.05, 10 s, 5 and 50. */
  readonly precision?: number
  readonly budget?: number
  readonly leastRounds?: number
  readonly mostRounds?: number
  readonly seed?: number
  readonly onProgress?: (progress: BenchmarkProgress) => void
}

export interface BenchmarkProgress {
  readonly phase: 'opening' | 'filling' | 'warming up' | 'measuring' | 'closing'
  readonly subject: string
  /** From 0; of measuring. */
  readonly round: number
  /** How sure the result is by now: the largest half-width, as a share. */
  readonly error: number
}

/** Nanoseconds. */
export interface Latencies {
  readonly samples: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly most: number
}

export interface SubjectResult {
  readonly name: string
  /** Requests a second, of the rounds. */
  readonly throughput: Summary
  readonly latencies: Latencies
  /** 0 to 1; NaN without reads. */
  readonly hitRatio: number
  readonly counts: RequestCounts
  readonly unanswered: number
  /** Nanoseconds that the load loop itself was late at most, under open arrivals. */
  readonly latestSend: number
  /** What is compared, round by round. */
  readonly samples: readonly number[]
  /** Against the first subject; absent for the first. */
  readonly againstFirst: PairedRatio | undefined
  /** Growth of its process since it was opened; absent unless isolated. */
  readonly memory: HostMemory | undefined
  readonly warmUp: WarmUp
}

export interface BenchmarkResult {
  readonly name: string
  readonly metric: Metric
  readonly better: 'higher' | 'lower'
  readonly subjects: readonly SubjectResult[]
  /** Sure enough, or the budget or the rounds were spent before. */
  readonly ended: Ended
  readonly error: number
  readonly seconds: number
  /** On what and of what it was measured. */
  readonly environment: Environment
  /** As they were given, with what was not given as it was taken; without subjects and functions. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Nanoseconds a request of which the runner itself takes: making keys and values, counting. Part of every figure. */
  readonly overhead: number
}

interface Running {
  readonly subject: Subject
  readonly host: Host
  readonly latencies: LatencyHistogram
  readonly counts: RequestCounts
  readonly rates: number[]
  unanswered: number
  latest: number
  warmUp: WarmUp
}

/** Errors: OSTRAKA_ERR_INVALID_OPTION; those of the subjects. */
export async function runBenchmark(settings: BenchmarkSettings): Promise<BenchmarkResult> {
  const { subjects, threads = 1, isolate = false, connections = 1, depth = 1, seed = 1, onProgress } = settings
  check(settings)
  const where = environment()
  const stream = 'asks' in settings.workload ? settings.workload : makeStream({ seed, ...settings.workload })
  const requests = {
    values: settings.values ?? 'string',
    fill: settings.fillMisses ?? true,
    keys: settings.keys ?? 'fresh',
  }
  const metric = settings.metric ?? (settings.arrivals === undefined ? 'throughput' : 'p99')
  const slice: Slice = {
    ...(settings.requests === undefined ? { milliseconds: settings.slice ?? 500 } : { requests: settings.requests }),
    ramp: settings.ramp ?? 50,
    coolDown: settings.coolDown ?? (threads > 1 ? 50 : 0),
    drain: settings.drain ?? 2000,
    arrivals: settings.arrivals,
    atOnce: connections * depth,
    sampleEvery: 16,
    seed,
  }
  const tell = (phase: BenchmarkProgress['phase'], subject: string, round = 0, error = Number.POSITIVE_INFINITY) =>
    onProgress?.({ phase, subject, round, error })
  const overhead = await ownOverhead(stream, requests)

  const running: Running[] = []
  try {
    for (const subject of subjects) {
      tell('opening', subject.name)
      const task: HostTask = { subject, stream, requests, threads, connections, seed }
      const host = await (isolate ? startProcess(task) : startHost(task))
      const counts = noCounts()
      const latencies = new LatencyHistogram()
      const warm = { rounds: 0, steady: false }
      running.push({ subject, host, latencies, counts, rates: [], unanswered: 0, latest: 0, warmUp: warm })
      tell('filling', subject.name)
      if (settings.prefill ?? true) await host.fill()
      tell('warming up', subject.name)
      const small = shortened(slice)
      const most = settings.warmUp ?? 2000
      const rate = async () => {
        const { requests, seconds } = await host.run(small)
        return requests / seconds
      }
      if (most > 0) running.at(-1)!.warmUp = await warmUp(rate, most, systemClock)
    }
    const effort: Effort = {
      precision: settings.precision ?? 0.05,
      budget: settings.budget ?? 10_000,
      leastRounds: settings.leastRounds ?? 5,
      mostRounds: settings.mostRounds ?? 50,
    }
    let error = Number.POSITIVE_INFINITY
    const rounds = await measureInTurn(
      running.length,
      async (at, round) => {
        const one = running[at]!
        tell('measuring', one.subject.name, round, error)
        return account(one, await one.host.run({ ...slice, seed: seed + round }), metric)
      },
      effort,
      systemClock,
      (_, left) => {
        error = left
      },
    )
    const results: SubjectResult[] = []
    for (const [at, one] of running.entries()) {
      tell('closing', one.subject.name)
      const first = at === 0 ? undefined : pairedRatio(rounds.samples[at]!, rounds.samples[0]!)
      results.push(await sumUp(one, rounds.samples[at]!, first, isolate))
    }
    return {
      name: settings.name ?? stream.name,
      metric,
      better: metric === 'throughput' ? 'higher' : 'lower',
      subjects: results,
      ended: rounds.ended,
      error: rounds.error,
      seconds: rounds.seconds,
      environment: where,
      settings: {
        ...told(settings),
        workload: described(settings.workload),
        ...requests,
        ...slice,
        ...effort,
        threads,
        connections,
        depth,
        isolate,
        seed,
      },
      overhead,
    }
  } finally {
    for (const { host } of running) await host.close()
  }
}

function check(settings: BenchmarkSettings): void {
  const { subjects, threads = 1, isolate = false, arrivals, workload } = settings
  const faults: string[] = []
  if (subjects.length === 0) faults.push('subjects: there is none to measure')
  const names = subjects.map(({ name }) => name)
  if (new Set(names).size < names.length) faults.push('subjects: two have the same name')
  if (threads > 1 || isolate) {
    for (const { name } of subjects.filter(({ module }) => module === undefined)) {
      const what = isolate ? 'a process' : 'a thread'
      faults.push(`subjects: ${name} is given by a function, which ${what} cannot be handed; use module`)
    }
  }
  const least = (name: string, value: number | undefined, from: number) => {
    if (value !== undefined && !(value >= from)) faults.push(`${name}: at least ${from}, not ${value}`)
  }
  const above = (name: string, value: number | undefined) => {
    if (value !== undefined && !(value > 0)) faults.push(`${name}: above 0, not ${value}`)
  }
  for (const name of ['threads', 'connections', 'depth', 'requests', 'leastRounds', 'mostRounds'] as const)
    least(name, settings[name], 1)
  for (const name of ['ramp', 'coolDown', 'drain', 'warmUp', 'budget'] as const) least(name, settings[name], 0)
  for (const name of ['slice', 'precision'] as const) above(name, settings[name])
  above('arrivals.perSecond', arrivals?.perSecond)
  if ('asks' in workload) least('workload.length', workload.length, 1)
  else for (const name of ['requests', 'keys'] as const) least(`workload.${name}`, workload[name], 1)
  if (faults.length > 0) throw new OstrakaError('OSTRAKA_ERR_INVALID_OPTION', faults.join('; '))
}

/** What can be written down of the settings. */
function told({ name, arrivals, prefill = true, warmUp = 2000 }: BenchmarkSettings): object {
  return { name, arrivals, prefill, warmUp }
}

/** A stream that was made beforehand is told by its name and length: it is too long to be written down. */
function described(workload: BenchmarkSettings['workload']): object {
  return 'asks' in workload ? { name: workload.name, length: workload.length, keys: workload.keySpace } : workload
}

/** Enough to see whether it drifts: a slice without its ramp, a fifth as long. */
function shortened(slice: Slice): Slice {
  const { milliseconds, requests } = slice
  const length =
    milliseconds === undefined ? { requests: Math.ceil(requests! / 5) } : { milliseconds: milliseconds / 5 }
  return { ...slice, ...length, ramp: 0, coolDown: 0 }
}

function account(one: Running, result: SliceResult, metric: Metric): number {
  addCounts(one.counts, result.counts)
  const histogram = new LatencyHistogram(result.latencies)
  one.latencies.add(histogram)
  one.unanswered += result.unanswered
  one.latest = Math.max(one.latest, result.latest * 1e6)
  const rate = Math.max(result.requests, 1e-9) / result.seconds
  one.rates.push(rate)
  if (metric === 'throughput') return rate
  return Math.max(1, histogram.quantile({ p50: 0.5, p99: 0.99, p999: 0.999 }[metric]))
}

async function sumUp(
  one: Running,
  samples: readonly number[],
  againstFirst: PairedRatio | undefined,
  isolated: boolean,
): Promise<SubjectResult> {
  const { subject, latencies, counts, rates, unanswered, latest, host } = one
  return {
    name: subject.name,
    throughput: summarize(rates),
    latencies: latenciesOf(latencies),
    hitRatio: counts.hits / counts.reads,
    counts,
    unanswered,
    latestSend: latest,
    samples,
    againstFirst,
    memory: isolated ? await host.memory() : undefined,
    warmUp: one.warmUp,
  }
}

export function latenciesOf(histogram: LatencyHistogram): Latencies {
  return {
    samples: histogram.samples,
    p50: histogram.quantile(0.5),
    p90: histogram.quantile(0.9),
    p99: histogram.quantile(0.99),
    p999: histogram.quantile(0.999),
    most: histogram.quantile(1),
  }
}

/** Finds what it is asked for, at no cost: what remains is the runner's own. */
const nothing: BenchmarkCache = { get: () => '', set: () => true, follow: () => {} }

async function ownOverhead(stream: Stream, requests: RequesterSettings): Promise<number> {
  const requester = requesterFor(nothing, stream, requests)
  const slice: Slice = { requests: 20_000, ramp: 0, coolDown: 0, drain: 0, atOnce: 1, sampleEvery: 16, seed: 1 }
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 4; round++) {
    const { requests, seconds } = await drive(requester, slice, { next: 0 }, systemClock)
    least = Math.min(least, (seconds * 1e9) / requests)
  }
  return least
}
