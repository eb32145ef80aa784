// Replays a trace through one shared cache over several worker threads and measures it. May touch: the public cache
// API, worker threads of its own, the resident memory of the process (reading).
import { Worker } from 'node:worker_threads'
import { OstrakaError, type OstrakaErrorCode } from '../errors.js'
import { createCache } from '../index.js'
import type { CacheOptions } from '../options/cache-options.js'
import type { Trace } from '../traces/trace.js'
import { histogramBytes, LatencyHistogram } from './latency.js'
import { type Observation, observe } from './observe.js'
import {
  blockRequests,
  type FromWorker,
  latencyBytes,
  latencyKinds,
  State,
  Sum,
  stateBytes,
  sumCount,
  type ToWorker,
  type WorkerTask,
} from './protocol.js'

export interface ReplaySettings {
  /** Options of the cache; the name is the replay's own. */
  readonly cache: CacheOptions
  readonly threads: number
  /** Fixed size of values in bytes; undefined: the trace's own sizes. */
  readonly valueBytes?: number | undefined
  /** Milliseconds in one unit of the trace's time, for a cache whose clock follows the trace; 0 = it does not. */
  readonly timeUnit?: number | undefined
}

/** Nanoseconds. */
export interface LatencySummary {
  readonly samples: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

export interface ReplayResult extends Observation {
  readonly trace: string
  readonly format: Trace['format']
  readonly requests: number
  readonly keys: number
  readonly threads: number
  readonly policy: string
  readonly valueBytes: number | 'as in the trace'
  readonly gets: number
  readonly hits: number
  readonly sets: number
  /** Sets that returned false. */
  readonly notKept: number
  readonly deletes: number
  /** Values that came back with another length than they were set with: must be 0. */
  readonly wrongValues: number
  /** 0 to 1, NaN without gets. */
  readonly hitRatio: number
  readonly byteHitRatio: number
  readonly seconds: number
  readonly requestsPerSecond: number
  /** Gets, sets and deletes together: a miss is two. */
  readonly operationsPerSecond: number
  readonly get: LatencySummary
  readonly set: LatencySummary
  /** What reading the clock twice costs by itself; it is part of each latency. */
  readonly timerNanoseconds: number
  readonly resident: { readonly before: number; readonly after: number }
}

let replays = 0

/** One worker and what it has said last, with errors that keep their code. */
class ReplayThread {
  readonly #worker: Worker
  #waiting: { kind: FromWorker['kind']; resolve(message: FromWorker): void; reject(error: Error): void } | undefined
  #failure: Error | undefined

  constructor(task: WorkerTask) {
    // The engine is the one asked for, whatever the environment says.
    const { OSTRAKA_ENGINE: _, ...env } = process.env
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: task, env })
    this.#worker.on('message', (message: FromWorker) => {
      if (message.kind === 'failed') {
        const { code, message: text } = message
        this.#fail(code === undefined ? new Error(text) : new OstrakaError(code as OstrakaErrorCode, text))
      } else if (this.#waiting?.kind === message.kind) {
        this.#waiting.resolve(message)
        this.#waiting = undefined
      }
    })
    this.#worker.on('error', (error) => this.#fail(error as Error))
    this.#worker.on('exit', () => this.#fail(new Error('a replay thread ended before its work was done')))
  }

  wait<K extends FromWorker['kind']>(kind: K): Promise<FromWorker & { kind: K }> {
    return new Promise((resolve, reject) => {
      if (this.#failure) reject(this.#failure)
      else this.#waiting = { kind, resolve: resolve as (message: FromWorker) => void, reject }
    })
  }

  tell(message: ToWorker): void {
    this.#worker.postMessage(message)
  }

  exited(): Promise<unknown> {
    return new Promise((resolve) => {
      if (this.#worker.threadId === -1) resolve(0)
      else this.#worker.once('exit', resolve)
    })
  }

  terminate(): Promise<number> {
    return this.#worker.terminate()
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#waiting?.reject(this.#failure)
    this.#waiting = undefined
  }
}

/**
 * Errors: those of createCache. Progress is told several times a second as requests done. Costs, beside the cache, the
 * trace's distinct keys as strings in each thread.
 */
export async function replayTrace(
  trace: Trace,
  settings: ReplaySettings,
  onProgress: (done: number) => void = () => {},
): Promise<ReplayResult> {
  const { threads, valueBytes, timeUnit = 0 } = settings
  // Without a thread that comes in when it likes: two replays of one trace are to be compared.
  const options: CacheOptions = { owners: 0, ...settings.cache, name: `ostraka-replay-${++replays}` }
  const state = new SharedArrayBuffer(stateBytes)
  const sums = new SharedArrayBuffer(threads * sumCount * 8)
  const latencies = new SharedArrayBuffer(threads * latencyBytes)
  const clock = new SharedArrayBuffer(8)
  const workers: ReplayThread[] = []
  const words = new Int32Array(state)

  // First of all, so that a fault in its options starts no thread in vain.
  const cache = createCache(options)
  const progress = setInterval(() => {
    onProgress(Math.min(trace.requests, Atomics.load(words, State.next) * blockRequests))
  }, 100)
  try {
    for (let thread = 0; thread < threads; thread++) {
      // The engine by its name: threads that choose by themselves would each tell why.
      const attached = { ...options, engine: cache.stats().engine }
      const task = { trace, cache: attached, valueBytes, thread, state, sums, latencies, timeUnit, clock }
      workers.push(new ReplayThread(task))
    }
    const all = <K extends FromWorker['kind']>(kind: K, message?: ToWorker) => {
      const replies = Promise.all(workers.map((worker) => worker.wait(kind)))
      if (message) for (const worker of workers) worker.tell(message)
      return replies
    }
    await all('ready')
    const residentBefore = process.memoryUsage.rss()
    const attached = await all('attached', 'attach')
    const done = await all('done', 'go')
    const residentAfter = process.memoryUsage.rss()
    onProgress(trace.requests)
    const observation = observe(cache)

    const total = (sum: keyof typeof Sum) => {
      const values = new Float64Array(sums)
      let result = 0
      for (let thread = 0; thread < threads; thread++) result += values[thread * sumCount + Sum[sum]]!
      return result
    }
    const [get, set] = latencyKinds.map((_, kind) => {
      const merged = new LatencyHistogram()
      for (let thread = 0; thread < threads; thread++) {
        merged.add(new LatencyHistogram(latencies, thread * latencyBytes + kind * histogramBytes))
      }
      return summary(merged)
    })
    const first = Math.min(...done.map(({ started }) => started))
    const last = Math.max(...done.map(({ ended }) => ended))
    const seconds = Math.max(last - first, 1) / 1e9
    const gets = total('gets')
    const sets = total('sets')
    const deletes = total('deletes')

    for (const worker of workers) worker.tell('leave')
    await Promise.all(workers.map((worker) => worker.exited()))
    return {
      trace: trace.name,
      format: trace.format,
      requests: trace.requests,
      keys: trace.keys,
      threads,
      policy: options.policy ?? 'adaptive',
      valueBytes: valueBytes ?? 'as in the trace',
      gets,
      hits: total('hits'),
      sets,
      notKept: total('notKept'),
      deletes,
      wrongValues: total('wrong'),
      hitRatio: total('hits') / gets,
      byteHitRatio: total('hitBytes') / total('getBytes'),
      seconds,
      requestsPerSecond: trace.requests / seconds,
      operationsPerSecond: (gets + sets + deletes) / seconds,
      get: get!,
      set: set!,
      timerNanoseconds: Math.min(...attached.map(({ timerNanoseconds }) => timerNanoseconds)),
      ...observation,
      resident: { before: residentBefore, after: residentAfter },
    }
  } finally {
    clearInterval(progress)
    Atomics.store(words, State.stop, 1)
    await Promise.all(workers.map((worker) => worker.terminate()))
    await cache.close()
  }
}

function summary(histogram: LatencyHistogram): LatencySummary {
  return {
    samples: histogram.samples,
    p50: histogram.quantile(0.5),
    p99: histogram.quantile(0.99),
    p999: histogram.quantile(0.999),
  }
}
