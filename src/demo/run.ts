// The demo from beginning to end: finds equal budgets, starts a process for each contender, fills their caches with the same requests,
// drives HTTP load against one after the other, several rounds, and sums up. May touch: child processes, load threads.
import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { LatencyHistogram } from '../replay/latency.js'
import { type Calibration, type CalibrationTask, findBudget, firstBudget, measureBudget } from './calibrate.js'
import { Caller } from './calls.js'
import { type LoadCounts, Progress } from './load-protocol.js'
import type { LoadAnswers } from './load-thread.js'
import { defaultOrigin, type OriginSettings } from './origin.js'
import { type Contender, startContender, stopContender } from './processes.js'
import { measureSingleThread, type SingleThread } from './single-thread.js'
import { type ContenderName, contenderNames, isMissing } from './store.js'
import { demoRequests } from './workload.js'

export interface DemoSettings {
  readonly threads: number
  /** Of load on each contender, in all rounds together. */
  readonly seconds: number
  readonly seed: number
  /** `maxBytes` of the shared native cache; the others get what takes as much resident memory. */
  readonly maxBytes: number
  /** Keep-alive connections to each server. */
  readonly connections: number
  /** Requests with which the caches are filled before anything is measured. */
  readonly warmUp: number
}

export const defaultDemo: Omit<DemoSettings, 'threads' | 'warmUp'> = {
  seconds: 4,
  seed: 1,
  maxBytes: 64 * 2 ** 20,
  connections: 48,
}

/** Requests with which caches of this size are filled before anything is measured: many more than there is room for. */
export function warmUpFor(maxBytes: number): number {
  return Math.ceil(Math.min(4e6, Math.max(50_000, maxBytes / 200)))
}

export interface ContenderResult {
  readonly contender: ContenderName
  /** Bytes for the shared caches, entries in each thread for lru-cache, 0 without a cache. */
  readonly budget: number
  /** Entries that a thread can reach, at the end. */
  readonly entries: number
  readonly requests: number
  /** The median of the rounds. */
  readonly requestsPerSecond: number
  /** Milliseconds, as the clients see them. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly p999: number }
  readonly hits: number
  readonly misses: number
  readonly hitRatio: number
  /** Loads that the origin did: fewer than misses where several wait for one. */
  readonly originLoads: number
  readonly loadsPerThousand: number
  /** Milliseconds for which the event loop of a server thread stood still at most. */
  readonly longestPause: number
  /** Bytes of the server's process: at the end without garbage, and the most under load. */
  readonly resident: number
  readonly residentPeak: number
  /** Answers that were not the bytes that belong to the key: must be 0. */
  readonly wrong: number
  readonly failed: number
}

export interface DemoResult {
  readonly settings: DemoSettings
  readonly origin: OriginSettings
  readonly calibrations: readonly Calibration[]
  readonly contenders: readonly ContenderResult[]
  readonly skipped: readonly { readonly contender: ContenderName; readonly reason: string }[]
  readonly singleThread: SingleThread
  readonly seconds: number
}

/** What is being done, how far it is (0 to 1), and a figure of the moment. */
export type DemoListener = (stage: string, done: number, note: string) => void

export const rounds = 4
/** Seconds of load before the first round, in which V8 compiles. */
const settling = 0.4

/** Milliseconds without load after which V8 has given back what it held ready for more load. */
const atLeastIdle = 4000

interface Running extends Contender {
  readonly name: ContenderName
  readonly budget: number
  readonly progress: Int32Array
  readonly latencies: LatencyHistogram
  readonly rates: number[]
  readonly sums: Record<'requests' | 'hits' | 'misses' | 'loads' | 'wrong' | 'failed', number>
  longestPause: number
  residentPeak: number
}

/** Errors: those of the contenders, except of those that cannot run here: they are skipped, and the result says why. */
export async function runDemo(settings: DemoSettings, tell: DemoListener = () => {}): Promise<DemoResult> {
  const begun = performance.now()
  const { threads, seconds, warmUp } = settings
  const origin: OriginSettings = { ...defaultOrigin, seed: settings.seed }
  const skipped: { contender: ContenderName; reason: string }[] = []
  tell('preparing the requests', 0, '')
  // A fast machine asks for some 60,000 a second; beyond the end the list begins again.
  const requests = shared(demoRequests(warmUp + Math.ceil(Math.max(seconds, 1) * 60_000), settings.seed))
  const warming = requests.slice(0, warmUp)

  const calibrations = await calibrate(settings.maxBytes, { threads, origin, warming }, skipped, tell)
  const running: Running[] = []
  const load = new LoadThreads(Math.max(1, Math.ceil(threads / 2)), requests.subarray(warmUp))
  try {
    const taking = contenderNames.filter((name) => !skipped.some(({ contender }) => contender === name))
    for (const [at, name] of taking.entries()) {
      tell(`filling the caches: ${name}`, 0.15 + (0.1 * at) / taking.length, '')
      const budget = calibrations.find(({ contender }) => contender === name)?.budget ?? 0
      const contender = await startContender({ threads, store: { contender: name, budget }, origin })
      running.push(newRunning(name, budget, contender))
      await contender.caller.ask('warm', warming)
    }
    for (let round = 0; round <= rounds; round++) {
      for (const [at, contender] of running.entries()) {
        const slice = round === 0 ? settling : seconds / rounds
        const step = 0.65 / (rounds * running.length)
        const from = 0.25 + step * Math.max(0, (round - 1) * running.length + at)
        const stage = round === 0 ? `settling: ${contender.name}` : `round ${round} of ${rounds}: ${contender.name}`
        await loadSlice(load, contender, settings.connections, slice, round > 0, (share, note) =>
          tell(stage, round === 0 ? 0.25 : from + step * share, note),
        )
      }
    }
    tell('one thread alone', 0.9, '')
    const resting = wait(atLeastIdle)
    const singleThread = await measureSingleThread()
    tell('measuring memory', 0.97, '')
    await resting
    const contenders = await Promise.all(running.map(result))
    await Promise.all([load.close(), ...running.map(stopContender)])
    return {
      settings,
      origin,
      calibrations,
      contenders,
      skipped,
      singleThread,
      seconds: (performance.now() - begun) / 1000,
    }
  } finally {
    for (const { child } of running) child.kill('SIGKILL')
    await load.close()
  }
}

/** The first cache that runs here sets how much memory all of them take. */
async function calibrate(
  maxBytes: number,
  task: CalibrationTask,
  skipped: { contender: ContenderName; reason: string }[],
  tell: DemoListener,
): Promise<Calibration[]> {
  const found: Calibration[] = []
  for (const [at, name] of contenderNames.filter((contender) => contender !== 'none').entries()) {
    tell(`measuring memory: ${name}`, 0.02 + 0.04 * at, '')
    try {
      const wanted = found[0]?.resident
      found.push(
        wanted === undefined
          ? await measureBudget(name, firstBudget(name, maxBytes, task.threads), task)
          : await findBudget(name, maxBytes, wanted, task),
      )
    } catch (error) {
      if (!isMissing(error)) throw error
      skipped.push({ contender: name, reason: error.message })
    }
  }
  return found
}

function newRunning(name: ContenderName, budget: number, contender: Contender): Running {
  return {
    ...contender,
    name,
    budget,
    progress: new Int32Array(new SharedArrayBuffer(8)),
    latencies: new LatencyHistogram(),
    rates: [],
    sums: { requests: 0, hits: 0, misses: 0, loads: 0, wrong: 0, failed: 0 },
    longestPause: 0,
    residentPeak: 0,
  }
}

async function loadSlice(
  load: LoadThreads,
  contender: Running,
  connections: number,
  seconds: number,
  counted: boolean,
  tell: (share: number, note: string) => void,
): Promise<void> {
  const { caller, ports, progress, sums } = contender
  await caller.ask('begin', undefined)
  const begun = performance.now()
  const doneBefore = Atomics.load(progress, Progress.done)
  const watch = setInterval(() => {
    const elapsed = (performance.now() - begun) / 1000
    const rate = (Atomics.load(progress, Progress.done) - doneBefore) / elapsed
    tell(Math.min(1, elapsed / seconds), `${Math.round(rate).toLocaleString('en')} requests/s`)
  }, 100)
  try {
    const slices = await load.slice(ports, connections, seconds * 1000, progress)
    const counts = await caller.ask('end', undefined)
    const { wrong, failed } = sums
    sums.wrong = wrong + slices.reduce((sum, slice) => sum + slice.wrong, 0)
    sums.failed = failed + slices.reduce((sum, slice) => sum + slice.failed, 0)
    if (!counted) return
    const requests = slices.reduce((sum, slice) => sum + slice.requests, 0)
    sums.requests += requests
    sums.hits += counts.hits
    sums.misses += counts.misses
    sums.loads += counts.loads
    contender.rates.push(requests / Math.max(...slices.map((slice) => slice.seconds)))
    for (const { latencies } of slices) contender.latencies.add(new LatencyHistogram(latencies))
    contender.longestPause = Math.max(contender.longestPause, counts.longestPause)
    contender.residentPeak = Math.max(contender.residentPeak, counts.residentPeak)
  } finally {
    clearInterval(watch)
  }
}

async function result(contender: Running): Promise<ContenderResult> {
  const { name, budget, sums, latencies, longestPause, residentPeak } = contender
  const { resident, entries } = await contender.caller.ask('resident', undefined)
  const milliseconds = (share: number) => latencies.quantile(share) / 1e6
  return {
    contender: name,
    budget,
    entries,
    requests: sums.requests,
    requestsPerSecond: median(contender.rates),
    latency: { p50: milliseconds(0.5), p99: milliseconds(0.99), p999: milliseconds(0.999) },
    hits: sums.hits,
    misses: sums.misses,
    hitRatio: sums.hits / (sums.hits + sums.misses),
    originLoads: sums.loads,
    loadsPerThousand: (sums.loads / sums.requests) * 1000,
    longestPause,
    resident,
    residentPeak,
    wrong: sums.wrong,
    failed: sums.failed,
  }
}

class LoadThreads {
  readonly #callers: Caller<LoadAnswers>[]

  constructor(threads: number, requests: Uint32Array) {
    this.#callers = Array.from(
      { length: threads },
      () =>
        new Caller(
          'a load thread',
          new Worker(new URL('./load-thread.js', import.meta.url), { workerData: { requests } }),
        ),
    )
  }

  slice(
    ports: readonly number[],
    connections: number,
    milliseconds: number,
    progress: Int32Array,
  ): Promise<LoadCounts[]> {
    const each = Math.ceil(connections / this.#callers.length)
    return Promise.all(
      this.#callers.map((caller) => caller.ask('slice', { ports, connections: each, milliseconds, progress })),
    )
  }

  async close(): Promise<void> {
    await Promise.all(this.#callers.map((caller) => caller.ask('close', undefined).catch(() => {})))
  }
}

function shared(numbers: Uint32Array): Uint32Array {
  const memory = new Uint32Array(new SharedArrayBuffer(numbers.byteLength))
  memory.set(numbers)
  return memory
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
